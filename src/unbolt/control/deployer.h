// From the desired state of a component to a deployment of it that could serve: everything new is
// made here, and nothing that runs is touched.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/log.h"
#include "unbolt/component/linked_component.h"
#include "unbolt/contracts/audit.h"
#include "unbolt/contracts/claimed_grants.h"
#include "unbolt/contracts/provider_set.h"
#include "unbolt/control/desired_state.h"
#include "unbolt/control/revision_store.h"
#include "unbolt/host/component_link.h"
#include "unbolt/host/deployment.h"
#include "unbolt/plugin/open_plugins.h"
#include "unbolt/providers/config_values/config_values.h"

namespace unbolt::control {

// Where components come from: files, checked against all that the program offers, which the command
// line knows. `shown` is the file's name in errors. Blocks; on any thread.
class ComponentLoader {
 public:
  virtual ~ComponentLoader() = default;
  struct Loaded {
    std::shared_ptr<const component::LinkedComponent> component;
    // What it is granted by its signed claims, which its calls are bound by already; null: nobody
    // signed any.
    std::shared_ptr<const contracts::ClaimedGrants> claims;
  };
  // Opens, checks, compiles and links; imports that `links` names are met by other components.
  virtual Result<Loaded> load(const std::string& file, const std::string& shown,
                              const host::ComponentLinks& links) = 0;

  struct Interfaces {
    std::vector<std::string> foreign;  // imported, and none that the program offers
    std::vector<std::string> exported;
  };
  virtual Result<Interfaces> interfaces(const std::string& file, const std::string& shown) = 0;
};

// What was made for one component.
struct Made {
  // Given away when it is published: who keeps it, keeps it in service.
  std::shared_ptr<host::Deployment> deployment;
  bool http = false, messages = false, watcher = false, telnet = false;  // what it handles
  // The stores of the buckets in `state.watch`; null where no link leads there.
  std::map<std::string, std::shared_ptr<contracts::KeyValue>> watched;
  std::shared_ptr<host::Tally> tally;
  std::shared_ptr<const component::LinkedComponent> component;
  std::shared_ptr<providers::ConfigFromValues> config;
  std::shared_ptr<host::ConcurrencyGate> gate;  // null: no bound
  ComponentState state;                         // with the digest of the file

  // Takes `watched` of the deployment's links, as long as it is there.
  void find_watched();
};

class Deployer {
 public:
  // All of it outlives the deployer.
  struct Parts {
    contracts::ProviderSet& providers;
    plugin::OpenPlugins& plugins;
    BlockingPool& blocking;
    Log& log;
    const RevisionStore& revisions;
    ComponentLoader& loader;
    std::size_t loops;           // of the data plane
    std::size_t most_instances;  // of a component that says nothing about it
    contracts::AuditLog& audit;
  };
  explicit Deployer(Parts parts) : parts_(std::move(parts)) {}

  // Blocks. The error names the component. Where `like` has the same bound of calls at a time, both
  // count against one.
  // `others`: the components that its links may lead to.
  using Components = std::map<std::string, std::shared_ptr<const component::LinkedComponent>>;
  Result<Made> make(const std::string& name, ComponentState state, const Made* like,
                    const Components& others) const;

  // Fills in what the manifest leaves open: the digests of the files that it means now, which are
  // kept from then on, and links to the one component that can meet an import.
  Result<> resolve(std::map<std::string, ComponentState>& components) const;

 private:
  Result<contracts::Links> open_links(const ComponentState& state,
                                      const ComponentLoader::Loaded& loaded,
                                      const host::ComponentLinks& to_others,
                                      std::shared_ptr<contracts::Config> config) const;
  Result<RevisionStore::Kept> kept_file(const ComponentState& state) const;

  Parts parts_;
};

}  // namespace unbolt::control
