// Adding to numbers: those who add to one key at a time in this program do it together.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "unbolt/nats/awaited.h"
#include "unbolt/providers/kv_nats/entries.h"

namespace unbolt::providers::nats_kv {

// Thread-safe. One write for all who wait; it is tried again where another program wrote between.
class Increments : public std::enable_shared_from_this<Increments> {
 public:
  explicit Increments(std::shared_ptr<const Store> store) : store_(std::move(store)) {}

  // The sum.
  Task<Result<std::uint64_t>> add(std::string bucket, std::string key, std::uint64_t delta);

 private:
  struct Waiter {
    std::uint64_t delta;
    std::shared_ptr<nats::Awaited<std::uint64_t>> sum;
  };
  using Waiters = std::deque<Waiter>;

  // Until nobody waits for the key.
  static Task<> serve(std::shared_ptr<Increments> self, std::string bucket, std::string key);
  Task<> add_all(std::string_view bucket, std::string_view key, Waiters waiters);

  const std::shared_ptr<const Store> store_;
  std::mutex mutex_;
  std::map<std::string, Waiters, std::less<>> waiting_;  // by subject; there while it is served
};

}  // namespace unbolt::providers::nats_kv
