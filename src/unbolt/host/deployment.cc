#include "unbolt/host/deployment.h"

#include <utility>

namespace unbolt::host {

void Tally::when_gone(std::move_only_function<void()> then) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_gone_) {
      then_.push_back(std::move(then));
      return;
    }
  }
  then();
}

bool Tally::is_gone() const {
  const std::lock_guard lock(mutex_);
  return is_gone_;
}

void Tally::gone() {
  std::vector<std::move_only_function<void()>> then;
  {
    const std::lock_guard lock(mutex_);
    is_gone_ = true;
    then.swap(then_);
  }
  for (auto& each : then) each();
}

std::uint64_t Tally::sum(std::atomic<std::uint64_t> OfLoop::* count) const {
  std::uint64_t total = 0;
  for (const OfLoop& loop : loops_) total += (loop.*count).load(std::memory_order_relaxed);
  return total;
}

}  // namespace unbolt::host
