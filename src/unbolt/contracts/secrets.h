// The secrets capability: what an operator gives a component and shows to nobody else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/base/reply.h"

namespace unbolt::contracts {

struct SecretLimits {
  static constexpr std::size_t kValue = 64 << 10;  // bytes
};

// The value of a secret, wiped from memory when its last holder lets go of it. It belongs in no log
// and no error.
class Secret {
 public:
  explicit Secret(Bytes value) : value_(std::move(value)) {}
  ~Secret();
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;

  ByteView value() const { return value_; }

 private:
  Bytes value_;
};

// Overwrites `bytes` in a way that no compiler leaves out.
void wipe(std::span<std::uint8_t> bytes);

// What a provider of `wasmcloud:secrets` implements. Shared by all loops: every function is
// thread-safe. A provider keeps one `Secret` for as long as the value is the same, so that who
// holds many has one in memory.
class Secrets {
 public:
  virtual ~Secrets() = default;

  // The value as it is now; null where there is no secret of this name. Io where its source cannot
  // be read; the message names the secret and not the source, since a guest reads it. `name` holds
  // until the function returns.
  virtual Reply<Result<std::shared_ptr<const Secret>>> get(std::string_view name) = 0;
};

}  // namespace unbolt::contracts
