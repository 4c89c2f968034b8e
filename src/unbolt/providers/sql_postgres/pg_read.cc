// The half of pg_values.h that receives.
#include <algorithm>
#include <charconv>
#include <type_traits>
#include <utility>

#include "unbolt/component/strings.h"
#include "unbolt/contracts/sql.h"
#include "unbolt/postgres/library.h"
#include "unbolt/providers/sql_postgres/pg_text.h"
#include "unbolt/providers/sql_postgres/pg_values.h"
#include "unbolt/providers/sql_postgres/values.h"

namespace unbolt::providers::sql_postgres {
namespace {

using namespace contracts;
using postgres::pq;

template <class T>
bool number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}
bool boolean(std::string_view text, bool& out) {
  out = text == "t";
  return out || text == "f";
}
bool boolean(std::string_view text, PgBool& out) { return boolean(text, out.is); }
bool real8(std::string_view text, PgFloat& out) {
  double value;
  if (!read(text, value)) return false;
  out = from_double(value);
  return true;
}
bool real4(std::string_view text, PgFloat& out) {
  float value;
  if (!number(text, value)) return false;
  out = from_float(value);
  return true;
}
bool plain(std::string_view text, std::string& out) {
  out = text;
  return component::valid_utf8(as_bytes(text));
}
// Of a sum of money: what comes before is a sign and a currency, what stands between the digits
// groups them, but for the last two.
bool money(std::string_view text, std::string& out) {
  if (text.find_first_of("-(") != text.npos) out += '-';
  const auto last = text.find_last_of(".,");
  const auto behind = last == text.npos ? text.npos : last + 1;
  const bool hundredths =
      behind != text.npos &&
      std::min(text.find_first_not_of("0123456789", behind), text.size()) - behind == 2;
  bool digits = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == last && hundredths) out += '.';
    if (text[i] < '0' || text[i] > '9') continue;
    out += text[i];
    digits = true;
  }
  return digits;
}
bool bit(std::string_view text, std::tuple<std::uint32_t, Bytes>& out) {
  return read_bits(text, std::get<0>(out), std::get<1>(out));
}
bool varbit(std::string_view text, std::tuple<std::optional<std::uint32_t>, Bytes>& out) {
  return read_bits(text, std::get<0>(out).emplace(), std::get<1>(out));
}
bool binary(std::string_view text, Bytes& out) {
  auto bytes = bytea(text);
  if (bytes) out = std::move(*bytes);
  return bytes.has_value();
}
bool character(std::string_view text, std::tuple<std::uint32_t, Bytes>& out) {
  out = {static_cast<std::uint32_t>(text.size()), to_bytes(as_bytes(text))};
  return true;
}
bool varchar(std::string_view text, std::tuple<std::optional<std::uint32_t>, Bytes>& out) {
  out = {std::nullopt, to_bytes(as_bytes(text))};
  return true;
}
template <class T>
bool shown(std::string_view text, T& out) {
  return read(text, out);
}
bool lexemes(std::string_view text, std::vector<PgLexeme>& out, AnswerSize& size) {
  return read(text, out, size);
}

PgPoint point_of(double x, double y) { return {from_double(x), from_double(y)}; }
bool point(std::string_view text, PgPoint& out, AnswerSize& size) {
  const auto found = numbers_in(text, size);
  if (!found || found->size() != 2) return false;
  const auto& all = *found;
  out = point_of(all[0], all[1]);
  return true;
}
bool two_points(std::string_view text, std::tuple<PgPoint, PgPoint>& out, AnswerSize& size) {
  const auto found = numbers_in(text, size);
  if (!found || found->size() != 4) return false;
  const auto& all = *found;
  out = {point_of(all[0], all[1]), point_of(all[2], all[3])};
  return true;
}
// The corners come from upper right to lower left.
bool box(std::string_view text, std::tuple<PgPoint, PgPoint>& out, AnswerSize& size) {
  if (!two_points(text, out, size)) return false;
  std::swap(std::get<0>(out), std::get<1>(out));
  return true;
}
// Ax + By + C = 0: two points on it.
bool line(std::string_view text, std::tuple<PgPoint, PgPoint>& out, AnswerSize& size) {
  const auto found = numbers_in(text, size);
  if (!found || found->size() != 3) return false;
  const auto& all = *found;
  const double a = all[0], b = all[1], c = all[2];
  if (b != 0) {
    out = {point_of(0, -c / b), point_of(1, -(a + c) / b)};
  } else if (a != 0) {
    out = {point_of(-c / a, 0), point_of(-c / a, 1)};
  } else {
    return false;
  }
  return true;
}
bool circle(std::string_view text, std::tuple<PgPoint, PgFloat>& out, AnswerSize& size) {
  const auto found = numbers_in(text, size);
  if (!found || found->size() != 3) return false;
  const auto& all = *found;
  out = {point_of(all[0], all[1]), from_double(all[2])};
  return true;
}
bool points(std::string_view text, std::vector<PgPoint>& out, AnswerSize& size) {
  const auto found = numbers_in(text, size);
  if (!found || found->size() % 2 != 0) return false;
  const auto& all = *found;
  out.reserve(all.size() / 2);
  for (std::size_t i = 0; i < all.size(); i += 2) out.push_back(point_of(all[i], all[i + 1]));
  return true;
}
bool vector2(std::string_view text, std::vector<std::int16_t>& out) {
  while (!text.empty()) {
    const auto end = std::min(text.find(' '), text.size());
    if (!number(text.substr(0, end), out.emplace_back())) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}
bool position(std::string_view text, std::uint64_t& out) {
  const auto slash = text.find('/');
  if (slash == text.npos) return false;
  std::uint32_t high = 0, low = 0;
  const auto hex = [](std::string_view part, std::uint32_t& to) {
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), to, 16);
    return error == std::errc() && end == part.data() + part.size();
  };
  if (!hex(text.substr(0, slash), high) || !hex(text.substr(slash + 1), low)) return false;
  out = std::uint64_t{high} << 32 | low;
  return true;
}
bool snapshot(std::string_view text,
              std::tuple<std::int64_t, std::int64_t, std::vector<std::int64_t>>& out,
              AnswerSize& size) {
  const auto first = text.find(':'), second = text.find(':', first + 1);
  if (first == text.npos || second == text.npos) return false;
  auto& [xmin, xmax, xip] = out;
  if (!number(text.substr(0, first), xmin) ||
      !number(text.substr(first + 1, second - first - 1), xmax))
    return false;
  for (text.remove_prefix(second + 1); !text.empty();) {
    const auto end = std::min(text.find(','), text.size());
    if (!size.add(0) || !number(text.substr(0, end), xip.emplace_back())) return false;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

template <PgCase kCase>
using Of = std::variant_alternative_t<static_cast<std::size_t>(kCase), PgValue>;

// With the size where one is more than its text.
template <class Read, class T>
bool read_with(Read read_one, std::string_view text, T& out, AnswerSize& size) {
  if constexpr (std::is_invocable_v<Read, std::string_view, T&, AnswerSize&>)
    return read_one(text, out, size);
  else
    return read_one(text, out);
}

template <PgCase kCase, class Read>
std::optional<PgValue> one(std::string_view text, AnswerSize& size, Read read_one) {
  Of<kCase> value{};
  if (!read_with(read_one, text, value, size)) return std::nullopt;
  return pg_value<kCase>(std::move(value));
}
template <PgCase kCase, class Read>
std::optional<PgValue> array(std::string_view text, AnswerSize& size, Read read_one,
                             char delimiter = ',') {
  Of<kCase> values;
  const bool whole = for_each_element(text, delimiter, [&](std::string_view element) {
    typename Of<kCase>::value_type value{};
    if (!size.add(0) || !read_with(read_one, element, value, size)) return false;
    values.push_back(std::move(value));
    return true;
  });
  if (!whole) return std::nullopt;
  return pg_value<kCase>(std::move(values));
}

// A function template has no address to pass on.
#define READ(read) [](std::string_view from, auto& to) { return read(from, to); }
#define SIZED(read) \
  [](std::string_view from, auto& to, AnswerSize& size) { return read(from, to, size); }
#define BOTH_WITH(oid, of_array, name, read)            \
  case oid: return one<PgCase::name>(text, size, read); \
  case of_array: return array<PgCase::name##Array>(text, size, read);
#define BOTH(oid, of_array, name, read) BOTH_WITH(oid, of_array, name, READ(read))

// By the number of the type, which PostgreSQL never changes. Nothing where the text has no place in
// the contract's type.
std::optional<PgValue> value_of(unsigned type, std::string_view text, AnswerSize size) {
  switch (type) {
    BOTH(16, 1000, Bool, boolean)
    BOTH(17, 1001, Bytea, binary)
    BOTH(18, 1002, Char, character)
    BOTH(1042, 1014, Char, character)
    BOTH(1043, 1015, Varchar, varchar)
    BOTH(19, 1003, Name, plain)
    BOTH(20, 1016, Int8, number)
    BOTH(21, 1005, Int2, number)
    BOTH(22, 1006, Int2Vector, vector2)
    BOTH(23, 1007, Int4, number)
    case 26:
      return one<PgCase::Int8>(text, size, READ(number));
      BOTH(25, 1009, Text, plain)
      BOTH(114, 199, Json, plain)
      BOTH(3802, 3807, Jsonb, plain)
      BOTH(142, 143, Xml, plain)
      BOTH_WITH(600, 1017, Point, SIZED(point))
      BOTH_WITH(601, 1018, Lseg, SIZED(two_points))
      BOTH_WITH(602, 1019, Path, SIZED(points))
    case 603: return one<PgCase::Box>(text, size, SIZED(box));
    case 1020:
      return array<PgCase::BoxArray>(text, size, SIZED(box), ';');
      BOTH_WITH(604, 1027, Polygon, SIZED(points))
      BOTH_WITH(628, 629, Line, SIZED(line))
      BOTH_WITH(718, 719, Circle, SIZED(circle))
      BOTH(650, 651, Cidr, plain)
      BOTH(869, 1041, Inet, plain)
      BOTH(829, 1040, Macaddr, shown)
      BOTH(774, 775, Macaddr8, shown)
      BOTH(700, 1021, Float4, real4)
      BOTH(701, 1022, Float8, real8)
      BOTH(790, 791, Money, money)
      BOTH(1700, 1231, Numeric, plain)
      BOTH(1082, 1182, Date, shown)
      BOTH(1083, 1183, Time, shown)
      BOTH(1266, 1270, TimeTz, shown)
      BOTH(1114, 1115, Timestamp, shown)
      BOTH(1184, 1185, TimestampTz, shown)
      BOTH(1560, 1561, Bit, bit)
    case 1562: return one<PgCase::BitVarying>(text, size, READ(varbit));
    case 1563:
      return array<PgCase::VarbitArray>(text, size, READ(varbit));
      BOTH(2950, 2951, Uuid, plain)
      BOTH(3220, 3221, PgLsn, position)
    case 2970:
    case 5038: return one<PgCase::PgSnapshot>(text, size, SIZED(snapshot));
    case 3614: return one<PgCase::TsVector>(text, size, SIZED(lexemes));
    case 3615: return one<PgCase::TsQuery>(text, size, READ(plain));
    case 3912:
      if (text == "empty") return pg_value<PgCase::Text>(text);
      return one<PgCase::Interval>(text, size, READ(shown));
    default: return one<PgCase::Text>(text, size, READ(plain));
  }
}

}  // namespace

Result<PgValue> read_pg_value(unsigned type, std::string_view text, std::size_t& bytes) {
  bytes += text.size();
  UNBOLT_TRY(check_sql_answer(bytes));
  auto value = value_of(type, text, AnswerSize(bytes));
  if (value) return std::move(*value);
  UNBOLT_TRY(check_sql_answer(bytes));
  return std::unexpected(
      Error{ErrorCode::InvalidArgument,
            "the value has no place in its type: an array with NULL in it or of several "
            "dimensions, or a text that is not UTF-8",
            "read it as a text: CAST(… AS text)"});
}

Result<> append_pg_row(const PGresult* row, PgRows& rows, std::size_t& bytes) {
  PgRow entries;
  for (int i = 0; i < pq().PQnfields(row); ++i) {
    const std::string_view name = pq().PQfname(row, i);
    bytes += SqlLimits::kCell + name.size();
    if (pq().PQgetisnull(row, 0, i)) {
      UNBOLT_TRY(check_sql_answer(bytes));
      entries.push_back({std::string(name), pg_value<PgCase::Null>()});
      continue;
    }
    const std::string_view text(pq().PQgetvalue(row, 0, i),
                                static_cast<std::size_t>(pq().PQgetlength(row, 0, i)));
    auto value = read_pg_value(pq().PQftype(row, i), text, bytes);
    if (!value) {
      return std::unexpected(std::move(value).error().in(
          fmt::format("the column '{}'", component::to_valid_utf8(name))));
    }
    entries.push_back({std::string(name), std::move(*value)});
  }
  rows.push_back(std::move(entries));
  return {};
}

}  // namespace unbolt::providers::sql_postgres
