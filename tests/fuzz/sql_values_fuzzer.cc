// Values of PostgreSQL, both ways. The first byte says which. From the server: the text of a value
// of one of its types is read or refused, in bounded memory; and what was read is written as a text
// that is read as the same. From a guest: whatever its record holds, it is written or refused.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "unbolt/contracts/sql.h"
#include "unbolt/postgres/statement.h"
#include "unbolt/providers/sql_postgres/pg_values.h"

namespace {

using namespace unbolt;
using namespace unbolt::contracts;
using providers::sql_postgres::add_value;
using providers::sql_postgres::read_pg_value;

// The numbers of PostgreSQL's types. New ones at the end: the committed inputs count on the order.
constexpr unsigned kTypes[] = {
    16,   17,   18,   19,   20,   21,   22,   23,   25,   26,   114,  142,  143,  199,
    600,  601,  602,  603,  604,  628,  629,  650,  651,  700,  701,  718,  719,  774,
    775,  790,  791,  829,  869,  1000, 1001, 1002, 1003, 1005, 1006, 1007, 1009, 1014,
    1015, 1016, 1017, 1018, 1019, 1020, 1021, 1022, 1027, 1040, 1041, 1042, 1043, 1082,
    1083, 1114, 1115, 1182, 1183, 1184, 1185, 1231, 1266, 1270, 1560, 1561, 1562, 1563,
    1700, 2950, 2951, 2970, 3220, 3221, 3614, 3615, 3802, 3807, 3912, 5038, 99999};

// A line goes back as two points, a box with its corners exchanged.
bool goes_back_as_it_came(unsigned type) {
  return type != 628 && type != 629 && type != 603 && type != 1020;
}

[[noreturn]] void broken(const char* what, unsigned type, std::string_view text) {
  std::fprintf(stderr, "%s: type %u, '%.*s'\n", what, type, static_cast<int>(text.size()),
               text.data());
  std::abort();
}

// As PostgreSQL is sent it; nothing where it is refused.
std::string written(const PgValue& value, bool& ok) {
  postgres::Parameters to;
  ok = add_value(to, value).has_value();
  if (!ok || to.values()[0] == nullptr) return {};
  return {to.values()[0], static_cast<std::size_t>(to.lengths()[0])};
}

void from_server(unsigned type, std::string_view text) {
  std::size_t bytes = 0;
  auto value = read_pg_value(type, text, bytes);
  if (!value) {
    if (value.error().message.empty()) broken("no reason is given", type, text);
    return;
  }
  if (bytes < text.size() || bytes > SqlLimits::kAnswer) broken("it is not counted", type, text);
  bool ok = false;
  const std::string once = written(*value, ok);
  if (!ok || type == 17 || !goes_back_as_it_came(type)) return;
  bytes = 0;
  auto again = read_pg_value(type, once, bytes);
  if (!again) broken("what was written is refused", type, once);
  if (written(*again, ok) != once || !ok) broken("it is another value", type, once);
}

// Bytes as the numbers of a record.
class Input {
 public:
  explicit Input(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T take() {
    T value{};
    const std::size_t size = std::min(sizeof value, bytes_.size());
    std::memcpy(&value, bytes_.data(), size);
    bytes_.remove_prefix(size);
    return value;
  }
  std::string_view rest() const { return bytes_; }

 private:
  std::string_view bytes_;
};

void from_guest(std::string_view bytes) {
  Input in(bytes);
  const auto number = [&] {
    return PgFloat{in.take<std::uint64_t>(), in.take<std::int16_t>(), in.take<std::int8_t>()};
  };
  const auto time = [&] {
    return PgTime{in.take<std::uint32_t>(), in.take<std::uint32_t>(), in.take<std::uint32_t>(),
                  in.take<std::uint32_t>()};
  };
  const auto date = [&] {
    PgDate date;
    date.emplace<2>(in.take<std::int32_t>(), in.take<std::uint32_t>(), in.take<std::uint32_t>());
    return date;
  };
  PgTimestampTz zoned;
  bool ok = false;
  switch (in.take<std::uint8_t>() % 12) {
    case 0: (void)written(pg_value<PgCase::Float8>(number()), ok); break;
    case 1: (void)written(pg_value<PgCase::Float4>(number()), ok); break;
    case 2: (void)written(pg_value<PgCase::Point>(PgPoint{number(), number()}), ok); break;
    case 3: (void)written(pg_value<PgCase::Date>(date()), ok); break;
    case 4: (void)written(pg_value<PgCase::Time>(time()), ok); break;
    case 5:
      zoned.timestamp = {date(), time()};
      if (in.take<std::uint8_t>() % 2 == 0) {
        zoned.offset.emplace<0>(in.take<std::int32_t>());
      } else {
        zoned.offset.emplace<1>(in.take<std::int32_t>());
      }
      (void)written(pg_value<PgCase::TimestampTz>(zoned), ok);
      break;
    case 6: {
      const auto count = in.take<std::uint32_t>();
      (void)written(pg_value<PgCase::Bit>(count, to_bytes(as_bytes(in.rest()))), ok);
      break;
    }
    case 7: {
      const auto count = in.take<std::uint32_t>();
      (void)written(pg_value<PgCase::Char>(count, to_bytes(as_bytes(in.rest()))), ok);
      break;
    }
    case 8: {
      PgLexeme one;
      one.position = in.take<std::uint16_t>();
      one.weight = static_cast<PgLexemeWeight>(in.take<std::uint8_t>() % 4);
      one.data = in.rest();
      (void)written(pg_value<PgCase::TsVector>(std::vector{one, one}), ok);
      break;
    }
    case 9:
      (void)written(
          pg_value<PgCase::Hstore>(std::vector<std::tuple<std::string, std::optional<std::string>>>{
              {std::string(in.rest()), std::nullopt}, {std::string(), std::string(in.rest())}}),
          ok);
      break;
    case 10:
      (void)written(
          pg_value<PgCase::TextArray>(std::vector<std::string>(3, std::string(in.rest()))), ok);
      break;
    default:
      (void)written(
          pg_value<PgCase::BitVarying>(in.take<std::uint32_t>(), to_bytes(as_bytes(in.rest()))),
          ok);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] < std::size(kTypes)) {
    from_server(kTypes[data[0]], rest);
  } else {
    from_guest(rest);
  }
  return 0;
}
