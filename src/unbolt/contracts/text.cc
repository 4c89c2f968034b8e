#include "unbolt/contracts/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <vector>

namespace unbolt::contracts {
namespace {

// One character at the front of `text`; `length` 0 where the bytes are not UTF-8 (Unicode 15, table
// 3-7).
struct Character {
  char32_t code = 0;
  std::size_t length = 0;
};

Character decode(std::string_view text) {
  auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  std::uint8_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  char32_t code = lead & (0xff >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {};
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr char32_t kShortest[] = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < kShortest[length] || surrogate || code > 0x10ffff) return {};
  return {code, length};
}

bool harmless(char32_t code) {
  if (code < 0x20 || (code >= 0x7f && code <= 0x9f)) return false;
  if (code == 0x061c || code == 0x200e || code == 0x200f || code == 0xfeff) return false;
  return !(code >= 0x2028 && code <= 0x202e) && !(code >= 0x2066 && code <= 0x2069);
}

void append_escaped(std::string& out, char32_t code) {
  switch (code) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  auto number = static_cast<std::uint32_t>(code);
  if (number < 0x100) {
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", number);
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", number);
  }
}

std::size_t edits(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = above;
    }
  }
  return row.back();
}

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string out;
  out.reserve(std::min(text.size(), limit) + 16);
  std::string_view rest = text;
  while (!rest.empty()) {
    auto [code, length] = decode(rest);
    std::size_t taken = std::max<std::size_t>(length, 1);
    if (text.size() - rest.size() + taken > limit) break;
    if (length == 0) {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<std::uint8_t>(rest[0]));
    } else if (harmless(code)) {
      out.append(rest.substr(0, length));
    } else {
      append_escaped(out, code);
    }
    rest.remove_prefix(taken);
  }
  if (!rest.empty()) fmt::format_to(std::back_inserter(out), "… ({} more bytes)", rest.size());
  return out;
}

std::optional<std::string_view> nearest(std::string_view word,
                                        std::span<const std::string_view> candidates) {
  constexpr std::size_t kLongest = 64;
  if (word.empty() || word.size() > kLongest) return std::nullopt;
  std::optional<std::string_view> best;
  std::size_t best_edits = word.size() <= 3 ? 2 : 3;
  for (std::string_view candidate : candidates) {
    if (std::size_t count = edits(word, candidate); count < best_edits) {
      best = candidate;
      best_edits = count;
    }
  }
  if (best || word.size() < 3) return best;
  for (std::string_view candidate : candidates) {
    if (word.starts_with(candidate) || candidate.starts_with(word)) return candidate;
  }
  return std::nullopt;
}

}  // namespace unbolt::contracts
