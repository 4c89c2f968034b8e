// Edges of an input on their way from any thread to the loop that asks for them.
#pragma once

#include <deque>
#include <mutex>

#include "unbolt/base/wakeup.h"
#include "unbolt/contracts/pins.h"

namespace unbolt::contracts {

// Bounded: where it is full the oldest edge goes, and the next one says that it was missed. A board
// never waits for a component.
class EdgeQueue : public std::enable_shared_from_this<EdgeQueue> {
 public:
  void push(PinLevel level);  // any thread

  // See PinWatch.
  Reply<PinResult<std::optional<PinEdge>>> next(std::chrono::milliseconds patience);

 private:
  std::optional<PinEdge> take();

  std::mutex mutex_;
  std::deque<PinEdge> edges_;
  bool waiting_ = false;
  const std::shared_ptr<Wakeup> wakeup_ = std::make_shared<Wakeup>();

  using Time = std::chrono::steady_clock::time_point;
  static Task<PinResult<std::optional<PinEdge>>> wait(std::shared_ptr<EdgeQueue> self, Time until);
};

}  // namespace unbolt::contracts
