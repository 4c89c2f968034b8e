// Which keys there are.
#pragma once

#include <chrono>
#include <list>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>

#include "unbolt/providers/kv_nats/entries.h"

namespace unbolt::providers::nats_kv {

// Blocks. The keys of a bucket, in the order of their bytes: the server gives all of them, without
// their values.
Result<std::set<std::string>> keys_of(const Store& store, std::string_view bucket);
// The names of the buckets that hold keys.
Result<std::set<std::string>> buckets_of(const Store& store);

// Listings of which pages are still to come, so that not every page reads all keys again: the few
// that were used last, for a few seconds. Any thread.
class OpenListings {
 public:
  using Clock = std::chrono::steady_clock;
  using Names = std::shared_ptr<const std::set<std::string>>;

  // The one whose next page begins behind `cursor`; null: none is kept.
  Names take(std::string_view bucket, std::string_view cursor);
  void keep(std::string_view bucket, std::string_view cursor, Names names);

 private:
  static constexpr std::size_t kMost = 4;
  static constexpr std::chrono::seconds kAge{10};

  struct Open {
    std::string bucket, cursor;
    Names names;
    Clock::time_point kept;
  };
  std::mutex mutex_;
  std::list<Open> all_;  // the newest first
};

}  // namespace unbolt::providers::nats_kv
