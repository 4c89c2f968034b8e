#include "unbolt/contracts/pin_watch.h"

#include <limits>

namespace unbolt::contracts {

void EdgeQueue::push(PinLevel level) {
  {
    const std::lock_guard lock(mutex_);
    PinEdge edge{level};
    if (edges_.size() == PinLimits::kEdges) {
      const std::uint32_t before = edges_.front().missed;
      edges_.pop_front();
      std::uint32_t& missed = edges_.front().missed;
      missed = before + 1 < std::numeric_limits<std::uint32_t>::max() - missed
                   ? missed + before + 1
                   : std::numeric_limits<std::uint32_t>::max();
    }
    edges_.push_back(edge);
  }
  wakeup_->wake();
}

std::optional<PinEdge> EdgeQueue::take() {
  const std::lock_guard lock(mutex_);
  if (edges_.empty()) return std::nullopt;
  const PinEdge edge = edges_.front();
  edges_.pop_front();
  return edge;
}

Reply<PinResult<std::optional<PinEdge>>> EdgeQueue::next(std::chrono::milliseconds patience) {
  using Answer = PinResult<std::optional<PinEdge>>;
  if (auto edge = take()) return Answer(edge);
  if (patience <= std::chrono::milliseconds(0)) return Answer(std::nullopt);
  return wait(shared_from_this(), std::chrono::steady_clock::now() + patience);
}

Task<PinResult<std::optional<PinEdge>>> EdgeQueue::wait(std::shared_ptr<EdgeQueue> self,
                                                        Time until) {
  {
    const std::lock_guard lock(self->mutex_);
    if (self->waiting_)
      co_return std::unexpected(PinError("somebody waits for this watch already"));
    self->waiting_ = true;
  }
  struct Waits {
    EdgeQueue& of;
    ~Waits() {
      const std::lock_guard lock(of.mutex_);
      of.waiting_ = false;
    }
  } waits{*self};
  // A wake may be one for an edge that was taken since.
  for (;;) {
    if (auto edge = self->take()) co_return edge;
    if (!co_await self->wakeup_->wait_until(until)) co_return self->take();
  }
}

}  // namespace unbolt::contracts
