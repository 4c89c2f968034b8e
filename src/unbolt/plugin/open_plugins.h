// The plug-ins that are open: who names the same file with the same options has the same provider.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "unbolt/plugin/probe.h"

namespace unbolt::plugin {

// Thread-safe. Keeps no provider alive: who uses it does. A file that was written anew is another
// plug-in.
class OpenPlugins {
 public:
  // Without a command, a plug-in is opened without having been tried out.
  OpenPlugins(ProbeCommand command, Log& log) : command_(std::move(command)), log_(log) {}

  // Opens the provider, or takes the one that is open. Blocks.
  Result<std::shared_ptr<Provider>> open(const std::string& path, const Provider::Options& options);

 private:
  const ProbeCommand command_;
  Log& log_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Provider>> open_;
};

}  // namespace unbolt::plugin
