// Changes of keys on their way from a provider's threads to one loop.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "unbolt/base/wakeup.h"
#include "unbolt/contracts/key_value.h"

namespace unbolt::contracts {

// Shared by the watch, whose callback puts changes in on any thread, and by the task that takes
// them out. Bounded: where it is full what is in it is dropped, and `Missed` stands in its place,
// so that a provider never waits for a component.
class ChangeQueue : public std::enable_shared_from_this<ChangeQueue> {
 public:
  static constexpr std::size_t kChanges = 10'000;
  static constexpr std::size_t kBytes = 64 << 20;  // but one change of any size

  // What to give to `KeyValue::watch`; keeps the queue.
  OnKeyChange callback();
  void push(const KeyChange& change);

  // Nothing comes in any more; what is in it can still be taken.
  void close();

  // The next change, in the order in which they came; none when the time is over, or the queue is
  // closed and empty. One task at a time, on one loop; throws where it is cancelled.
  Task<std::optional<KeyChange>> next(std::chrono::steady_clock::time_point deadline);

  std::size_t size() const;

 private:
  std::optional<KeyChange> take();
  bool is_closed() const;

  mutable std::mutex mutex_;
  std::deque<KeyChange> changes_;
  std::size_t bytes_ = 0;
  bool closed_ = false;
  std::shared_ptr<Wakeup> wakeup_ = std::make_shared<Wakeup>();
};

}  // namespace unbolt::contracts
