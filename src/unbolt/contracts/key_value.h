// The key-value capability: buckets of keys and bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/base/reply.h"

namespace unbolt::contracts {

// What every provider takes and none exceeds; beyond it the answer is LimitExceeded and nothing has
// changed. In bytes.
struct KeyValueLimits {
  static constexpr std::size_t kBucketName = 256;
  static constexpr std::size_t kKey = 4096;
  static constexpr std::size_t kValue = 64 << 20;
  // The keys and values of one call to `set_many`, the answer of one to `get_many`.
  static constexpr std::size_t kBatch = 64 << 20;
  static constexpr std::size_t kBatchKeys = 65'536;
  // Keys in one page of `list_keys`, names in one of `list_buckets`.
  static constexpr std::size_t kPageKeys = 1000;
  static constexpr std::size_t kPageBuckets = 1000;
};

// A page of keys; `next` continues the listing, and is absent on the last page.
struct KeyPage {
  std::vector<std::string> keys;
  std::optional<std::string> next;
};

// A page of names of buckets, as `KeyPage`.
struct BucketPage {
  std::vector<std::string> buckets;
  std::optional<std::string> next;
};

using KeyValuePair = std::pair<std::string_view, ByteView>;

// What a watch reports. A value; a copy shares `value`.
struct KeyChange {
  enum class Kind : std::uint8_t {
    Set,
    Deleted,
    // The provider was cut off from its server, or changes came quicker than it could fetch them:
    // some before this report may be missing, none after it is. Who keeps a copy reads all again.
    Missed,
  };
  Kind kind;
  std::string bucket;  // of Missed: empty
  std::string key;
  std::shared_ptr<const Bytes> value;  // of Set, else null
};

// Runs on any thread, never twice at once for one watch, and often where others wait for it: it
// must not block, throw, call the provider or drop the watch; it puts the change into a queue of
// its own, and bounds that.
using OnKeyChange = std::function<void(const KeyChange&)>;

// Dropping it ends the watch; when the destructor has returned the callback runs no more. It may
// outlive its provider, and reports nothing then.
class KeyWatch {
 public:
  virtual ~KeyWatch() = default;
};

// What a provider of `wasi:keyvalue` implements. Shared by all loops of the program: every function
// is thread-safe.
//
// Arguments are views into a guest's memory and hold until the function returns, not until its task
// has ended: a provider that answers later copies what it needs first. A later answer completes on
// the loop that awaits it; a task that is cancelled may or may not have had its effect, and one
// that was never awaited has none.
//
// Bucket names and keys are bytes: empty ones, zero bytes and any encoding are kept as they are. A
// bucket comes into being with its first write: reading one that is not there finds nothing, and is
// no error.
//
// A caller reads what was answered as written before, on any loop. A write that was answered
// survives whatever the provider promises (sqlite: a kill -9).
class KeyValue {
 public:
  virtual ~KeyValue() = default;

  // The scheme of its URL, for messages. Lives as long as the program.
  virtual std::string_view name() const = 0;

  virtual Reply<Result<std::optional<Bytes>>> get(std::string_view bucket,
                                                  std::string_view key) = 0;
  virtual Reply<Result<>> set(std::string_view bucket, std::string_view key, ByteView value) = 0;
  // Removing what is not there is no error.
  virtual Reply<Result<>> remove(std::string_view bucket, std::string_view key) = 0;
  virtual Reply<Result<bool>> exists(std::string_view bucket, std::string_view key) = 0;
  // Keys in a stable order, at most a page of them. `cursor` is `next` of the page before; it stays
  // good while others write: a key that was there all along is listed once, one that came or went
  // meanwhile at most once. Any string may come in as a cursor (the guest keeps it); a made-up one
  // lists some part of the keys.
  virtual Reply<Result<KeyPage>> list_keys(std::string_view bucket,
                                           std::optional<std::string_view> cursor) = 0;
  // Adds to the number stored under `key` (decimal digits; 0 where there is none), atomically over
  // all callers, and answers the sum. InvalidArgument where the value is no number or the sum does
  // not fit in 64 bits.
  virtual Reply<Result<std::uint64_t>> increment(std::string_view bucket, std::string_view key,
                                                 std::uint64_t delta) = 0;
  // Stores `value` if the key's value is `expected`, byte by byte (absent: there is no such key),
  // atomically over all callers, and answers whether it did. Unsupported where the provider cannot.
  virtual Reply<Result<bool>> compare_and_set(std::string_view bucket, std::string_view key,
                                              std::optional<ByteView> expected, ByteView value);
  // One answer a key, in the keys' order.
  virtual Reply<Result<std::vector<std::optional<Bytes>>>> get_many(
      std::string_view bucket, std::span<const std::string_view> keys) = 0;
  // All of them or, where the provider has transactions, none. Of pairs with the same key the last
  // one stays.
  virtual Reply<Result<>> set_many(std::string_view bucket,
                                   std::span<const KeyValuePair> pairs) = 0;
  virtual Reply<Result<>> remove_many(std::string_view bucket,
                                      std::span<const std::string_view> keys) = 0;

  // Names of the buckets that hold keys, in a stable order, at most a page of them; the cursor is
  // as that of `list_keys`. A bucket whose last key is gone may be listed, or not.
  virtual Reply<Result<BucketPage>> list_buckets(std::optional<std::string_view> cursor) = 0;
  // Reports the changes of the keys in the bucket, or in all where none is named, which are made
  // after the answer (those made meanwhile may be reported) until the handle is dropped. A provider
  // says in its README whose changes it sees: those of this process, or those of all.
  //
  // Those of one key come in their order; of several in quick succession only the last may come,
  // and a report may come before or after the call that made the change was answered. Removing what
  // was not there may be reported too. Unsupported where the provider cannot.
  virtual Reply<Result<std::unique_ptr<KeyWatch>>> watch(std::optional<std::string_view> bucket,
                                                         OnKeyChange changed);
};

// For providers: the arguments against the limits, so that all refuse with the same words.
Result<> check_key(std::string_view bucket, std::string_view key);
Result<> check_pair(std::string_view bucket, std::string_view key, ByteView value);
Result<> check_keys(std::string_view bucket, std::span<const std::string_view> keys);
Result<> check_pairs(std::string_view bucket, std::span<const KeyValuePair> pairs);
Result<> check_cursor(std::string_view bucket, std::optional<std::string_view> cursor);
Result<> check_bucket(std::string_view bucket);
// Of `list_buckets`.
Result<> check_bucket_cursor(std::optional<std::string_view> cursor);
// `bytes`: the size of a `get_many` answer so far.
Result<> check_answer(std::size_t bytes);

// For providers: the sum that `increment` stores, as a number. `value` is absent where there is no
// such key.
Result<std::uint64_t> add_to_number(std::string_view key, std::optional<ByteView> value,
                                    std::uint64_t delta);
// For providers: whether this is what `compare_and_set` expects to find.
bool is_expected(std::optional<ByteView> found, std::optional<ByteView> expected);

}  // namespace unbolt::contracts
