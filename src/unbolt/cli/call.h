// `unbolt call`: one exported function of a component, with JSON for arguments and result.
#pragma once

#include <string>

#include "unbolt/cli/run.h"

namespace unbolt::cli {

struct CallOptions {
  RunOptions run;        // what the component gets
  std::string function;  // "package:name/interface.function", "function", or empty to list them
  std::string arguments = "[]";  // JSON; "-": from standard input
};

// The exit status of the program: kFailed also where the function answered with an error.
int call_command(const CallOptions& options);

}  // namespace unbolt::cli
