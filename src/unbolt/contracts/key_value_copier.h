// Carrying keys from one key-value store to another, in batches.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unbolt/base/within.h"
#include "unbolt/contracts/handover.h"
#include "unbolt/contracts/key_value.h"

namespace unbolt::contracts {

// One task at a time, on one loop. Both stores outlive it. Nobody else writes to `to`.
class KeyValueCopier {
 public:
  using Clock = std::chrono::steady_clock;

  KeyValueCopier(KeyValue& from, KeyValue& to, const CopyLimits& limits)
      : from_(from), to_(to), limits_(limits), batch_(limits.batch_keys) {}

  // Runs after each batch, on the loop.
  void on_progress(std::function<void(const CopyCounts&)> progress) {
    progress_ = std::move(progress);
  }
  const CopyCounts& counts() const { return counts_; }
  // From now on; calm at first.
  void pace(CopyPace pace) { pace_ = pace; }
  // The buckets are counted anew, and the copy is calm again.
  void begin_pass() {
    counts_.buckets = 0;
    pace_ = CopyPace::Calm;
  }

  // Whether `to` holds a key.
  Task<Result<bool>> target_holds_keys();
  // Whether both lead to the same data: a key that is put into one of them for a moment is seen in
  // the other.
  Task<Result<bool>> same_store();
  // Removes the keys that only `to` holds, in every bucket.
  Task<Result<>> remove_stale();
  // Copies every key that `from` holds all along.
  Task<Result<>> copy_all();
  // Makes these keys in `to` what they are in `from`: present or absent; before
  // `deadline`, where there is one: then without a pause.
  Task<Result<>> copy_keys(std::string_view bucket, std::span<const std::string> keys,
                           Clock::time_point deadline = Clock::time_point::max());
  using Values = std::vector<std::optional<Bytes>>;
  // The same with the values that `from` holds, which are known.
  Task<Result<>> write_keys(std::string_view bucket, std::span<const std::string> keys,
                            std::span<const std::optional<Bytes>> values,
                            Clock::time_point deadline);

 private:
  // With the values of some first ones of the keys: as many as make a batch.
  Task<Result<Values>> read_batch(std::string_view bucket, std::span<const std::string> keys,
                                  Clock::time_point deadline);
  Task<Result<>> write_batch(std::string_view bucket, std::span<const std::string> keys,
                             std::span<const std::optional<Bytes>> values,
                             Clock::time_point deadline);
  Task<Result<>> remove_absent(std::string_view bucket, std::span<const std::string> keys);
  // `visit(bucket, keys, first)` with every page of keys of every bucket.
  template <class Visit>
  Task<Result<>> each_page(KeyValue& store, Visit visit);
  // `worked`: how long the batch before it took.
  Task<> rest(Clock::duration worked);

  template <class T>
  Task<Result<T>> ask(KeyValue& store, Reply<Result<T>> reply, Clock::time_point deadline);

  KeyValue& from_;
  KeyValue& to_;
  const CopyLimits limits_;
  std::size_t batch_;  // keys in the next one
  CopyPace pace_ = CopyPace::Calm;
  CopyCounts counts_;
  std::function<void(const CopyCounts&)> progress_;
};

}  // namespace unbolt::contracts
