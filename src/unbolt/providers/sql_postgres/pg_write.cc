// The half of pg_values.h that sends.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "unbolt/component/strings.h"
#include "unbolt/contracts/sql.h"
#include "unbolt/providers/sql_postgres/pg_text.h"
#include "unbolt/providers/sql_postgres/pg_values.h"

namespace unbolt::providers::sql_postgres {
namespace {

using namespace contracts;

using Text = Result<std::string>;

Text wrong(std::string_view why) {
  return std::unexpected(Error{ErrorCode::InvalidArgument, std::string(why), {}});
}

std::string corners(const std::tuple<PgPoint, PgPoint>& two) {
  return text_of(std::get<0>(two)) + "," + text_of(std::get<1>(two));
}
Text too_long() {
  return fail(ErrorCode::LimitExceeded, "the value has more than {} bytes as a text",
              SqlLimits::kParameterBytes);
}
Text bits(std::uint32_t count, const Bytes& bytes) {
  if (count > SqlLimits::kParameterBytes) return too_long();
  auto text = bits_of(count, bytes);
  if (!text) return wrong(fmt::format("{} bits are named, and {} given", count, bytes.size() * 8));
  return std::move(*text);
}
Text characters(const Bytes& bytes) {
  if (!component::valid_utf8(bytes)) return wrong("the characters are not UTF-8");
  return std::string(as_text(bytes));
}
std::string lsn(std::uint64_t value) {
  return fmt::format("{:X}/{:X}", value >> 32, value & 0xffffffff);
}

// One function a case, with the same value for its array.
Text number(std::int64_t value) { return std::to_string(value); }
Text boolean(bool value) { return std::string(value ? "t" : "f"); }
Text listed_boolean(PgBool value) { return boolean(value.is); }
Text real8(const PgFloat& value) { return text_of(to_double(value)); }
Text real4(const PgFloat& value) { return text_of(to_float(value)); }
Text plain(const std::string& value) { return value; }
Text bit(const std::tuple<std::uint32_t, Bytes>& value) {
  return bits(std::get<0>(value), std::get<1>(value));
}
Text varbit(const std::tuple<std::optional<std::uint32_t>, Bytes>& value) {
  const auto& [count, bytes] = value;
  return bits(count.value_or(static_cast<std::uint32_t>(
                  std::min<std::size_t>(bytes.size() * 8, SqlLimits::kParameterBytes + 1))),
              bytes);
}
Text hex(const Bytes& value) { return hex_of(value); }
Text character(const std::tuple<std::uint32_t, Bytes>& value) {
  const auto& [length, bytes] = value;
  if (bytes.size() != length)
    return wrong(fmt::format("{} characters are named, and {} given", length, bytes.size()));
  return characters(bytes);
}
Text varchar(const std::tuple<std::optional<std::uint32_t>, Bytes>& value) {
  const auto& [limit, bytes] = value;
  if (limit && bytes.size() > *limit)
    return wrong(fmt::format("{} characters are given, more than {}", bytes.size(), *limit));
  return characters(bytes);
}
Text box(const std::tuple<PgPoint, PgPoint>& value) { return corners(value); }
Text circle(const std::tuple<PgPoint, PgFloat>& value) {
  return "<" + text_of(std::get<0>(value)) + "," + text_of(to_double(std::get<1>(value))) + ">";
}
Text segment(const std::tuple<PgPoint, PgPoint>& value) { return "[" + corners(value) + "]"; }
Text path(const std::vector<PgPoint>& value) { return "[" + text_of(value) + "]"; }
Text polygon(const std::vector<PgPoint>& value) { return "(" + text_of(value) + ")"; }
Text position(std::uint64_t value) { return lsn(value); }
Text vector2(const std::vector<std::int16_t>& value) {
  return fmt::format("{}", fmt::join(value, " "));
}
// What has one text whatever its case.
constexpr auto shown = [](const auto& value) -> Text { return text_of(value); };

template <class T, class Write>
Text array(const std::vector<T>& values, Write write, char delimiter = ',') {
  std::string text = "{";
  for (const auto& value : values) {
    UNBOLT_ASSIGN(const std::string one, write(value));
    if (text.size() > 1) text += delimiter;
    text += in_quotes(one);
    if (text.size() > SqlLimits::kParameterBytes) return too_long();
  }
  return text + "}";
}

#define ONE(name, write) \
  case PgCase::name: return write(pg_get<PgCase::name>(value));
#define BOTH(name, write) \
  ONE(name, write)        \
  case PgCase::name##Array: return array(pg_get<PgCase::name##Array>(value), write);

Text text_of_value(const PgValue& value) {
  switch (static_cast<PgCase>(value.index())) {
    case PgCase::Null:
      return std::string();
      ONE(BigInt, number)
      BOTH(Int8, number)
      ONE(BigSerial, number)
      ONE(Serial8, number)
      ONE(Bool, boolean)
    case PgCase::BoolArray:
      return array(pg_get<PgCase::BoolArray>(value), listed_boolean);
      ONE(Boolean, boolean)
      ONE(Double, real8)
      BOTH(Float8, real8)
      ONE(Real, real4)
      BOTH(Float4, real4)
      ONE(Integer, number)
      ONE(Int, number)
      BOTH(Int4, number)
      BOTH(Numeric, plain)
      ONE(Decimal, plain)
      ONE(Serial, number)
      ONE(Serial4, number)
      ONE(SmallInt, number)
      BOTH(Int2, number)
      BOTH(Int2Vector, vector2)
      ONE(SmallSerial, number)
      ONE(Serial2, number)
      BOTH(Bit, bit)
      ONE(BitVarying, varbit)
      BOTH(Varbit, varbit)
      BOTH(Bytea, hex)
      BOTH(Char, character)
      BOTH(Varchar, varchar)
      BOTH(Cidr, plain)
      BOTH(Inet, plain)
      BOTH(Macaddr, shown)
      BOTH(Macaddr8, shown)
      ONE(Box, box)
    case PgCase::BoxArray:
      return array(pg_get<PgCase::BoxArray>(value), box, ';');
      BOTH(Circle, circle)
      BOTH(Line, segment)
      BOTH(Lseg, segment)
      BOTH(Path, path)
      BOTH(Point, shown)
      BOTH(Polygon, polygon)
      BOTH(Date, shown)
      BOTH(Interval, shown)
      BOTH(Time, shown)
      BOTH(TimeTz, shown)
      BOTH(Timestamp, shown)
      BOTH(TimestampTz, shown)
      BOTH(Json, plain)
      BOTH(Jsonb, plain)
      BOTH(Money, plain)
      BOTH(PgLsn, position)
    case PgCase::PgSnapshot: {
      const auto& [xmin, xmax, xip] = pg_get<PgCase::PgSnapshot>(value);
      return fmt::format("{}:{}:{}", xmin, xmax, fmt::join(xip, ","));
    }
      ONE(TxidSnapshot, number)
      BOTH(Name, plain)
      BOTH(Text, plain)
      BOTH(Xml, plain)
      ONE(TsQuery, plain)
      ONE(TsVector, shown)
      BOTH(Uuid, plain)
      ONE(Hstore, shown)
  }
  return wrong("there is no such type");
}

}  // namespace

Result<> add_value(postgres::Parameters& to, const PgValue& value) {
  switch (static_cast<PgCase>(value.index())) {
    case PgCase::Null: to.add_null(); return {};
    case PgCase::Bytea: to.add(ByteView(pg_get<PgCase::Bytea>(value))); return {};
    default: break;
  }
  UNBOLT_ASSIGN(const std::string text, text_of_value(value));
  if (text.contains('\0'))
    return fail(ErrorCode::InvalidArgument, "a text of PostgreSQL has no zero byte in it");
  to.add_text(text);
  return {};
}

}  // namespace unbolt::providers::sql_postgres
