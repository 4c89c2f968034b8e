// What every command that runs a component sets up first: engine, cache of compiled code, the
// linked component, its providers and its grants.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/log.h"
#include "unbolt/cli/run.h"
#include "unbolt/cli/settings.h"
#include "unbolt/contracts/claimed_grants.h"
#include "unbolt/engine/compiled_cache.h"
#include "unbolt/engine/engine.h"
#include "unbolt/engine/store.h"
#include "unbolt/host/audit.h"
#include "unbolt/host/component_link.h"
#include "unbolt/host/component_pool.h"

namespace unbolt::cli {

// Owned by the command, on the main thread. Set up in two steps: `load` says what the component is,
// and `provide` gives it what it was granted, once the command knows how it will run it.
class Runtime {
 public:
  static Result<std::unique_ptr<Runtime>> load(const RunOptions& options);

  const component::LinkedComponent& component() const { return *served_.component; }
  const Settings& settings() const { return settings_; }
  Log& log() const { return log_; }

  // A command has its loop to itself, and makes blocking calls on it; what serves has as many loops
  // as it was told, and threads for them.
  enum class Use : std::uint8_t { Command, Server };
  Result<> provide(const RunOptions& options, Use use);

  // After `provide`.
  std::vector<std::unique_ptr<asio::io_context>>& loops() { return loops_; }
  host::ServedComponent& served() { return served_; }
  const engine::FiberSupport& fibers() const { return fibers_; }

 private:
  Runtime(Settings settings, const RunOptions& options);

  Log& log_;
  host::Audit audit_;
  Settings settings_;
  engine::Engine engine_;
  engine::FiberSupport fibers_;
  // Event loops outlive the providers and the blocking pool, whose threads resume tasks on them.
  std::vector<std::unique_ptr<asio::io_context>> loops_;
  std::optional<BlockingPool> blocking_;
  // They outlive what is linked to them.
  component::HostInterfaces offered_;
  component::HostInterfaces interfaces_{&offered_};
  host::ComponentLinks to_plugins_;
  std::shared_ptr<const contracts::ClaimedGrants> claims_;  // null: nobody signed any
  std::string unclaimed_;                                   // then what is said of that
  host::ServedComponent served_;
};

// What runs once may take so long as it was told from now on, and where it was not, for ever.
void set_deadline(host::LiveInstance& instance, const RunOptions& options);

}  // namespace unbolt::cli
