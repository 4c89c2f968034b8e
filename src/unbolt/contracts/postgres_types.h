// The types of wasmcloud:postgres/types, by shape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/component/abi.h"

namespace unbolt::contracts {

// A number as mantissa, exponent and sign: sign * mantissa * 2^exponent.
using PgFloat = std::tuple<std::uint64_t, std::int16_t, std::int8_t>;
using PgPoint = std::tuple<PgFloat, PgFloat>;

enum class PgLexemeWeight : std::uint8_t { A, B, C, D };
struct PgLexeme {
  std::optional<std::uint16_t> position;
  std::optional<PgLexemeWeight> weight;
  std::string data;
};

// variant offset { eastern-hemisphere-secs(s32), western-hemisphere-secs(s32) }
using PgOffset = std::variant<std::int32_t, std::int32_t>;
// variant date { positive-infinity, negative-infinity, ymd(year, month, day) }
using PgYmd = std::tuple<std::int32_t, std::uint32_t, std::uint32_t>;
using PgDate = std::variant<std::monostate, std::monostate, PgYmd>;

// A range of dates, whatever its name.
struct PgInterval {
  PgDate start;
  bool start_inclusive;
  PgDate end;
  bool end_inclusive;
};
struct PgTime {
  std::uint32_t hour, min, sec, micro;
};
struct PgTimeTz {
  std::string timezone;
  PgTime time;
};
struct PgTimestamp {
  PgDate date;
  PgTime time;
};
struct PgTimestampTz {
  PgTimestamp timestamp;
  PgOffset offset;
};
using PgByte = std::uint8_t;
struct PgMac {
  std::tuple<PgByte, PgByte, PgByte, PgByte, PgByte, PgByte> bytes;
};
struct PgMac8 {
  std::tuple<PgByte, PgByte, PgByte, PgByte, PgByte, PgByte, PgByte, PgByte> bytes;
};

// A bool in a list: the library packs those of its own.
struct PgBool {
  bool is;
};

// The cases of `pg-value`, in their order.
enum class PgCase : std::size_t {
  Null,
  BigInt,
  Int8,
  Int8Array,
  BigSerial,
  Serial8,
  Bool,
  Boolean,
  BoolArray,
  Double,
  Float8,
  Float8Array,
  Real,
  Float4,
  Float4Array,
  Integer,
  Int,
  Int4,
  Int4Array,
  Numeric,
  Decimal,
  NumericArray,
  Serial,
  Serial4,
  SmallInt,
  Int2,
  Int2Array,
  Int2Vector,
  Int2VectorArray,
  SmallSerial,
  Serial2,
  Bit,
  BitArray,
  BitVarying,
  Varbit,
  VarbitArray,
  Bytea,
  ByteaArray,
  Char,
  CharArray,
  Varchar,
  VarcharArray,
  Cidr,
  CidrArray,
  Inet,
  InetArray,
  Macaddr,
  MacaddrArray,
  Macaddr8,
  Macaddr8Array,
  Box,
  BoxArray,
  Circle,
  CircleArray,
  Line,
  LineArray,
  Lseg,
  LsegArray,
  Path,
  PathArray,
  Point,
  PointArray,
  Polygon,
  PolygonArray,
  Date,
  DateArray,
  Interval,
  IntervalArray,
  Time,
  TimeArray,
  TimeTz,
  TimeTzArray,
  Timestamp,
  TimestampArray,
  TimestampTz,
  TimestampTzArray,
  Json,
  JsonArray,
  Jsonb,
  JsonbArray,
  Money,
  MoneyArray,
  PgLsn,
  PgLsnArray,
  PgSnapshot,
  TxidSnapshot,
  Name,
  NameArray,
  Text,
  TextArray,
  Xml,
  XmlArray,
  TsQuery,
  TsVector,
  Uuid,
  UuidArray,
  Hstore,
};

using PgValue = std::variant<
    std::monostate, std::int64_t, std::int64_t, std::vector<std::int64_t>, std::int64_t,
    std::int64_t, bool, bool, std::vector<PgBool>, PgFloat, PgFloat, std::vector<PgFloat>, PgFloat,
    PgFloat, std::vector<PgFloat>, std::int32_t, std::int32_t, std::int32_t,
    std::vector<std::int32_t>, std::string, std::string, std::vector<std::string>, std::uint32_t,
    std::uint32_t, std::int16_t, std::int16_t, std::vector<std::int16_t>, std::vector<std::int16_t>,
    std::vector<std::vector<std::int16_t>>, std::int16_t, std::int16_t,
    std::tuple<std::uint32_t, Bytes>, std::vector<std::tuple<std::uint32_t, Bytes>>,
    std::tuple<std::optional<std::uint32_t>, Bytes>,
    std::tuple<std::optional<std::uint32_t>, Bytes>,
    std::vector<std::tuple<std::optional<std::uint32_t>, Bytes>>, Bytes, std::vector<Bytes>,
    std::tuple<std::uint32_t, Bytes>, std::vector<std::tuple<std::uint32_t, Bytes>>,
    std::tuple<std::optional<std::uint32_t>, Bytes>,
    std::vector<std::tuple<std::optional<std::uint32_t>, Bytes>>, std::string,
    std::vector<std::string>, std::string, std::vector<std::string>, PgMac, std::vector<PgMac>,
    PgMac8, std::vector<PgMac8>, std::tuple<PgPoint, PgPoint>,
    std::vector<std::tuple<PgPoint, PgPoint>>, std::tuple<PgPoint, PgFloat>,
    std::vector<std::tuple<PgPoint, PgFloat>>, std::tuple<PgPoint, PgPoint>,
    std::vector<std::tuple<PgPoint, PgPoint>>, std::tuple<PgPoint, PgPoint>,
    std::vector<std::tuple<PgPoint, PgPoint>>, std::vector<PgPoint>,
    std::vector<std::vector<PgPoint>>, PgPoint, std::vector<PgPoint>, std::vector<PgPoint>,
    std::vector<std::vector<PgPoint>>, PgDate, std::vector<PgDate>, PgInterval,
    std::vector<PgInterval>, PgTime, std::vector<PgTime>, PgTimeTz, std::vector<PgTimeTz>,
    PgTimestamp, std::vector<PgTimestamp>, PgTimestampTz, std::vector<PgTimestampTz>, std::string,
    std::vector<std::string>, std::string, std::vector<std::string>, std::string,
    std::vector<std::string>, std::uint64_t, std::vector<std::uint64_t>,
    std::tuple<std::int64_t, std::int64_t, std::vector<std::int64_t>>, std::int64_t, std::string,
    std::vector<std::string>, std::string, std::vector<std::string>, std::string,
    std::vector<std::string>, std::string, std::vector<PgLexeme>, std::string,
    std::vector<std::string>, std::vector<std::tuple<std::string, std::optional<std::string>>>>;

template <PgCase kCase, class... Args>
PgValue pg_value(Args&&... args) {
  return PgValue(std::in_place_index<static_cast<std::size_t>(kCase)>, std::forward<Args>(args)...);
}
template <PgCase kCase>
const auto& pg_get(const PgValue& value) {
  return std::get<static_cast<std::size_t>(kCase)>(value);
}

}  // namespace unbolt::contracts

namespace unbolt::component {
template <>
inline constexpr std::size_t kEnumCases<contracts::PgLexemeWeight> = 4;

template <>
struct Abi<contracts::PgBool> {
  static constexpr std::uint32_t kSize = 1, kAlign = 1;
  static constexpr std::size_t kFlat = 1;
  static bool load(LiftLowerContext& cx, std::uint32_t at, contracts::PgBool& out) {
    return Abi<bool>::load(cx, at, out.is);
  }
  static bool store(LiftLowerContext& cx, std::uint32_t at, const contracts::PgBool& value) {
    return Abi<bool>::store(cx, at, value.is);
  }
  static bool matches(const Type* type, const ResourceIds& ids) {
    return Abi<bool>::matches(type, ids);
  }
};
}  // namespace unbolt::component
