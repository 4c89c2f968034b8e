#include "unbolt/control/variables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unbolt/control/values.h"

namespace unbolt::control {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

std::optional<std::string> source(std::string_view name) {
  if (name == "A") return "1";
  if (name == "EMPTY") return "";
  if (name == "NESTED") return "${A}";
  if (name == "BAD") return "\xff";
  if (name == "LONG") return std::string(40'000, 'x');
  return std::nullopt;
}

std::string good(std::string_view text) {
  auto value = substitute(text, source);
  EXPECT_TRUE(value) << text << ": " << (value ? "" : value.error().message);
  return value.value_or("");
}

TEST(Variables, AreReplaced) {
  EXPECT_EQ(good("x${A}y${A}"), "x1y1");
  EXPECT_EQ(good("${NONE:-d}${EMPTY:-e}[${EMPTY}]${A:-f}"), "de[]1");
  EXPECT_EQ(good("${NONE:-}"), "");
  EXPECT_EQ(good("${NONE:-:-x y}"), ":-x y");
  EXPECT_EQ(good("${NESTED}"), "${A}") << "once";
  EXPECT_EQ(good("$${A} $A $ $$ $5 {A} $$$"), "${A} $A $ $$ $5 {A} $$$");
  EXPECT_EQ(good("$$${A}"), "$${A}");
}

TEST(Variables, AreRefusedWithTheReason) {
  auto error = [](std::string_view text) { return substitute(text, source).error(); };
  EXPECT_EQ(error("${NONE}").message, "the variable NONE is not set");
  EXPECT_EQ(error("${NONE}").hint, "set it, or write ${NONE:-DEFAULT}");
  for (const char* text : {"${}", "${ A}", "${1A}", "${A-x}", "${A:?x}", "${:-x}"}) {
    EXPECT_THAT(error(text).message, HasSubstr("no variable's name")) << text;
  }
  EXPECT_THAT(error("a${A").message, HasSubstr("no '}'"));
  EXPECT_THAT(error("${BAD}").message, HasSubstr("UTF-8"));
  EXPECT_THAT(error("${LONG}${LONG}").message, HasSubstr("longer than"));
  EXPECT_EQ(substitute("${A}", {}).error().message, "the variable A is not set");
}

TEST(Variables, CanBeWrittenAsThemselves) {
  for (const std::string_view text : {"", "$", "${", "$${", "$$${A}", "a${b}$", "${${"}) {
    EXPECT_EQ(good(without_variables(text)), text);
  }
}

TEST(Values, AreReadAndWritten) {
  EXPECT_EQ(parse_size("64MiB"), 64u << 20);
  EXPECT_EQ(parse_size("1K"), 1024u);
  EXPECT_EQ(parse_size("100"), 100u);
  EXPECT_EQ(parse_duration("500ms"), 500ms);
  EXPECT_EQ(parse_duration("2h"), 2h);
  EXPECT_EQ(parse_reuse("fresh"), 1u);
  EXPECT_EQ(parse_reuse("reused:7"), 7u);
  for (const char* text : {"", "0", "-1", "1.5", "MiB", "1 MiB", "1MB", "0x10",
                           "9223372036854775808", "18446744073709551616", "99999999999GiB"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
  for (const char* text : {"", "5", "0s", "1d", "s", "721h", "1e3s"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
  for (const char* text : {"", "0", "4294967296", "2147483648", "+1"}) {
    EXPECT_FALSE(parse_count(text)) << text;
  }
  for (const char* text : {"", "reused", "reused:", "reused:0", "Fresh", "reused:1x"}) {
    EXPECT_FALSE(parse_reuse(text)) << text;
  }
  for (const std::uint64_t bytes : {1ull, 1023ull, 1024ull, 1536ull, 1ull << 30, 3ull << 31}) {
    EXPECT_EQ(parse_size(size_text(bytes)), bytes);
  }
  EXPECT_EQ(size_text(64u << 20), "64MiB");
  EXPECT_EQ(duration_text(90s), "90s");
  EXPECT_EQ(duration_text(1500ms), "1500ms");
}

}  // namespace
}  // namespace unbolt::control
