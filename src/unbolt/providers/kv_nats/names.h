// Buckets and keys, which are bytes, as tokens of NATS's subjects.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace unbolt::providers::nats_kv {

// Letters, digits, '-' and '_' stand for themselves, every other byte is `=XX`, no bytes are `=`.
std::string encode(std::string_view bytes);
// Absent where it is no token of ours.
std::optional<std::string> decode(std::string_view token);

// The token of a key: one that would be too long for a subject is `=h` and its SHA-256; its entry
// carries the key in a header.
std::string key_token(std::string_view key);
bool is_digest(std::string_view token);
inline constexpr char kKeyHeader[] = "Unbolt-Key";  // encoded

struct Place {
  std::string bucket, key;
};
// Of `$KV.STORE.BUCKET.KEY`, where `prefix` is `$KV.STORE.`; `header` is the entry's kKeyHeader.
std::optional<Place> place_of(std::string_view subject, std::string_view prefix,
                              std::optional<std::string_view> header);

}  // namespace unbolt::providers::nats_kv
