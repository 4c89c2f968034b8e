#include "unbolt/providers/sql_postgres/pg_values.h"

#include <gtest/gtest.h>

#include <string>

#include "unbolt/contracts/sql.h"

namespace unbolt::providers::sql_postgres {
namespace {

using namespace contracts;

// The texts of a hostile server: it names any type, and keeps to none.
struct Wrong {
  unsigned type;
  std::string_view text;
};

TEST(PgValues, WhatIsNotOfItsTypeIsRefused) {
  for (const Wrong& one : {
           Wrong{16, "yes"},
           Wrong{17, "\\x0"},
           Wrong{17, "\\xzz"},
           Wrong{20, "9223372036854775808"},
           Wrong{21, "32768"},
           Wrong{22, "1 x"},
           Wrong{23, ""},
           Wrong{23, "1 "},
           Wrong{25, "\xff"},
           Wrong{600, ""},
           Wrong{600,
                 "(1,2"
                 ",3)"},
           Wrong{600, "(1,x)"},
           Wrong{602, "((1,2),(3))"},
           Wrong{628, "{0,0,1}"},
           Wrong{700, "1e60"},
           Wrong{701, "1e"},
           Wrong{718, "<(1,2)>"},
           Wrong{790, "$"},
           Wrong{829, ""},
           Wrong{829, "08:00:2b:01:02:0"},
           Wrong{829, "08:00:2b:01:02:03:04"},
           Wrong{1082, "--1-1-1"},
           Wrong{1082, "-2147483648-01-01 BC"},
           Wrong{1082, "2024-02"},
           Wrong{1083, "1:2"},
           Wrong{1184, "2024-01-01 00:00:00+999999999"},
           Wrong{1184, "2024-01-01 00:00:00-596524:00"},
           Wrong{1184, "2024-01-01 00:00:00+-5"},
           Wrong{1266, "00:00:00"},
           Wrong{1560, "012"},
           Wrong{3220, "1/100000000"},
           Wrong{5038, "1:2"},
           Wrong{3614, "'open"},
           Wrong{3614, "'\xff':1"},
           Wrong{3614, "a:99999"},
           Wrong{3912, "[2024-01-01"},
           Wrong{3912, "?2024-01-01,2024-02-01)"},
           Wrong{1007, "{"},
           Wrong{1007, "{1"},
           Wrong{1007, "{1,}"},
           Wrong{1007, "{1,NULL}"},
           Wrong{1007, "{{1},{2}}"},
           Wrong{1009, "{\"open}"},
           Wrong{1009, "{\"a\"b}"},
           Wrong{1009, "{\"\xff\"}"},
           Wrong{1009, "[0:1]"},
       }) {
    std::size_t bytes = 0;
    auto value = read_pg_value(one.type, one.text, bytes);
    ASSERT_FALSE(value) << one.type << " " << one.text;
    EXPECT_EQ(value.error().code, ErrorCode::InvalidArgument) << one.type << " " << one.text;
  }
}

template <PgCase kCase>
auto read_as(unsigned type, std::string_view text) {
  std::size_t bytes = 0;
  auto value = read_pg_value(type, text, bytes);
  EXPECT_TRUE(value) << text;
  if (!value || value->index() != static_cast<std::size_t>(kCase)) {
    ADD_FAILURE() << text;
    return std::variant_alternative_t<static_cast<std::size_t>(kCase), PgValue>();
  }
  return pg_get<kCase>(*value);
}

TEST(PgValues, Extremes) {
  EXPECT_EQ(std::get<0>(std::get<2>(read_as<PgCase::Date>(1082, "5874897-12-31"))), 5'874'897);
  EXPECT_EQ(std::get<0>(std::get<2>(read_as<PgCase::Date>(1082, "4714-11-24 BC"))), -4713);
  EXPECT_EQ(read_as<PgCase::Time>(1083, "24:00:00").hour, 24u);
  EXPECT_EQ(std::get<1>(read_as<PgCase::TimestampTz>(1184, "2024-01-01 00:00:00-15:59:59").offset),
            57'599);
  const auto range = read_as<PgCase::Interval>(3912, "[\"0044-03-15 BC\",)");
  EXPECT_EQ(std::get<0>(std::get<2>(range.start)), -43);
  EXPECT_EQ(range.end.index(), 0u);
  EXPECT_EQ(read_as<PgCase::Money>(790, "-$92,233,720,368,547,758.08"), "-92233720368547758.08");
  EXPECT_EQ(read_as<PgCase::Money>(790, "1.234 \xe2\x82\xac"), "1234");
  EXPECT_EQ(read_as<PgCase::Float4>(700, "1e-45"), (PgFloat{2, -150, 1}));
  EXPECT_EQ(read_as<PgCase::Text>(3802 + 100'000, "of a type that nobody knows"),
            "of a type that nobody knows");
}

// A short text that is large in memory, and one that takes long to read.
TEST(PgValues, WhatGrowsIsBounded) {
  std::string words;
  for (int i = 0; i < 200; ++i) {
    words += "'" + std::string(2046, 'w') + std::to_string(i) + "'";
    for (int position = 1; position < 256; ++position)
      words += (position == 1 ? ':' : ',') + std::to_string(position);
    words += ' ';
  }
  std::string numbers = "{1", points = "((1,1)";
  for (int i = 0; i < 1'100'000; ++i) {
    numbers += ",1";
    points += ",(1,1)";
  }
  const std::string many = numbers + "}", path = points + ")";
  for (const Wrong& one : {Wrong{3614, words}, Wrong{1007, many}, Wrong{602, path}}) {
    std::size_t bytes = 0;
    auto value = read_pg_value(one.type, one.text, bytes);
    ASSERT_FALSE(value) << one.type;
    EXPECT_EQ(value.error().code, ErrorCode::LimitExceeded) << value.error().message;
  }
  const std::string digits(4 << 20, '1');
  EXPECT_EQ(read_as<PgCase::Money>(790, digits).size(), digits.size());
  // An object in JSON is no array.
  const std::string json = "{\"a\": \"" + std::string(9 << 20, 'x') + "\"}";
  EXPECT_EQ(read_as<PgCase::Json>(114, json).size(), json.size());
}

TEST(PgValues, WhatAGuestGivesIsBounded) {
  postgres::Parameters to;
  const auto code = [&](const PgValue& value) {
    auto added = add_value(to, value);
    return added ? ErrorCode::Internal : added.error().code;
  };
  EXPECT_EQ(code(pg_value<PgCase::BitVarying>(std::nullopt, Bytes(16 << 20))),
            ErrorCode::LimitExceeded);
  EXPECT_EQ(code(pg_value<PgCase::Bit>(9u, Bytes(1))), ErrorCode::InvalidArgument);
  EXPECT_EQ(code(pg_value<PgCase::Bit>(4'294'967'295u, Bytes(1))), ErrorCode::LimitExceeded);
  EXPECT_EQ(code(pg_value<PgCase::ByteaArray>(40u, Bytes(1 << 20))), ErrorCode::LimitExceeded);
  EXPECT_EQ(code(pg_value<PgCase::Text>(std::string("a\0b", 3))), ErrorCode::InvalidArgument);
  EXPECT_EQ(to.size(), 0);
}

}  // namespace
}  // namespace unbolt::providers::sql_postgres
