// `unbolt inspect`: what a component needs and gives, and whether this host can run it. Runs and
// compiles nothing.
#pragma once

#include <string>

namespace unbolt::cli {

struct InspectOptions {
  std::string file;
  std::string output = "text";
};
int inspect_command(const InspectOptions& options);

}  // namespace unbolt::cli
