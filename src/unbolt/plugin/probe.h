// Trying a plug-in out in a process of its own, before the host opens it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/plugin/library.h"

namespace unbolt::plugin {

// The command line of a child that calls `run_probe`; it gets the path after these,
// and on stdin the options, which may be secret: NAME=VALUE, each ended by a zero byte.
using ProbeCommand = std::vector<std::string>;

// Opens and closes the plug-in in a child process. The error says how it went wrong there: the
// plug-in's own, the signal that it died of, or Timeout. Blocks, on any thread.
Result<> probe(const ProbeCommand& command, const std::string& path,
               const Provider::Options& options,
               std::chrono::milliseconds patience = std::chrono::seconds(10));

// The child: `arguments` are what `probe` added. Writes what is wrong to stdout; the exit status.
int run_probe(const std::vector<std::string>& arguments);

// Probes it, then opens it here.
Result<std::shared_ptr<Provider>> open_probed(const ProbeCommand& command, const std::string& path,
                                              const Provider::Options& options, Log& log);

}  // namespace unbolt::plugin
