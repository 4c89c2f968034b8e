#include "unbolt/host/target.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

#include "unbolt/host/failures.h"
#include "unbolt/host/message_invocation.h"
#include "unbolt/host/telnet_invocation.h"

namespace unbolt::host {

LoopDeployment::LoopDeployment(std::shared_ptr<const Deployment> deployment,
                               const LoopServices& services)
    : deployment_(std::move(deployment)),
      tally_(deployment_->tally().of(services.index)),
      pool_(deployment_->served, services.fibers, services.client, services.loop, &sources_) {
  for (const std::string& name : deployment_->callees) {
    if (Target* target = services.find(name)) sources_.set(name, *target);
  }
  if (deployment_->http) http_.emplace(pool_, *deployment_->http, services.log);
}

namespace {

// An instance in the hands of another component: a call that lasts as long as it is held.
class PinnedLease final : public ComponentLease {
 public:
  PinnedLease(Pin pinned, ConcurrencyGate::Pass pass)
      : pinned_(std::move(pinned)), call_(pinned_->tally()), pass_(std::move(pass)) {}

  // One that is not given back has failed, or never began.
  ~PinnedLease() override {
    if (!released_) call_.failed();
  }

  void take(std::unique_ptr<LiveInstance> live) { live_ = std::move(live); }

  component::Instance& instance() override { return live_->instance(); }
  std::chrono::milliseconds timeout() const override {
    return pinned_->deployment().served.limits.timeout;
  }
  void release() override {
    released_ = true;
    pinned_->pool().release(std::move(live_));
  }

 private:
  Pin pinned_;
  Counted call_;
  ConcurrencyGate::Pass pass_;
  bool released_ = false;
  std::unique_ptr<LiveInstance> live_;  // goes before what it came from
};

// Through the gate of a component that bounds its calls at a time; false where that took too long.
Task<bool> enter(const ServedComponent& served, ConcurrencyGate::Pass& pass) {
  pass = co_await served.gate->enter(std::chrono::steady_clock::now() + served.limits.timeout);
  co_return static_cast<bool>(pass);
}

Task<> work_on(Pin pinned, contracts::Delivery delivery, Log& log) {
  Counted call(pinned->tally());
  ConcurrencyGate::Pass pass;
  const auto& served = pinned->deployment().served;
  if (served.gate && !co_await enter(served, pass)) {
    call.failed();
    co_return;  // and the delivery has failed
  }
  auto handled = co_await handle_message(pinned->pool(), *pinned->deployment().messages,
                                         delivery.message(), log);
  if (handled) {
    delivery.handled();
  } else {
    call.failed();
  }
}

Task<> tell(Pin pinned, contracts::KeyChange change, std::shared_ptr<void>, Log& log) {
  Counted call(pinned->tally());
  const auto& deployment = pinned->deployment();
  ConcurrencyGate::Pass pass;
  if (deployment.served.gate && !co_await enter(deployment.served, pass)) {
    call.failed();
    log.line(LogLevel::Warn, deployment.served.name,
             "a change of a key was not told: too many calls were under way");
    co_return;
  }
  if (!co_await report_change(pinned->pool(), *deployment.watcher, change, log)) call.failed();
}

Task<> converse(Pin pinned, std::unique_ptr<telnet::Accepted>,
                std::shared_ptr<telnet::Connection> session, Log& log) {
  Counted call(pinned->tally());
  const auto& deployment = pinned->deployment();
  ConcurrencyGate::Pass pass;
  if (deployment.served.gate && !co_await enter(deployment.served, pass)) {
    call.failed();
    session->say("too many sessions; try again later");
    session->close();
    co_return;
  }
  if (!co_await handle_session(pinned->pool(), *deployment.telnet, session, log)) call.failed();
}

}  // namespace

void Target::publish(std::shared_ptr<const Deployment> next) {
  current_ = Pin(new LoopDeployment(std::move(next), services_));
  end_canary();
}

void Target::publish_canary(std::shared_ptr<const Deployment> canary, unsigned percent) {
  canary_ = Pin(new LoopDeployment(std::move(canary), services_));
  percent_ = percent;
  due_ = 0;
}

void Target::end_canary() { canary_.reset(); }

void Target::retire() {
  current_.reset();
  end_canary();
}

void Target::drop_holders() {
  for (const Pin& pin : {current_, canary_}) {
    if (pin) pin->pool().drop_holders();
  }
}

Pin Target::pin() {
  if (!canary_) return current_;
  due_ += percent_;
  if (due_ < 100) return current_;
  due_ -= 100;
  return canary_;
}

Task<> Target::handle(http::Request& request, http::ResponseWriter& response) {
  const Pin pinned = pin();
  if (!pinned || !pinned->http()) {
    answer_with(response, 404, "nothing answers here\n");
    co_return;
  }
  Counted call(pinned->tally());
  ConcurrencyGate::Pass pass;
  const auto& served = pinned->deployment().served;
  if (served.gate && !co_await enter(served, pass)) {
    call.failed();
    answer_with(response, 503, text_of(503));
    co_return;
  }
  if (co_await pinned->http()->serve(request, response) == Served::Failed) call.failed();
}

void Target::receive(contracts::Delivery delivery) {
  Pin pinned = pin();
  if (!pinned || !pinned->deployment().messages) return;
  asio::co_spawn(services_.loop, work_on(std::move(pinned), std::move(delivery), services_.log),
                 asio::detached);
}

void Target::report(contracts::KeyChange change, std::shared_ptr<void> told) {
  Pin pinned = pin();
  if (!pinned || !pinned->deployment().watcher) {
    services_.log.line(LogLevel::Warn, name_, "a change of a key was not told: it does not serve");
    return;
  }
  asio::co_spawn(services_.loop,
                 tell(std::move(pinned), std::move(change), std::move(told), services_.log),
                 asio::detached);
}

void Target::attend(std::unique_ptr<telnet::Accepted> client) {
  auto session = client->open(services_.loop, services_.log);
  if (!session) return;
  Pin pinned = pin();
  if (!pinned || !pinned->deployment().telnet) {
    session->say("nothing answers here");
    session->close();
    return;
  }
  asio::co_spawn(services_.loop,
                 converse(std::move(pinned), std::move(client), std::move(session), services_.log),
                 asio::detached);
}

Task<ComponentSource::Leased> Target::lease(LeaseTerms terms) {
  const Pin pinned = pin();
  if (!pinned) {
    co_return std::unexpected(
        engine::Fault{engine::Fault::Kind::Limit, "it is not in service", {}});
  }
  const auto& served = pinned->deployment().served;
  const auto deadline =
      std::min(terms.deadline, std::chrono::steady_clock::now() + served.limits.timeout);
  ConcurrencyGate::Pass pass;
  if (served.gate) {
    pass = co_await served.gate->enter(deadline);
    if (!pass) {
      co_return std::unexpected(
          engine::Fault{engine::Fault::Kind::Limit, "too many calls of it are under way", {}});
    }
  }
  auto lease = std::make_unique<PinnedLease>(pinned, std::move(pass));
  auto live = co_await pinned->pool().lease(deadline, terms.depth);
  if (!live) co_return std::unexpected(std::move(live).error());
  lease->take(std::move(*live));
  co_return lease;
}

}  // namespace unbolt::host
