#include "unbolt/component/strings.h"

#include <cstring>

namespace unbolt::component {
namespace {

void append_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out.push_back(static_cast<char>(c));
  } else if (c < 0x800) {
    out.push_back(static_cast<char>(0xc0 | (c >> 6)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else if (c < 0x10000) {
    out.push_back(static_cast<char>(0xe0 | (c >> 12)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  } else {
    out.push_back(static_cast<char>(0xf0 | (c >> 18)));
    out.push_back(static_cast<char>(0x80 | ((c >> 12) & 0x3f)));
    out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3f)));
    out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
  }
}

// The next scalar value of valid UTF-8.
char32_t next(const char*& p) {
  const auto byte = [&] { return static_cast<char32_t>(static_cast<unsigned char>(*p++)); };
  const char32_t first = byte();
  if (first < 0x80) return first;
  if (first < 0xe0) return ((first & 0x1f) << 6) | (byte() & 0x3f);
  if (first < 0xf0) {
    const char32_t second = byte() & 0x3f;
    return ((first & 0x0f) << 12) | (second << 6) | (byte() & 0x3f);
  }
  const char32_t second = byte() & 0x3f;
  const char32_t third = byte() & 0x3f;
  return ((first & 0x07) << 18) | (second << 12) | (third << 6) | (byte() & 0x3f);
}

}  // namespace

bool valid_utf8(ByteView bytes) {
  const std::uint8_t* p = bytes.data();
  const std::uint8_t* const end = p + bytes.size();
  while (p != end) {
    if (end - p >= 8) {  // most text is ASCII
      std::uint64_t word;
      std::memcpy(&word, p, 8);
      if ((word & 0x8080808080808080ull) == 0) {
        p += 8;
        continue;
      }
    }
    const std::uint8_t first = *p++;
    if (first < 0x80) continue;
    unsigned more;
    std::uint8_t
        low = 0x80,
        high = 0xbf;  // of the second byte: no overlong forms, no surrogates, nothing past 10FFFF
    if (first >= 0xc2 && first <= 0xdf) {
      more = 1;
    } else if (first >= 0xe0 && first <= 0xef) {
      more = 2;
      if (first == 0xe0) low = 0xa0;
      if (first == 0xed) high = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
      more = 3;
      if (first == 0xf0) low = 0x90;
      if (first == 0xf4) high = 0x8f;
    } else {
      return false;
    }
    if (static_cast<std::size_t>(end - p) < more) return false;
    if (*p < low || *p > high) return false;
    for (++p; more > 1; --more, ++p) {
      if ((*p & 0xc0) != 0x80) return false;
    }
  }
  return true;
}

std::string to_valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0u;
  };
  for (std::size_t i = 0; i < text.size();) {
    // The longest part that may start a scalar value, as in valid_utf8: all of it, or one U+FFFD
    // for it.
    const unsigned first = byte(i);
    const unsigned more = first < 0x80                     ? 0
                          : first >= 0xc2 && first <= 0xdf ? 1
                          : first >= 0xe0 && first <= 0xef ? 2
                          : first >= 0xf0 && first <= 0xf4 ? 3
                                                           : 4;
    const unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    const unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    std::size_t length = 1;
    if (more < 4) {
      while (length <= more && byte(i + length) >= (length == 1 ? low : 0x80) &&
             byte(i + length) <= (length == 1 ? high : 0xbf)) {
        ++length;
      }
    }
    if (length == more + 1) {
      out.append(text, i, length);
    } else {
      append_utf8(out, U'\ufffd');
    }
    i += length;
  }
  return out;
}

std::optional<std::string> utf16_to_utf8(std::span<const char16_t> text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char32_t c = text[i];
    if (c >= 0xd800 && c <= 0xdfff) {
      if (c > 0xdbff || i + 1 == text.size() || text[i + 1] < 0xdc00 || text[i + 1] > 0xdfff)
        return std::nullopt;
      c = 0x10000 + ((c - 0xd800) << 10) + (text[++i] - 0xdc00);
    }
    append_utf8(out, c);
  }
  return out;
}

std::string latin1_to_utf8(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (const auto byte : bytes) append_utf8(out, byte);
  return out;
}

std::size_t utf8_to_utf16(std::string_view text, char16_t* out) {
  char16_t* const start = out;
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    char32_t c = next(p);
    if (c < 0x10000) {
      *out++ = static_cast<char16_t>(c);
    } else {
      c -= 0x10000;
      *out++ = static_cast<char16_t>(0xd800 + (c >> 10));
      *out++ = static_cast<char16_t>(0xdc00 + (c & 0x3ff));
    }
  }
  return static_cast<std::size_t>(out - start);
}

bool fits_latin1(std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    if (next(p) > 0xff) return false;
  }
  return true;
}

std::size_t utf8_to_latin1(std::string_view text, std::uint8_t* out) {
  std::uint8_t* const start = out;
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) *out++ = static_cast<std::uint8_t>(next(p));
  return static_cast<std::size_t>(out - start);
}

}  // namespace unbolt::component
