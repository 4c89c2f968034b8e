// The key-value capability: buckets of keys and bytes.
#pragma once

#include <cstdint>
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

// A page of keys; `next` continues the listing, and is absent on the last page.
struct KeyPage {
  std::vector<std::string> keys;
  std::optional<std::string> next;
};

using KeyValuePair = std::pair<std::string_view, ByteView>;

// What a provider of `wasi:keyvalue` implements. Shared by all loops of the program: every function is thread-safe.
// Arguments are views that hold until the reply is ready or its task has ended. A bucket comes into being with its
// first write. A write that was answered survives whatever the provider promises (sqlite: a kill -9).
class KeyValue {
 public:
  virtual ~KeyValue() = default;

  virtual Reply<Result<std::optional<Bytes>>> get(std::string_view bucket, std::string_view key) = 0;
  virtual Reply<Result<>> set(std::string_view bucket, std::string_view key, ByteView value) = 0;
  // Removing what is not there is no error.
  virtual Reply<Result<>> remove(std::string_view bucket, std::string_view key) = 0;
  virtual Reply<Result<bool>> exists(std::string_view bucket, std::string_view key) = 0;
  // Keys in a stable order, at most a page of them. `cursor` is `next` of the page before.
  virtual Reply<Result<KeyPage>> list_keys(std::string_view bucket, std::optional<std::string_view> cursor) = 0;
  // Adds to the number stored under `key` (decimal text; 0 where there is none), atomically over all callers, and
  // answers the sum. InvalidArgument where the value is no number or the sum does not fit in 64 bits.
  virtual Reply<Result<std::uint64_t>> increment(std::string_view bucket, std::string_view key, std::uint64_t delta) = 0;
  // One answer a key, in the keys' order.
  virtual Reply<Result<std::vector<std::optional<Bytes>>>> get_many(std::string_view bucket,
                                                                    std::span<const std::string_view> keys) = 0;
  // All of them or, where the provider has transactions, none.
  virtual Reply<Result<>> set_many(std::string_view bucket, std::span<const KeyValuePair> pairs) = 0;
  virtual Reply<Result<>> remove_many(std::string_view bucket, std::span<const std::string_view> keys) = 0;
};

}  // namespace unbolt::contracts
