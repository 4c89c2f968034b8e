#include "unbolt/contracts/handover_gate.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <functional>
#include <thread>

namespace unbolt::contracts {
namespace {

using Clock = HandoverGate::Clock;

std::size_t count_of_thread(std::size_t counts) {
  return std::hash<std::thread::id>{}(std::this_thread::get_id()) % counts;
}

}  // namespace

struct HandoverGate::Waiter {
  Waiter(Executor executor, Clock::time_point until) : loop(executor), timer(executor, until) {}
  Executor loop;
  Timer timer;  // on its loop
};

// On the loop of the waiter, and so after it began to wait.
void HandoverGate::wake(std::shared_ptr<Waiter> waiter) {
  const Executor loop = waiter->loop;
  asio::post(loop, [waiter = std::move(waiter)] { waiter->timer.cancel(); });
}

Task<> HandoverGate::wait(std::shared_ptr<Waiter> waiter) {
  boost::system::error_code ignored;
  co_await waiter->timer.async_wait(asio::redirect_error(use_task, ignored));
}

// A writer counts itself first and looks at the phase then; who closes sets the phase first and
// looks at the counts then. In the one order that all of these have, either the writer sees the
// gate closed, or its count is seen.
HandoverGate::Way HandoverGate::enter(Pass& pass) {
  Way way = phase_.load(std::memory_order_acquire);
  if (way != Way::Old) return way;
  const std::size_t count = count_of_thread(counts_.size());
  counts_[count].writes.fetch_add(1, std::memory_order_seq_cst);
  Pass counted(this, count);
  way = phase_.load(std::memory_order_seq_cst);
  if (way == Way::Old) pass = std::move(counted);
  return way;
}

void HandoverGate::Pass::leave() noexcept {
  HandoverGate* gate = std::exchange(gate_, nullptr);
  if (!gate) return;
  const bool last = gate->counts_[count_].writes.fetch_sub(1, std::memory_order_seq_cst) == 1;
  if (!last || gate->phase_.load(std::memory_order_seq_cst) != Way::Closed) return;
  std::shared_ptr<Waiter> draining;
  {
    const std::lock_guard lock(gate->mutex_);
    draining = gate->draining_;
  }
  if (draining) wake(std::move(draining));
}

bool HandoverGate::none_in_flight() const {
  return std::ranges::all_of(counts_, [](const Count& count) {
    return count.writes.load(std::memory_order_seq_cst) == 0;
  });
}

std::uint64_t HandoverGate::writes_in_flight() const {
  std::int64_t sum = 0;
  for (const Count& count : counts_) sum += count.writes.load(std::memory_order_relaxed);
  return static_cast<std::uint64_t>(std::max<std::int64_t>(sum, 0));
}

Task<> HandoverGate::opened() {
  std::shared_ptr<Waiter> waiter;
  const Executor loop = co_await asio::this_coro::executor;
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Way::Closed) co_return;
    waiter = std::make_shared<Waiter>(loop, deadline_);
    held_.push_back(waiter);
    ++calls_held_;
  }
  struct Leave {
    HandoverGate& gate;
    const std::shared_ptr<Waiter>& waiter;
    ~Leave() {
      const std::lock_guard lock(gate.mutex_);
      std::erase(gate.held_, waiter);
    }
  } leave{*this, waiter};
  co_await wait(waiter);
  bool late = false;
  {
    const std::lock_guard lock(mutex_);
    late = phase_ == Way::Closed && Clock::now() >= deadline_;
  }
  if (late) open_to_old();
}

void HandoverGate::close(Clock::time_point deadline) {
  const std::lock_guard lock(mutex_);
  if (phase_ != Way::Old) return;
  closed_at_ = Clock::now();
  deadline_ = deadline;
  calls_held_ = 0;
  phase_.store(Way::Closed, std::memory_order_seq_cst);
}

Task<bool> HandoverGate::drained() {
  const Executor loop = co_await asio::this_coro::executor;
  while (true) {
    std::shared_ptr<Waiter> waiter;
    {
      const std::lock_guard lock(mutex_);
      if (phase_ != Way::Closed) co_return false;
      waiter = draining_ = std::make_shared<Waiter>(loop, deadline_);
    }
    if (none_in_flight()) co_return true;
    co_await wait(waiter);
    if (none_in_flight()) continue;
    const std::lock_guard lock(mutex_);
    if (Clock::now() >= deadline_) co_return false;
  }
}

bool HandoverGate::open(Way way) {
  std::vector<std::shared_ptr<Waiter>> held;
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Way::Closed) return false;
    phase_.store(way, std::memory_order_seq_cst);
    closed_for_ = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - closed_at_);
    held.swap(held_);
    if (draining_) held.push_back(std::move(draining_));
    draining_ = nullptr;
  }
  for (auto& waiter : held) wake(std::move(waiter));
  return true;
}

bool HandoverGate::open_to_new() { return open(Way::New); }
void HandoverGate::open_to_old() { open(Way::Old); }

std::chrono::microseconds HandoverGate::closed_for() const {
  const std::lock_guard lock(mutex_);
  return closed_for_;
}

std::uint64_t HandoverGate::calls_held() const {
  const std::lock_guard lock(mutex_);
  return calls_held_;
}

}  // namespace unbolt::contracts
