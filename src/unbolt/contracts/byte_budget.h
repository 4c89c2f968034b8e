// For providers that hold everything in memory.
#pragma once

#include <atomic>
#include <cstdint>

#include "unbolt/base/error.h"

namespace unbolt::contracts {

// The bytes of a store against its limit. Thread-safe, without a lock.
class ByteBudget {
 public:
  explicit ByteBudget(std::uint64_t limit) : limit_(limit) {}

  // LimitExceeded, with what to change, and nothing is taken.
  Result<> take(std::uint64_t bytes) {
    std::uint64_t used = used_.load(std::memory_order_relaxed);
    do {
      if (bytes > limit_ || used > limit_ - bytes) {
        return fail(
            ErrorCode::LimitExceeded,
            "the store in memory is full: {} more bytes beside {} of at most {} (max_bytes)", bytes,
            used, limit_);
      }
    } while (!used_.compare_exchange_weak(used, used + bytes, std::memory_order_relaxed));
    return {};
  }
  void give_back(std::uint64_t bytes) { used_.fetch_sub(bytes, std::memory_order_relaxed); }

 private:
  const std::uint64_t limit_;
  std::atomic<std::uint64_t> used_ = 0;
};

}  // namespace unbolt::contracts
