// What an instance makes its host remember behind handles, and how much that may be.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>

#include "unbolt/contracts/key_value.h"
#include "unbolt/contracts/sql.h"

namespace unbolt::contracts {

// Of one instance, all its handles together: one of the largest, and something beside it. In bytes.
// Otherwise a million handles with a value each would take what the guest's own memory may not.
constexpr std::uint64_t kMaxHeldBytes =
    std::max<std::uint64_t>(KeyValueLimits::kValue, SqlLimits::kParameterBytes) + (2 << 20);

// The part of one handle, for as long as it lives, which may be longer than the instance does. On
// the instance's loop.
class HeldBytes {
 public:
  // `held`: the sum of the instance (`Guest::held_bytes`), made with the first.
  explicit HeldBytes(std::shared_ptr<std::uint64_t>& held) {
    if (!held) held = std::make_shared<std::uint64_t>(0);
    held_ = held;
  }
  ~HeldBytes() { *held_ -= bytes_; }
  HeldBytes(const HeldBytes&) = delete;
  HeldBytes& operator=(const HeldBytes&) = delete;

  // False, and nothing changes, where it would be more than the instance may hold.
  bool resize(std::uint64_t bytes) {
    if (bytes > kMaxHeldBytes - (*held_ - bytes_)) return false;
    *held_ += bytes - bytes_;
    bytes_ = bytes;
    return true;
  }

 private:
  std::shared_ptr<std::uint64_t> held_;
  std::uint64_t bytes_ = 0;
};

}  // namespace unbolt::contracts
