#include "unbolt/component/strings.h"

#include <cstring>

namespace unbolt::component {
namespace {

std::uint8_t* append_utf8(std::uint8_t* out, char32_t c) {
  if (c < 0x80) {
    *out++ = static_cast<std::uint8_t>(c);
    return out;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr std::uint8_t kLead[] = {0, 0xc0, 0xe0, 0xf0};
  *out++ = static_cast<std::uint8_t>(kLead[more] | (c >> (6 * more)));
  for (int i = more - 1; i >= 0; --i)
    *out++ = static_cast<std::uint8_t>(0x80 | ((c >> (6 * i)) & 0x3f));
  return out;
}

// The next scalar value of valid UTF-8.
char32_t next(const std::uint8_t*& p) {
  const auto byte = [&] { return char32_t{*p++}; };
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

// Visits the scalar values of valid UTF-8, of Latin-1, or of UTF-16, where it ends with false at a
// surrogate that stands alone.
template <class Visit>
bool each_scalar(const Text& text, Visit visit) {
  const std::uint8_t* p = text.data;
  switch (text.encoding) {
    case Text::Encoding::Utf8:
      for (const std::uint8_t* const end = p + text.units; p != end;) visit(next(p));
      return true;
    case Text::Encoding::Latin1:
      for (const std::uint8_t* const end = p + text.units; p != end;) visit(char32_t{*p++});
      return true;
    case Text::Encoding::Utf16: break;
  }
  const auto unit = [&](std::size_t i) {
    char16_t value;
    std::memcpy(&value, p + 2 * i, sizeof value);
    return char32_t{value};
  };
  for (std::size_t i = 0; i < text.units; ++i) {
    char32_t c = unit(i);
    if (c >= 0xd800 && c <= 0xdfff) {
      if (c > 0xdbff || i + 1 == text.units) return false;
      const char32_t low = unit(++i);
      if (low < 0xdc00 || low > 0xdfff) return false;
      c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
    }
    visit(c);
  }
  return true;
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
      out += "\xef\xbf\xbd";
    }
    i += length;
  }
  return out;
}

bool incomplete_utf8(ByteView bytes) {
  // No more than the three last bytes can be the beginning of a scalar value.
  for (std::size_t missing = 1; missing <= 3 && missing <= bytes.size(); ++missing) {
    const std::uint8_t first = bytes[bytes.size() - missing];
    const std::size_t length = first > 0xf4    ? 1
                               : first >= 0xf0 ? 4
                               : first >= 0xe0 ? 3
                               : first >= 0xc2 ? 2
                                               : 1;
    if (length > missing) return valid_utf8(bytes.first(bytes.size() - missing));
  }
  return false;
}

std::optional<TextSizes> measure(const Text& text) {
  if (text.encoding == Text::Encoding::Utf8 && !valid_utf8({text.data, text.units}))
    return std::nullopt;
  TextSizes sizes;
  const bool valid = each_scalar(text, [&](char32_t c) {
    sizes.utf8_bytes += c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    sizes.utf16_units += c < 0x10000 ? 1 : 2;
    if (c > 0xff) sizes.latin1 = false;
  });
  if (!valid) return std::nullopt;
  return sizes;
}

void write_utf8(const Text& text, std::uint8_t* out) {
  if (text.encoding == Text::Encoding::Utf8) {
    if (text.units) std::memcpy(out, text.data, text.units);
    return;
  }
  each_scalar(text, [&](char32_t c) { out = append_utf8(out, c); });
}

void write_utf16(const Text& text, std::uint8_t* out) {
  if (text.encoding == Text::Encoding::Utf16) {
    if (text.units) std::memcpy(out, text.data, 2 * text.units);
    return;
  }
  const auto unit = [&](char32_t value) {
    const auto bits = static_cast<char16_t>(value);
    std::memcpy(out, &bits, sizeof bits);
    out += sizeof bits;
  };
  each_scalar(text, [&](char32_t c) {
    if (c < 0x10000) return unit(c);
    unit(0xd800 + ((c - 0x10000) >> 10));
    unit(0xdc00 + ((c - 0x10000) & 0x3ff));
  });
}

void write_latin1(const Text& text, std::uint8_t* out) {
  each_scalar(text, [&](char32_t c) { *out++ = static_cast<std::uint8_t>(c); });
}

std::optional<std::string> utf16_to_utf8(std::span<const char16_t> units) {
  const Text text{Text::Encoding::Utf16, reinterpret_cast<const std::uint8_t*>(units.data()),
                  units.size()};
  const auto sizes = measure(text);
  if (!sizes) return std::nullopt;
  std::string out(sizes->utf8_bytes, '\0');
  write_utf8(text, reinterpret_cast<std::uint8_t*>(out.data()));
  return out;
}

std::u16string utf8_to_utf16(std::string_view bytes) {
  const Text text{Text::Encoding::Utf8, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                  bytes.size()};
  std::u16string out(measure(text).value_or(TextSizes{}).utf16_units, u'\0');
  if (!out.empty()) write_utf16(text, reinterpret_cast<std::uint8_t*>(out.data()));
  return out;
}

}  // namespace unbolt::component
