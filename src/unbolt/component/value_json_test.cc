#include "unbolt/component/value_json.h"

#include <gtest/gtest.h>

#include <limits>

namespace unbolt::component {
namespace {

using enum TypeKind;

class ValueJsonTest : public testing::Test {
 protected:
  const Type* scalar(TypeKind kind) { return types.add({.kind = kind}); }
  // What comes of the text, read as an argument of the type and written again; or why it is none.
  std::string through(const Type* type, std::string_view text) {
    const auto arguments = arguments_from_text({.params = {{"x", type}}}, text);
    if (!arguments) return arguments.error().message;
    std::string out;
    write_json(*type, arguments->front(), out);
    return out;
  }
  TypeArena types;
};

TEST_F(ValueJsonTest, NumbersKeepWhatTheyAre) {
  EXPECT_EQ(through(scalar(S64), "[-9223372036854775808]"), "-9223372036854775808");
  EXPECT_EQ(through(scalar(U64), "[18446744073709551615]"), "18446744073709551615");
  EXPECT_EQ(through(scalar(U64), "[\"18446744073709551615\"]"), "18446744073709551615");
  EXPECT_EQ(through(scalar(TypeKind::F32), "[0.1]"), "0.1");
  EXPECT_EQ(through(scalar(TypeKind::F64), "[0.1]"), "0.1");
  EXPECT_EQ(through(scalar(TypeKind::F64), "[-1e300]"), "-1e+300");
  EXPECT_EQ(through(scalar(TypeKind::F64), "[\"-Infinity\"]"), "\"-Infinity\"");
  EXPECT_EQ(through(scalar(TypeKind::F64), "[\"NaN\"]"), "\"NaN\"");
}

TEST_F(ValueJsonTest, WholeNumbersAreIntegersHoweverTheyAreWritten) {
  EXPECT_EQ(through(scalar(U8), "[1.0]"), "1");
  EXPECT_EQ(through(scalar(U8), "[2.55e2]"), "255");
  EXPECT_EQ(through(scalar(S32), "[-1e3]"), "-1000");
  EXPECT_EQ(through(scalar(U64), "[9007199254740992.0]"), "9007199254740992");
  for (const auto text : {"[1.5]", "[256.0]", "[-1.0]", "[1e300]", "[\"1\"]"})
    EXPECT_TRUE(through(scalar(U8), text).starts_with("argument x: expected a number of type u8"))
        << text;
  EXPECT_TRUE(through(scalar(U64), "[9007199254740994.0]").starts_with("argument x: expected"));
}

TEST_F(ValueJsonTest, ArgumentsByPositionAndByName) {
  const Type* text = scalar(String);
  const Type* option = types.add({.kind = Option, .children = {nullptr, text}});
  const FuncType func{.params = {{"my-name", text}, {"other", option}}};
  const auto why = [&](std::string_view json) {
    const auto read = arguments_from_text(func, json);
    return read ? std::string("no error") : read.error().message;
  };
  for (const auto json :
       {R"(["a", null])", R"(["a","b"])", R"({"myName":"a"})", R"({"my-name":"a"})"})
    EXPECT_EQ(why(json), "no error") << json;
  EXPECT_TRUE(why("").starts_with("expected a JSON array of 2 arguments"));
  EXPECT_TRUE(why("[\"a\"]").starts_with("expected a JSON array of 2 arguments"));
  EXPECT_TRUE(
      why("{}").starts_with("argument my-name is missing; the function is func(my-name: string"));
  EXPECT_TRUE(why(R"({"myName":"a","otter":1})").starts_with("no argument has the name \"otter\""));
  EXPECT_TRUE(why("[1,").starts_with("the arguments: no JSON: line 1, column 4"));
  EXPECT_TRUE(arguments_from_text({}, ""));
}

TEST_F(ValueJsonTest, TheOutcomeOfAResult) {
  const Type* text = scalar(String);
  const FuncType func{.result = types.add({.kind = TypeKind::Result, .children = {nullptr, text}})};
  const std::optional<Value> good = Value{CaseValue{0, nullptr}};
  EXPECT_FALSE(outcome_of(func, good).failed);
  EXPECT_FALSE(outcome_of(func, good).type);
  const std::optional<Value> bad =
      Value{CaseValue{1, std::make_unique<Value>(Value{std::string("why")})}};
  EXPECT_TRUE(outcome_of(func, bad).failed);
  EXPECT_EQ(outcome_of(func, bad).type, text);
  EXPECT_EQ(std::get<std::string>(outcome_of(func, bad).value->of), "why");
  EXPECT_FALSE(outcome_of({}, std::nullopt).type);
}

}  // namespace
}  // namespace unbolt::component
