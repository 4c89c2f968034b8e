// The values of a manifest that are more than text.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "unbolt/base/error.h"

namespace unbolt::control {

// All of them: InvalidArgument says what would be right.

// `64MiB`: a number and K, M, G (with or without iB: powers of 1024) or nothing. Never 0.
Result<std::uint64_t> parse_size(std::string_view text);
// `500ms`, `5s`, `2m`, `1h`. Never 0.
Result<std::chrono::milliseconds> parse_duration(std::string_view text);
// A whole number from 1.
Result<std::uint32_t> parse_count(std::string_view text);
// `fresh` (1) or `reused:N`.
Result<std::uint32_t> parse_reuse(std::string_view text);

// The largest unit in which the value is whole: "64MiB", "1500ms".
std::string size_text(std::uint64_t bytes);
std::string duration_text(std::chrono::milliseconds time);
std::string reuse_text(std::uint32_t reuse);

}  // namespace unbolt::control
