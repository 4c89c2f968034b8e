// Transcoding between the encodings of the canonical ABI (CanonicalABI.md, "Loading" and "Storing"
// of strings).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "unbolt/base/bytes.h"

namespace unbolt::component {

bool valid_utf8(ByteView bytes);
// Each byte that does not belong to a scalar value becomes U+FFFD (a truncated sequence becomes one
// of them).
std::string to_valid_utf8(std::string_view text);

// nullopt where a surrogate stands alone.
std::optional<std::string> utf16_to_utf8(std::span<const char16_t> text);
std::string latin1_to_utf8(ByteView bytes);

// From valid UTF-8; `out` holds as many units as there are bytes. Return how many were written.
std::size_t utf8_to_utf16(std::string_view text, char16_t* out);
bool fits_latin1(std::string_view text);
std::size_t utf8_to_latin1(std::string_view text, std::uint8_t* out);

}  // namespace unbolt::component
