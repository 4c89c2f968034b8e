// How many calls of a component run at a time, over all loops; more of them wait in line.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>

#include "unbolt/base/task.h"
#include "unbolt/engine/store.h"

namespace unbolt::host {

// Thread-safe. Outlived by its passes, which keep it.
class ConcurrencyGate : public std::enable_shared_from_this<ConcurrencyGate> {
 public:
  // Waiting calls beyond `most_waiting` are turned away at once.
  ConcurrencyGate(std::size_t most, std::size_t most_waiting)
      : most_(most), most_waiting_(most_waiting) {}

  // Held while a call runs. Empty: the call was turned away.
  class Pass {
   public:
    Pass() = default;
    explicit Pass(std::shared_ptr<ConcurrencyGate> gate) : gate_(std::move(gate)) {}
    Pass(Pass&&) = default;
    Pass& operator=(Pass&& other) noexcept {
      if (gate_ && gate_ != other.gate_) gate_->leave();
      gate_ = std::move(other.gate_);
      return *this;
    }
    ~Pass() {
      if (gate_) gate_->leave();
    }
    explicit operator bool() const { return gate_ != nullptr; }

   private:
    std::shared_ptr<ConcurrencyGate> gate_;
  };

  // First come, first served; empty when `deadline` passes or the line is too long. Cancelled, the
  // caller leaves the line.
  Task<Pass> enter(engine::Deadline deadline);

 private:
  struct Waiter;
  bool try_enter();
  void leave();

  const std::size_t most_, most_waiting_;
  std::mutex mutex_;
  std::size_t inside_ = 0;
  std::deque<std::shared_ptr<Waiter>> line_;
};

}  // namespace unbolt::host
