#include "unbolt/component/json_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace unbolt::component {
namespace {

using testing::HasSubstr;

std::string why(std::string_view text) {
  const auto parsed = parse_json(text);
  return parsed ? "no error: " + parsed->dump() : parsed.error().message;
}

TEST(JsonText, SaysWhereItGoesWrong) {
  EXPECT_THAT(why(""), HasSubstr("line 1, column 1"));
  EXPECT_THAT(why("[1,\n 2,]"), HasSubstr("line 2, column 4"));
  EXPECT_THAT(why("[1e999]"), HasSubstr("number overflow"));
  EXPECT_THAT(why("[\"\xff\"]"), HasSubstr("ill-formed UTF-8"));
  EXPECT_THAT(why("[\"\\ud800\"]"), HasSubstr("line 1, column"));
  EXPECT_THAT(why("[1] 2"), HasSubstr("line 1, column 5"));
  EXPECT_LT(why("[" + std::string(100'000, 'x') + "]").size(), 300u);
}

TEST(JsonText, DepthIsBounded) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_TRUE(parse_json(nested(kMaxJsonDepth)));
  EXPECT_EQ(why(nested(kMaxJsonDepth + 1)), "line 1, column 257: nested more than 256 deep");
  EXPECT_THAT(why("\n" + std::string(4'000'000, '[')), HasSubstr("line 2, column 257"));
  // Brackets in strings, and those that stand beside one another, are none.
  EXPECT_TRUE(parse_json('"' + std::string(1000, '[') + "\\\"" + std::string(1000, '{') + '"'));
  std::string flat = "[";
  for (int i = 0; i < 1000; ++i) flat += "{},";
  EXPECT_TRUE(parse_json(flat + "[]]"));
}

TEST(JsonText, StringsAreReadBackAsTheyWere) {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  all += "ü€😀";
  std::string text;
  append_json_string(text, all);
  const auto parsed = parse_json(text);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->get<std::string>(), all);
}

}  // namespace
}  // namespace unbolt::component
