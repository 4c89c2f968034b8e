// A component on one loop, whichever deployment of it serves now.
#pragma once

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "unbolt/base/log.h"
#include "unbolt/contracts/key_value.h"
#include "unbolt/contracts/messaging.h"
#include "unbolt/host/callees.h"
#include "unbolt/host/component_pool.h"
#include "unbolt/host/component_source.h"
#include "unbolt/host/deployment.h"
#include "unbolt/host/http_invocation.h"
#include "unbolt/telnet/listener.h"

namespace unbolt::host {

class Target;

// What a loop has for the components on it; outlives them.
struct LoopServices {
  std::size_t index;  // of the loop
  Executor loop;
  const engine::FiberSupport& fibers;
  http::Client& client;
  Log& log;
  // A component on this loop by its name; null where there is none. It stays while the loop does.
  std::function<Target*(std::string_view)> find;
};

// A deployment on one loop, with its instances. Counted without atomics: it never leaves the loop.
class LoopDeployment
    : public boost::intrusive_ref_counter<LoopDeployment, boost::thread_unsafe_counter> {
 public:
  LoopDeployment(std::shared_ptr<const Deployment> deployment, const LoopServices& services);

  const Deployment& deployment() const { return *deployment_; }
  Tally::OfLoop& tally() { return tally_; }
  ComponentPool& pool() { return pool_; }
  // Null where the component handles no HTTP.
  ComponentHandler* http() { return http_ ? &*http_ : nullptr; }

 private:
  std::shared_ptr<const Deployment> deployment_;
  Tally::OfLoop& tally_;
  ComponentSources sources_;
  ComponentPool pool_;
  std::optional<ComponentHandler> http_;
};

// As long as a call holds it, its deployment serves on.
using Pin = boost::intrusive_ptr<LoopDeployment>;

class Target final : public ComponentSource {
 public:
  Target(std::string name, const LoopServices& services)
      : name_(std::move(name)), services_(services) {}

  std::string_view name() const override { return name_; }

  // From now on calls go to `next`; those under way end where they began. A canary ends, too.
  void publish(std::shared_ptr<const Deployment> next);
  // Beside the current one, so many percent of the calls go to `canary`.
  void publish_canary(std::shared_ptr<const Deployment> canary, unsigned percent);
  void end_canary();
  // Nobody serves any more.
  void retire();
  // Idle instances that keep one of another component go: they would hold up that one's drain.
  void drop_holders();

  // Null where nobody serves.
  Pin pin();
  // Answers one request; 404 where nobody serves or the component handles no HTTP.
  Task<> handle(http::Request& request, http::ResponseWriter& response);
  // Handles one message, and answers for it when that is done; failed where nobody serves or the
  // component handles no messages.
  void receive(contracts::Delivery delivery);
  // Tells the watcher of one change of a key; lets go of `told` when that is done, in whatever way.
  // A line in the log, and no call, where nobody serves or the component exports no watcher.
  void report(contracts::KeyChange change, std::shared_ptr<void> told);
  // Serves one telnet session, to its end, with what serves now; a client that nobody serves is
  // told so.
  void attend(std::unique_ptr<telnet::Accepted> client);
  // For another component's call: an instance of what serves now.
  Task<Leased> lease(LeaseTerms terms) override;

 private:
  std::string name_;
  LoopServices services_;
  Pin current_, canary_;
  unsigned percent_ = 0;
  unsigned due_ = 0;  // percents that the canary has not had yet
};

}  // namespace unbolt::host
