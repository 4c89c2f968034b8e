#include "unbolt/contracts/key_value.h"

#include <algorithm>
#include <charconv>

#include "unbolt/contracts/text.h"

namespace unbolt::contracts {
namespace {

using Limits = KeyValueLimits;

Result<> check_key_size(std::string_view key) {
  if (key.size() <= Limits::kKey) return {};
  return fail(ErrorCode::LimitExceeded, "a key of {} bytes: at most {} are allowed", key.size(),
              Limits::kKey);
}

Result<> check_count(std::size_t count) {
  if (count <= Limits::kBatchKeys) return {};
  return fail(ErrorCode::LimitExceeded, "{} keys in one call: at most {} are allowed", count,
              Limits::kBatchKeys);
}

Result<> check_cursor_size(std::optional<std::string_view> cursor) {
  if (!cursor || cursor->size() <= Limits::kKey) return {};
  return fail(ErrorCode::LimitExceeded, "a cursor of {} bytes, longer than any key",
              cursor->size());
}

}  // namespace

Reply<Result<std::unique_ptr<KeyWatch>>> KeyValue::watch(std::optional<std::string_view>,
                                                         OnKeyChange) {
  return fail(ErrorCode::Unsupported, "the provider '{}:' does not report changes of keys", name());
}

Reply<Result<bool>> KeyValue::compare_and_set(std::string_view, std::string_view,
                                              std::optional<ByteView>, ByteView) {
  return fail(ErrorCode::Unsupported, "the provider '{}:' cannot compare and swap", name());
}

Result<> check_bucket(std::string_view bucket) {
  if (bucket.size() <= Limits::kBucketName) return {};
  return fail(ErrorCode::LimitExceeded, "a bucket name of {} bytes: at most {} are allowed",
              bucket.size(), Limits::kBucketName);
}

Result<> check_key(std::string_view bucket, std::string_view key) {
  UNBOLT_TRY(check_bucket(bucket));
  return check_key_size(key);
}

Result<> check_pair(std::string_view bucket, std::string_view key, ByteView value) {
  UNBOLT_TRY(check_key(bucket, key));
  if (value.size() <= Limits::kValue) return {};
  return fail(ErrorCode::LimitExceeded, "a value of {} bytes: at most {} are allowed", value.size(),
              Limits::kValue);
}

Result<> check_keys(std::string_view bucket, std::span<const std::string_view> keys) {
  UNBOLT_TRY(check_bucket(bucket));
  UNBOLT_TRY(check_count(keys.size()));
  for (std::string_view key : keys) UNBOLT_TRY(check_key_size(key));
  return {};
}

Result<> check_pairs(std::string_view bucket, std::span<const KeyValuePair> pairs) {
  UNBOLT_TRY(check_bucket(bucket));
  UNBOLT_TRY(check_count(pairs.size()));
  // As `set`: the longest value with any key.
  if (pairs.size() == 1) return check_pair(bucket, pairs[0].first, pairs[0].second);
  std::size_t bytes = 0;
  for (const auto& [key, value] : pairs) {
    UNBOLT_TRY(check_pair(bucket, key, value));
    bytes += key.size() + value.size();
    if (bytes > Limits::kBatch) {
      return fail(ErrorCode::LimitExceeded, "more than {} bytes of keys and values in one call",
                  Limits::kBatch);
    }
  }
  return {};
}

Result<> check_cursor(std::string_view bucket, std::optional<std::string_view> cursor) {
  UNBOLT_TRY(check_bucket(bucket));
  return check_cursor_size(cursor);
}

Result<> check_bucket_cursor(std::optional<std::string_view> cursor) {
  return check_cursor_size(cursor);
}

Result<> check_answer(std::size_t bytes) {
  if (bytes <= Limits::kBatch) return {};
  return fail(ErrorCode::LimitExceeded, "the values of these keys are more than {} bytes together",
              Limits::kBatch);
}

Result<std::uint64_t> add_to_number(std::string_view key, std::optional<ByteView> value,
                                    std::uint64_t delta) {
  if (!value) return delta;
  std::string_view text = as_text(*value);
  std::uint64_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(ErrorCode::InvalidArgument, "the value of '{}' is not a number of 64 bits: '{}'",
                printable(key, 64), printable(text, 32));
  }
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(number, delta, &sum)) {
    return fail(ErrorCode::InvalidArgument, "{} + {} in '{}' does not fit in 64 bits", number,
                delta, printable(key, 64));
  }
  return sum;
}

bool is_expected(std::optional<ByteView> found, std::optional<ByteView> expected) {
  if (!found || !expected) return !found && !expected;
  return std::equal(found->begin(), found->end(), expected->begin(), expected->end());
}

}  // namespace unbolt::contracts
