#include "unbolt/http/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace unbolt::http {
namespace {

constexpr std::array<bool, 256> kTokenChars = [] {
  std::array<bool, 256> table{};
  for (int c = 'a'; c <= 'z'; ++c) table[c] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[c] = true;
  for (int c = '0'; c <= '9'; ++c) table[c] = true;
  for (unsigned char c : std::string_view("!#$%&'*+-.^_`|~")) table[c] = true;
  return table;
}();

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

template <int base>
void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits;
  auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, base).ptr;
  out.append(digits.data(), end);
}

template <int base>
std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

bool is_token(std::string_view text) {
  for (unsigned char c : text)
    if (!kTokenChars[c]) return false;
  return !text.empty();
}

bool is_field_value(std::string_view text) {
  // No early exit, so that the loop becomes vector instructions.
  unsigned bad = 0;
  for (unsigned char c : text)
    bad |= static_cast<unsigned>((c < 0x20) & (c != '\t')) | static_cast<unsigned>(c == 0x7f);
  return !bad && trim(text).size() == text.size();
}

bool is_target(std::string_view text) {
  unsigned bad = 0;
  for (unsigned char c : text)
    bad |= static_cast<unsigned>(c <= 0x20) | static_cast<unsigned>(c >= 0x7f) |
           static_cast<unsigned>(c == '#');
  return !bad && !text.empty();
}

bool is_authority(std::string_view text) {
  for (unsigned char c : text)
    if (c <= 0x20 || c >= 0x7f ||
        std::string_view("/?#@\\\"<>^`{|},").contains(static_cast<char>(c)))
      return false;
  // The port, where there is one, is a number; a colon elsewhere needs brackets.
  std::size_t close = text.starts_with('[') ? text.find(']') : 0;
  if (close == std::string_view::npos) return false;
  std::string_view rest = text.substr(close);
  if (close) rest.remove_prefix(1);
  std::size_t colon = rest.find(':');
  if (close && colon != 0 && !rest.empty()) return false;
  if (colon == std::string_view::npos) return !rest.contains('[') && !rest.contains(']');
  std::string_view port = rest.substr(colon + 1);
  return port.empty() || (port.size() <= 5 && parse_decimal(port).value_or(65536) <= 65535);
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::ranges::equal(a, b, {}, lower, lower);
}

std::string_view trim(std::string_view text) {
  auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) { return parse_number<10>(text); }
std::optional<std::uint64_t> parse_hex(std::string_view text) { return parse_number<16>(text); }
std::optional<std::string> percent_decoded(std::string_view path) {
  std::string out;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (path[i] != '%') {
      out += path[i];
      continue;
    }
    const auto byte = i + 2 < path.size() ? parse_hex(path.substr(i + 1, 2)) : std::nullopt;
    if (!byte || *byte == 0) return std::nullopt;
    out += static_cast<char>(*byte);
    i += 2;
  }
  return out;
}

void append_decimal(std::string& out, std::uint64_t value) { append_number<10>(out, value); }
void append_hex(std::string& out, std::uint64_t value) { append_number<16>(out, value); }

bool is_connection_field(std::string_view name) {
  auto is = [&](std::string_view other) { return equals_ignoring_case(name, other); };
  switch (name.size()) {
    case 2: return is("te");
    case 7: return is("upgrade");
    case 10: return is("connection") || is("keep-alive");
    case 16: return is("proxy-connection");
    case 17: return is("transfer-encoding");
    default: return false;
  }
}

}  // namespace unbolt::http
