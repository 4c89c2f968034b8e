#include "unbolt/identity/base32.h"

namespace unbolt::identity {
namespace {

int digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= '2' && c <= '7') return c - '2' + 26;
  return -1;
}

}  // namespace

std::uint16_t crc16(ByteView bytes) {
  unsigned crc = 0;
  for (const std::uint8_t byte : bytes) {
    crc ^= static_cast<unsigned>(byte) << 8;
    for (int bit = 0; bit < 8; ++bit) crc = crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1;
  }
  return static_cast<std::uint16_t>(crc);
}

void base32_encode(ByteView bytes, std::span<char> out) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  unsigned held = 0, bits = 0;
  std::size_t at = 0;
  for (const std::uint8_t byte : bytes) {
    held = (held << 8 | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) out[at++] = kDigits[held >> (bits - 5) & 31];
  }
  if (bits) out[at++] = kDigits[held << (5 - bits) & 31];
}

bool base32_decode(std::string_view text, std::span<std::uint8_t> out) {
  if (text.size() != base32_size(out.size())) return false;
  unsigned held = 0, bits = 0;
  std::size_t at = 0;
  for (const char c : text) {
    const int value = digit(c);
    if (value < 0) return false;
    held = (held << 5 | static_cast<unsigned>(value)) & 0xfff;
    if ((bits += 5) >= 8) {
      bits -= 8;
      out[at++] = static_cast<std::uint8_t>(held >> bits);
    }
  }
  return (held & ((1u << bits) - 1)) == 0;
}

}  // namespace unbolt::identity
