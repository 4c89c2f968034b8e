// Where the writes to a store pass while its data moves to another one: they are counted, held for
// a moment, and sent the other way.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "unbolt/base/task.h"

namespace unbolt::contracts {

// Open to the old store, then closed for a moment, then open to the new store for ever, or to the
// old one again. Thread-safe; outlives its passes and its tasks.
class HandoverGate {
 public:
  using Clock = std::chrono::steady_clock;
  enum class Way : std::uint8_t { Old, Closed, New };

  HandoverGate() = default;
  HandoverGate(const HandoverGate&) = delete;
  HandoverGate& operator=(const HandoverGate&) = delete;

  // A write on its way to the old store; counted until the pass is gone.
  class Pass {
   public:
    Pass() = default;
    Pass(Pass&& other) noexcept
        : gate_(std::exchange(other.gate_, nullptr)), count_(other.count_) {}
    Pass& operator=(Pass&& other) noexcept {
      leave();
      gate_ = std::exchange(other.gate_, nullptr);
      count_ = other.count_;
      return *this;
    }
    ~Pass() { leave(); }
    void leave() noexcept;

   private:
    friend class HandoverGate;
    Pass(HandoverGate* gate, std::size_t count) : gate_(gate), count_(count) {}
    HandoverGate* gate_ = nullptr;
    std::size_t count_ = 0;
  };

  // For a write: whereto it goes now. Old: it has `pass` from now on. Closed: it awaits `opened`
  // and asks again. New: nobody counts it.
  Way enter(Pass& pass);
  // For a read, which never waits: Old until the gate opens to the new store.
  Way way_to_read() const {
    return phase_.load(std::memory_order_acquire) == Way::New ? Way::New : Way::Old;
  }
  bool handed_over() const { return way_to_read() == Way::New; }

  // Ends when the gate is open again, at the latest at the deadline of `close`: who waits past it
  // opens the gate to the old store, whatever became of the one who closed it.
  Task<> opened();

  // From here on the one who hands over, one at a time.

  // Writes wait, at most until `deadline`.
  void close(Clock::time_point deadline);
  // Waits until no write is on its way to the old store: true. False where the gate was opened
  // again meanwhile, and at the deadline.
  Task<bool> drained();
  // Writes go to the new store. False where the gate was open again already: nothing happened.
  bool open_to_new();
  // Nothing where the gate is open.
  void open_to_old();

  std::uint64_t writes_in_flight() const;
  // Of the last closing: how long it took until the gate was open, and how many calls waited.
  std::chrono::microseconds closed_for() const;
  std::uint64_t calls_held() const;

 private:
  // Waits on a loop for a timer or for somebody who cancels it.
  struct Waiter;
  static void wake(std::shared_ptr<Waiter> waiter);
  static Task<> wait(std::shared_ptr<Waiter> waiter);

  bool none_in_flight() const;
  bool open(Way way);

  // Each thread counts in one of them, so that loops do not share a cache line.
  struct alignas(64) Count {
    std::atomic<std::int64_t> writes = 0;
  };
  std::array<Count, 16> counts_;
  std::atomic<Way> phase_ = Way::Old;  // written under the mutex

  mutable std::mutex mutex_;
  Clock::time_point closed_at_, deadline_;
  std::chrono::microseconds closed_for_{0};
  std::uint64_t calls_held_ = 0;
  std::vector<std::shared_ptr<Waiter>> held_;
  std::shared_ptr<Waiter> draining_;
};

}  // namespace unbolt::contracts
