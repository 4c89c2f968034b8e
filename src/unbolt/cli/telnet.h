// `unbolt run FILE --telnet HOST:PORT`.
#pragma once

#include "unbolt/cli/run.h"
#include "unbolt/cli/runtime.h"

namespace unbolt::cli {

// Serves telnet sessions until SIGTERM or SIGINT, then tells those that are left; the exit status.
int serve_telnet(const RunOptions& options, Runtime& runtime);

}  // namespace unbolt::cli
