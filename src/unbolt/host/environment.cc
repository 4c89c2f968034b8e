#include "unbolt/host/environment.h"

#include <utility>

#include "unbolt/wasi/standard_streams.h"

namespace unbolt::host {

Result<wasi::Environment> make_environment(contracts::Grants grants, Blocking blocking) {
  wasi::Environment environment;
  environment.blocking = blocking;
  for (const auto& grant : grants.directories) {
    auto folder = files::Node::open(
        grant.host, grant.read_only ? files::Access::Read : files::Access::ReadWrite);
    if (!folder) return std::unexpected(std::move(folder).error());
    environment.preopens.push_back({std::move(*folder), grant.guest});
  }
  environment.grants = std::move(grants);
  return environment;
}

wasi::StandardStreams logged_streams(std::shared_ptr<contracts::Logging> logging,
                                     std::string component) {
  const auto lines = [&](std::string stream, LogLevel level) {
    return [logging, component, stream = std::move(stream), level](Executor) {
      return wasi::log_output(*logging, component, stream, level);
    };
  };
  return {[](Executor) { return wasi::empty_input(); }, lines("stdout", LogLevel::Info),
          lines("stderr", LogLevel::Warn)};
}

}  // namespace unbolt::host
