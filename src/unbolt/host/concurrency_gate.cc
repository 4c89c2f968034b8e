#include "unbolt/host/concurrency_gate.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>

namespace unbolt::host {

struct ConcurrencyGate::Waiter {
  explicit Waiter(Executor executor) : loop(executor), timer(executor) {}
  Executor loop;
  Timer timer;           // on its loop
  bool granted = false;  // guarded by the gate's mutex
};

bool ConcurrencyGate::try_enter() {
  const std::lock_guard lock(mutex_);
  if (inside_ >= most_ || !line_.empty()) return false;
  ++inside_;
  return true;
}

void ConcurrencyGate::leave() {
  std::shared_ptr<Waiter> next;
  {
    const std::lock_guard lock(mutex_);
    if (line_.empty()) {
      --inside_;
      return;
    }
    next = std::move(line_.front());
    line_.pop_front();
    next->granted = true;
  }
  const Executor loop = next->loop;
  asio::post(loop, [next = std::move(next)] { next->timer.cancel(); });
}

Task<ConcurrencyGate::Pass> ConcurrencyGate::enter(engine::Deadline deadline) {
  if (try_enter()) co_return Pass(shared_from_this());
  auto waiter = std::make_shared<Waiter>(co_await asio::this_coro::executor);
  waiter->timer.expires_at(deadline);
  {
    const std::lock_guard lock(mutex_);
    if (inside_ < most_) {  // somebody left meanwhile
      ++inside_;
      co_return Pass(shared_from_this());
    }
    if (line_.size() >= most_waiting_) co_return Pass();
    line_.push_back(waiter);
  }
  // Out of the line however the wait ends; a place that was granted too late goes to the next.
  struct Leave {
    ConcurrencyGate& gate;
    std::shared_ptr<Waiter> waiter;
    bool taken = false;
    ~Leave() {
      if (taken) return;
      bool granted = false;
      {
        const std::lock_guard lock(gate.mutex_);
        granted = waiter->granted;
        if (!granted) std::erase(gate.line_, waiter);
      }
      if (granted) gate.leave();
    }
  } leave{*this, waiter};
  const auto self = shared_from_this();
  boost::system::error_code ignored;
  co_await waiter->timer.async_wait(asio::redirect_error(use_task, ignored));
  {
    const std::lock_guard lock(mutex_);
    leave.taken = waiter->granted;
  }
  if (!leave.taken) co_return Pass();
  co_return Pass(self);
}

}  // namespace unbolt::host
