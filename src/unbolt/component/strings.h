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

// Whether it is only the last scalar value of not valid UTF-8 that lacks bytes; for messages.
bool incomplete_utf8(ByteView bytes);

// Text where it lies, in one of the three encodings; `units` are bytes, or 16 bits each, which need
// not be aligned.
struct Text {
  enum class Encoding : std::uint8_t { Utf8, Utf16, Latin1 } encoding = Encoding::Utf8;
  const std::uint8_t* data = nullptr;
  std::size_t units = 0;
  bool tagged = false;  // its encoding was latin1+utf16, which chose this one
};
struct TextSizes {
  std::size_t utf8_bytes = 0, utf16_units = 0;
  bool latin1 = true;  // every scalar value is below U+0100
};
// nullopt where it is not valid: no UTF-8, or a surrogate stands alone.
std::optional<TextSizes> measure(const Text& text);

// Of valid text; `out` holds what `measure` says. Latin-1 only where it says that it is.
void write_utf8(const Text& text, std::uint8_t* out);
void write_utf16(const Text& text, std::uint8_t* out);
void write_latin1(const Text& text, std::uint8_t* out);

// nullopt where a surrogate stands alone.
std::optional<std::string> utf16_to_utf8(std::span<const char16_t> text);
std::u16string utf8_to_utf16(std::string_view text);  // of valid UTF-8

}  // namespace unbolt::component
