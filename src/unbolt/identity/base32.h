// Base32 (RFC 4648, no padding) with a CRC-16 behind the bytes, as nkeys are written.
#pragma once

#include <optional>
#include <string_view>

#include "unbolt/base/bytes.h"

namespace unbolt::identity {

// CRC-16/XMODEM.
std::uint16_t crc16(ByteView bytes);

constexpr std::size_t base32_size(std::size_t bytes) { return (bytes * 8 + 4) / 5; }

// `out` has base32_size(bytes.size()) places.
void base32_encode(ByteView bytes, std::span<char> out);

// False where a character is none of A-Z2-7, the length is not that of `out`'s bytes, or bits that
// mean nothing are set: bytes have one spelling only. `out` is then in no particular state.
bool base32_decode(std::string_view text, std::span<std::uint8_t> out);

}  // namespace unbolt::identity
