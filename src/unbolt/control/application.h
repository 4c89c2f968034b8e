// The application that a host runs: what is desired, what serves, and the one queue of changes
// between them.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unbolt/contracts/handover.h"
#include "unbolt/control/deployer.h"
#include "unbolt/control/listeners.h"
#include "unbolt/control/subscriptions.h"
#include "unbolt/control/watches.h"
#include "unbolt/host/concurrency_gate.h"
#include "unbolt/host/data_plane.h"

namespace unbolt::control {

// How many calls a deployment served.
struct Calls {
  std::string revision;
  std::uint64_t begun = 0, failed = 0, in_flight = 0;
};

// What a change of one component did.
struct ChangeReport {
  std::string component;
  std::string change;                    // "wasi:keyvalue memory: -> sqlite:app.db"
  std::chrono::microseconds ready{0};    // from the request until the new one could serve
  std::chrono::microseconds serving{0};  // … until every new call went to it
  std::chrono::microseconds drained{0};  // … until the last call of the old one had ended
  bool is_drained = true;                // false: some were left when the wait was over
  Calls before, after;
  std::optional<contracts::CopyReport> copied;  // of a swap that carried data over
};

// Whether a swap carries over what the old provider holds.
enum class Carry : std::uint8_t {
  Nothing,
  Data,       // unless the new one holds something already
  Overwrite,  // … which is taken away
};

struct ComponentStatus {
  std::string name;
  ComponentState state;
  std::chrono::system_clock::time_point since;
  Calls calls;
  struct Canary {
    unsigned percent;
    ComponentState state;
    Calls calls;
  };
  std::optional<Canary> canary;
  std::vector<Calls> draining;
  bool can_roll_back = false;
};

// What outlives the host.
struct KeptState {
  DesiredState desired;  // with the digests of what runs
  // What each component goes back to; those that have nothing to go back to are as desired.
  std::map<std::string, ComponentState> previous;
};

// Bound to the control loop, as all of its coroutines. A change makes everything new first, then
// publishes, then waits for the old to drain: a failure at any step leaves the old in service.
// Changes are made one after the other; draining does not hold up the next.
class Application {
 public:
  struct Parts {
    host::DataPlane& data_plane;
    BlockingPool& blocking;
    const Deployer& deployer;
    const RevisionStore& revisions;
    Subscriptions& subscriptions;
    Watches& watches;
    Listeners& listeners;
    Log& log;
    // Blocks until it is on the disk. Called whenever it has changed.
    std::function<Result<>(const KeptState&)> store;
  };
  Application(Executor loop, Parts parts);

  // What is desired now, with the digests of what runs.
  const DesiredState& desired() const { return desired_; }
  std::vector<ComponentStatus> status() const;
  std::vector<Route> routes() const { return routes_; }
  std::vector<WantedTopic> topics() const { return parts_.subscriptions.wanted(); }

  std::vector<ListenerStatus> listeners() const { return parts_.listeners.status(); }

  // Fills in the digests of the files that `desired` means now.
  Task<Result<DesiredState>> resolve(DesiredState desired);
  // Makes all that `apply` would need, and lets it go: the error that `apply` would answer with.
  Task<Result<>> check(DesiredState desired);
  // `previous`: of components that are new, as another host kept it.
  Task<Result<std::vector<ChangeReport>>> apply(
      DesiredState desired, std::map<std::string, ComponentState> previous = {});
  // A swap to what is there already changes nothing, and says so.
  //
  // One link; a link of this name that is not there is made. Where data is carried over, what the
  // component writes meanwhile is carried over too: also what calls write that began before.
  Task<Result<ChangeReport>> swap_link(std::string component, LinkKey link, std::string url,
                                       Carry carry);
  // One revision; for a part of the calls only where `percent` is given (1 to 99).
  Task<Result<ChangeReport>> swap_revision(std::string component, std::string image,
                                           std::string digest, std::optional<unsigned> percent);
  // Ends the canary where there is one, else goes back to what served before the last change; with
  // the data where that was a change of a store.
  Task<Result<ChangeReport>> roll_back(std::string component, Carry carry);

 private:
  struct Running {
    host::TargetId target;
    Made made;
    std::chrono::system_clock::time_point since;
    std::optional<ComponentState> previous;
    struct Canary {
      Made made;
      unsigned percent;
    };
    std::optional<Canary> canary;
    std::vector<Made> draining;  // without their deployments
  };
  using Clock = std::chrono::steady_clock;
  // The contracts whose data can be carried over.
  static constexpr std::string_view kKeyValue = "wasi:keyvalue", kBlobStore = "wasi:blobstore";

  Task<Result<host::ConcurrencyGate::Pass>> turn();
  Result<Running*> find(const std::string& component);
  // `made`: of the components that it may be linked to, those that are new.
  Task<Result<Made>> make(std::string name, ComponentState state, const Made* like,
                          const std::map<std::string, Made>& made);
  // Whether those that are linked to it can go on with a new revision of a component.
  Task<Result<>> check_callers(const std::string& component, const Made& next);
  // Puts `next` in the place of what serves; the report lacks `drained`.
  Task<ChangeReport> publish(std::string name, Made next, Clock::time_point begun);
  // Of a change that is none.
  Task<Result<ChangeReport>> unchanged(std::string component, std::string words);
  Task<> finish(ChangeReport& report, std::shared_ptr<host::Tally> old,
                std::shared_ptr<host::Tally> now, std::chrono::milliseconds patience,
                Clock::time_point begun);
  Task<Result<ChangeReport>> change(std::string component, ComponentState next,
                                    std::optional<unsigned> percent, std::string words,
                                    host::ConcurrencyGate::Pass turn, Clock::time_point begun);
  Task<Result<ChangeReport>> carry_over(std::string component, LinkKey link, ComponentState next,
                                        Carry carry, std::string words,
                                        host::ConcurrencyGate::Pass turn, Clock::time_point begun);
  static std::chrono::microseconds since(Clock::time_point begun);
  // How long calls of a deployment may still be under way.
  static std::chrono::milliseconds patience_of(const Made& made);
  // Ends when the tally's deployment is gone; false when `patience` is over first.
  Task<bool> wait_gone(std::shared_ptr<host::Tally> tally, std::chrono::milliseconds patience);
  Task<Result<>> keep();
  // As `keep`, but drops no revision.
  Task<Result<>> store();
  // What each component will be, of those that serve and those that were made.
  using Handlers = std::map<std::string, const Made*>;
  // What `apply` needs before anything changes.
  struct Prepared {
    std::vector<std::string> order;
    std::map<std::string, Made> fresh;  // those that are new or change
    Handlers handlers;                  // may point into `fresh`
    std::vector<Route> routes;
  };
  Task<Result<Prepared>> prepare(const DesiredState& desired);
  Result<std::vector<Route>> effective_routes(const DesiredState& desired,
                                              const Handlers& components) const;
  Result<std::vector<WantedTopic>> wanted_topics(const std::string& application,
                                                 const std::vector<Topic>& topics,
                                                 const Handlers& components) const;
  Result<std::vector<WantedListener>> wanted_listeners(const std::vector<Listen>& listen,
                                                       const Handlers& components) const;
  Result<std::vector<WantedWatch>> wanted_watches(const Handlers& components) const;
  // Watches what serves now instead of what served before, where both are the same store.
  Task<Result<>> watch_again(std::chrono::milliseconds patience);
  Task<Result<>> publish_routes(const std::vector<Route>& routes);

  Executor loop_;
  Parts parts_;
  std::shared_ptr<host::ConcurrencyGate> queue_;
  DesiredState desired_;
  std::vector<Route> routes_;  // as they are published
  std::map<std::string, Running> running_;
};

}  // namespace unbolt::control
