#include "unbolt/providers/sql_postgres/pg_text.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <limits>
#include <utility>

#include "unbolt/component/strings.h"

namespace unbolt::providers::sql_postgres {
namespace {

using namespace contracts;

constexpr std::int16_t kNoNumber = 972, kNoFloat = 105;  // the exponents of infinity and NaN

// Takes a number of decimal digits off the front.
template <class T>
bool take(std::string_view& text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}
bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}
bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

bool take_ymd(std::string_view& text, PgYmd& out) {
  auto& [year, month, day] = out;
  return take(text, year) && year >= 0 && take(text, '-') && take(text, month) && take(text, '-') &&
         take(text, day);
}
// There is no year 0: 1 BC comes before 1.
void before_christ(PgYmd& out) { std::get<0>(out) = 1 - std::get<0>(out); }

bool take_time(std::string_view& text, PgTime& out) {
  out.micro = 0;
  if (!(take(text, out.hour) && take(text, ':') && take(text, out.min) && take(text, ':') &&
        take(text, out.sec)))
    return false;
  if (!take(text, '.')) return true;
  for (std::uint32_t unit = 100'000; !text.empty() && text[0] >= '0' && text[0] <= '9';
       unit /= 10) {
    out.micro += static_cast<std::uint32_t>(text[0] - '0') * unit;
    text.remove_prefix(1);
  }
  return true;
}

// "+02", "-03:30", "+00:19:32": seconds to the east.
bool take_offset(std::string_view& text, std::int32_t& out) {
  const bool east = text.starts_with('+');
  if (!east && !text.starts_with('-')) return false;
  text.remove_prefix(1);
  std::uint32_t hours = 0, minutes = 0, seconds = 0;
  if (!take(text, hours)) return false;
  if (take(text, ':') && !take(text, minutes)) return false;
  if (take(text, ':') && !take(text, seconds)) return false;
  if (hours > 99 || minutes > 59 || seconds > 59) return false;
  out = static_cast<std::int32_t>(hours * 3600 + minutes * 60 + seconds);
  if (!east) out = -out;
  return true;
}

template <class Tuple>
bool read_mac(std::string_view text, Tuple& out) {
  return std::apply(
      [&](auto&... byte) {
        bool first = true;
        const auto one = [&](std::uint8_t& to) {
          if (!std::exchange(first, false) && !take(text, ':')) return false;
          if (text.size() < 2) return false;
          unsigned value = 0;
          const auto [end, error] = std::from_chars(text.data(), text.data() + 2, value, 16);
          if (error != std::errc() || end != text.data() + 2) return false;
          text.remove_prefix(2);
          to = static_cast<std::uint8_t>(value);
          return true;
        };
        return (one(byte) && ...) && text.empty();
      },
      out);
}
template <class Tuple>
std::string mac_of(const Tuple& bytes) {
  return std::apply(
      [](auto... byte) {
        std::string text;
        ((text += fmt::format("{}{:02x}", text.empty() ? "" : ":", byte)), ...);
        return text;
      },
      bytes);
}

// A word in quotes, or up to one of `ends`.
bool take_word(std::string_view& text, std::string_view ends, std::string& out) {
  if (!take(text, '\'')) {
    const auto end = std::min(text.find_first_of(ends), text.size());
    out = text.substr(0, end);
    text.remove_prefix(end);
    return !out.empty();
  }
  while (!text.empty()) {
    const char c = text[0];
    text.remove_prefix(1);
    if (c == '\'' && !take(text, '\'')) return true;
    if (c == '\\') {
      if (text.empty()) return false;
      out += text[0];
      text.remove_prefix(1);
    } else {
      out += c;
    }
  }
  return false;
}

std::string ymd_of(const PgYmd& date) {
  const auto& [year, month, day] = date;
  return fmt::format("{:04}-{:02}-{:02}", year > 0 ? year : 1 - std::int64_t{year}, month, day);
}
bool is_before_christ(const PgDate& date) {
  return date.index() == 2 && std::get<0>(std::get<2>(date)) <= 0;
}

}  // namespace

PgFloat from_double(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  const auto exponent = static_cast<std::int16_t>(bits >> 52 & 0x7ff);
  const std::uint64_t fraction = bits & ((std::uint64_t{1} << 52) - 1);
  return {exponent == 0 ? fraction << 1 : fraction | std::uint64_t{1} << 52,
          static_cast<std::int16_t>(exponent - 1075), std::int8_t(bits >> 63 ? -1 : 1)};
}

PgFloat from_float(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto exponent = static_cast<std::int16_t>(bits >> 23 & 0xff);
  const std::uint64_t fraction = bits & 0x7fffff;
  return {exponent == 0 ? fraction << 1 : fraction | 0x800000,
          static_cast<std::int16_t>(exponent - 150), std::int8_t(bits >> 31 ? -1 : 1)};
}

double to_double(const PgFloat& parts) {
  const auto& [mantissa, exponent, sign] = parts;
  if (exponent == kNoNumber && mantissa > std::uint64_t{1} << 52)
    return std::numeric_limits<double>::quiet_NaN();
  return sign * std::ldexp(static_cast<double>(mantissa), exponent);
}

double to_float(const PgFloat& parts) {
  const auto& [mantissa, exponent, sign] = parts;
  if (exponent == kNoFloat && mantissa >= 0x800000) {
    return mantissa > 0x800000 ? std::numeric_limits<double>::quiet_NaN()
                               : sign * std::numeric_limits<double>::infinity();
  }
  return to_double(parts);
}

bool read(std::string_view text, double& out) { return take(text, out) && text.empty(); }

bool read(std::string_view text, PgDate& out) {
  if (text == "infinity") {
    out.emplace<0>();
  } else if (text == "-infinity") {
    out.emplace<1>();
  } else {
    PgYmd ymd;
    if (!take_ymd(text, ymd)) return false;
    if (take(text, std::string_view(" BC"))) before_christ(ymd);
    out.emplace<2>(ymd);
    return text.empty();
  }
  return true;
}

bool read(std::string_view text, PgTime& out) { return take_time(text, out) && text.empty(); }

bool read(std::string_view text, PgTimeTz& out) {
  if (!take_time(text, out.time)) return false;
  out.timezone = text;
  std::int32_t offset;
  return take_offset(text, offset) && text.empty();
}

bool read(std::string_view text, PgTimestamp& out) {
  out.time = {};
  if (text.ends_with("infinity")) return read(text, out.date);
  PgYmd ymd;
  if (!take_ymd(text, ymd) || !take(text, ' ') || !take_time(text, out.time)) return false;
  if (take(text, std::string_view(" BC"))) before_christ(ymd);
  out.date.emplace<2>(ymd);
  return text.empty();
}

bool read(std::string_view text, PgTimestampTz& out) {
  std::int32_t offset = 0;
  auto& [date, time] = out.timestamp;
  if (text.ends_with("infinity")) {
    if (!read(text, out.timestamp)) return false;
  } else {
    PgYmd ymd;
    if (!take_ymd(text, ymd) || !take(text, ' ') || !take_time(text, time) ||
        !take_offset(text, offset))
      return false;
    if (take(text, std::string_view(" BC"))) before_christ(ymd);
    date.emplace<2>(ymd);
    if (!text.empty()) return false;
  }
  if (offset > 0) {
    out.offset.emplace<0>(offset);
  } else {
    out.offset.emplace<1>(-offset);
  }
  return true;
}

bool read(std::string_view text, PgInterval& out) {
  if (text.size() < 3 || !std::string_view("[(").contains(text.front()) ||
      !std::string_view("])").contains(text.back()))
    return false;
  out.start_inclusive = text.front() == '[';
  out.end_inclusive = text.back() == ']';
  text = text.substr(1, text.size() - 2);
  const auto comma = text.find(',');
  if (comma == text.npos) return false;
  // Without a bound, it has none. One with a space in it, before Christ, is in quotes.
  const auto bound = [](std::string_view of, std::string_view none, PgDate& to) {
    if (of.size() >= 2 && of.starts_with('"') && of.ends_with('"'))
      of = of.substr(1, of.size() - 2);
    return read(of.empty() ? none : of, to);
  };
  return bound(text.substr(0, comma), "-infinity", out.start) &&
         bound(text.substr(comma + 1), "infinity", out.end);
}

bool read(std::string_view text, PgMac& out) { return read_mac(text, out.bytes); }
bool read(std::string_view text, PgMac8& out) { return read_mac(text, out.bytes); }

bool read(std::string_view text, std::vector<PgLexeme>& out, AnswerSize& size) {
  while (!text.empty()) {
    PgLexeme one;
    if (!take_word(text, " :", one.data) || !component::valid_utf8(as_bytes(one.data)))
      return false;
    // Each of its positions has a copy of the word.
    if (!take(text, ':')) {
      if (!size.add(one.data.size())) return false;
      out.push_back(one);
    } else {
      do {
        if (!size.add(one.data.size())) return false;
        std::uint16_t position = 0;
        if (!take(text, position)) return false;
        one.position = position;
        one.weight = PgLexemeWeight::D;
        if (!text.empty() && text[0] >= 'A' && text[0] <= 'C') {
          one.weight = static_cast<PgLexemeWeight>(text[0] - 'A');
          text.remove_prefix(1);
        }
        out.push_back(one);
      } while (take(text, ','));
    }
    if (!text.empty() && !take(text, ' ')) return false;
  }
  return true;
}

std::optional<std::vector<double>> numbers_in(std::string_view text, AnswerSize& size) {
  std::vector<double> found;
  while (!text.empty()) {
    double value;
    const char c = text[0];
    if (std::string_view("()[]{}<>,").contains(c)) {
      text.remove_prefix(1);
    } else if (take(text, value) && size.add(0)) {
      found.push_back(value);
    } else {
      return std::nullopt;
    }
  }
  return found;
}

bool read_bits(std::string_view text, std::uint32_t& count, Bytes& out) {
  count = static_cast<std::uint32_t>(text.size());
  out.assign((text.size() + 7) / 8, 0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '0' && text[i] != '1') return false;
    if (text[i] == '1') out[i / 8] |= static_cast<std::uint8_t>(0x80 >> i % 8);
  }
  return true;
}

bool for_each_element(std::string_view text, char delimiter,
                      const std::function<bool(std::string_view)>& each) {
  // Bounds other than from 1: "[0:1]={…}".
  if (text.starts_with('[')) text.remove_prefix(std::min(text.find('{'), text.size()));
  if (!take(text, '{') || !text.ends_with('}')) return false;
  text.remove_suffix(1);
  if (text.empty()) return true;
  std::string one;
  do {
    one.clear();
    if (take(text, '"')) {
      while (!text.empty() && text[0] != '"') {
        if (text[0] == '\\' && text.size() > 1) text.remove_prefix(1);
        one += text[0];
        text.remove_prefix(1);
      }
      if (!take(text, '"')) return false;
    } else {
      const auto end = std::min(text.find(delimiter), text.size());
      one = text.substr(0, end);
      text.remove_prefix(end);
      if (one.empty() || one == "NULL" || one.starts_with('{')) return false;
    }
    if (!each(one)) return false;
  } while (take(text, delimiter));
  return text.empty();
}

std::string text_of(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return fmt::format("{}", value);
}

std::string text_of(const PgPoint& point) {
  return "(" + text_of(to_double(std::get<0>(point))) + "," +
         text_of(to_double(std::get<1>(point))) + ")";
}

std::string text_of(const std::vector<PgPoint>& points) {
  std::string text;
  for (const PgPoint& point : points) text += (text.empty() ? "" : ",") + text_of(point);
  return text;
}

std::string text_of(const PgDate& date) {
  if (date.index() == 0) return "infinity";
  if (date.index() == 1) return "-infinity";
  return ymd_of(std::get<2>(date)) + (is_before_christ(date) ? " BC" : "");
}

std::string text_of(const PgTime& time) {
  return fmt::format("{:02}:{:02}:{:02}.{:06}", time.hour, time.min, time.sec, time.micro);
}
std::string text_of(const PgTimeTz& time) { return text_of(time.time) + time.timezone; }

std::string text_of(const PgTimestamp& time) {
  if (time.date.index() != 2) return text_of(time.date);
  return ymd_of(std::get<2>(time.date)) + " " + text_of(time.time) +
         (is_before_christ(time.date) ? " BC" : "");
}

std::string text_of(const PgTimestampTz& time) {
  const PgDate& date = time.timestamp.date;
  if (date.index() != 2) return text_of(date);
  const std::int64_t seconds = time.offset.index() == 0 ? std::int64_t{std::get<0>(time.offset)}
                                                        : -std::int64_t{std::get<1>(time.offset)};
  const std::int64_t size = seconds < 0 ? -seconds : seconds;
  return ymd_of(std::get<2>(date)) + " " + text_of(time.timestamp.time) +
         fmt::format("{}{:02}:{:02}:{:02}", seconds < 0 ? '-' : '+', size / 3600, size / 60 % 60,
                     size % 60) +
         (is_before_christ(date) ? " BC" : "");
}

std::string text_of(const PgInterval& range) {
  return (range.start_inclusive ? "[" : "(") + text_of(range.start) + "," + text_of(range.end) +
         (range.end_inclusive ? "]" : ")");
}

std::string text_of(const PgMac& address) { return mac_of(address.bytes); }
std::string text_of(const PgMac8& address) { return mac_of(address.bytes); }

std::string text_of(const std::vector<PgLexeme>& vector) {
  std::string text;
  for (const PgLexeme& one : vector) {
    if (!text.empty()) text += ' ';
    std::string data;
    for (char c : one.data) {
      if (c == '\'' || c == '\\') data += c;
      data += c;
    }
    text += "'" + data + "'";
    if (!one.position) continue;
    fmt::format_to(std::back_inserter(text), ":{}", *one.position);
    if (one.weight && *one.weight != PgLexemeWeight::D)
      text += static_cast<char>('A' + static_cast<int>(*one.weight));
  }
  return text;
}

std::string text_of(
    const std::vector<std::tuple<std::string, std::optional<std::string>>>& hstore) {
  std::string text;
  for (const auto& [key, value] : hstore) {
    if (!text.empty()) text += ',';
    text += in_quotes(key) + "=>" + (value ? in_quotes(*value) : "NULL");
  }
  return text;
}

std::optional<std::string> bits_of(std::uint32_t count, const Bytes& bytes) {
  if (count > bytes.size() * 8) return std::nullopt;
  std::string text(count, '0');
  for (std::size_t i = 0; i < count; ++i) {
    if (bytes[i / 8] & 0x80 >> i % 8) text[i] = '1';
  }
  return text;
}

std::string hex_of(const Bytes& bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "\\x";
  text.reserve(2 + 2 * bytes.size());
  for (std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace unbolt::providers::sql_postgres
