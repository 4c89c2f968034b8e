#include "unbolt/component/json_schema.h"

#include <gtest/gtest.h>

namespace unbolt::component {
namespace {

using nlohmann::ordered_json;
using enum TypeKind;
using Use = JsonSchemas::Use;

class JsonSchemaTest : public testing::Test {
 protected:
  const Type* scalar(TypeKind kind) { return plan.types.add({.kind = kind}); }
  const Type* of(TypeKind kind, std::vector<const Type*> children,
                 std::vector<std::string> labels = {}) {
    return plan.types.add(
        {.kind = kind, .labels = std::move(labels), .children = std::move(children)});
  }
  void name(const Type* type, std::string interface, std::string as) {
    plan.type_names[type] = {std::move(interface), std::move(as)};
  }
  std::string written(const Type* type, Use use = Use::Answer) {
    return schemas.of(*type, use).dump();
  }

  Plan plan;
  JsonSchemas schemas{plan, "#/defs/"};
};

TEST_F(JsonSchemaTest, Scalars) {
  EXPECT_EQ(written(scalar(Bool)), R"({"type":"boolean"})");
  EXPECT_EQ(written(scalar(S8)),
            R"({"type":"integer","format":"int8","minimum":-128,"maximum":127})");
  EXPECT_EQ(written(scalar(U64)),
            R"({"type":"integer","format":"uint64","minimum":0,"maximum":18446744073709551615})");
  EXPECT_EQ(written(scalar(S64), Use::Argument),
            R"({"type":["integer","string"],"format":"int64","minimum":-9223372036854775808,)"
            R"("maximum":9223372036854775807,"pattern":"^-?[0-9]+$"})");
  EXPECT_EQ(written(scalar(Char)),
            R"({"type":"string","format":"char","minLength":1,"maxLength":1})");
  EXPECT_EQ(written(scalar(TypeKind::F32)),
            R"({"anyOf":[{"type":"number","format":"float"},)"
            R"({"type":"string","enum":["NaN","Infinity","-Infinity"]}]})");
}

TEST_F(JsonSchemaTest, Compounds) {
  const Type* text = scalar(String);
  const Type* flag = scalar(Bool);
  const std::string kText = R"({"type":"string"})", kFlag = R"({"type":"boolean"})";
  EXPECT_EQ(written(of(List, {text})), R"({"type":"array","items":)" + kText + "}");
  EXPECT_EQ(written(plan.types.add({.kind = List, .children = {flag}, .length = 3})),
            R"({"type":"array","items":)" + kFlag + R"(,"minItems":3,"maxItems":3})");
  const Type* pair = of(Tuple, {text, flag});
  const std::string kPair = R"({"type":"array","prefixItems":[)" + kText + "," + kFlag +
                            R"(],"items":false,"minItems":2,"maxItems":2})";
  EXPECT_EQ(written(pair), kPair);
  EXPECT_EQ(written(of(Map, {text, flag, pair})), R"({"type":"array","items":)" + kPair + "}");
  const Type* option = of(Option, {nullptr, flag});
  EXPECT_EQ(written(option), R"({"anyOf":[)" + kFlag + R"(,{"type":"null"}]})");
  EXPECT_EQ(written(of(Option, {nullptr, option})),
            R"({"oneOf":[{"type":"object","properties":{"tag":{"const":"none"}},)"
            R"("required":["tag"],"additionalProperties":false},)"
            R"({"type":"object","properties":{"tag":{"const":"some"},"val":{"anyOf":[)" +
                kFlag +
                R"(,{"type":"null"}]}},"required":["tag","val"],"additionalProperties":false}]})");
  EXPECT_EQ(written(of(TypeKind::Result, {nullptr, text})),
            R"({"oneOf":[{"type":"object","properties":{"tag":{"const":"ok"}},)"
            R"("required":["tag"],"additionalProperties":false},)"
            R"({"type":"object","properties":{"tag":{"const":"err"},"val":)" +
                kText + R"(},"required":["tag","val"],"additionalProperties":false}]})");
  EXPECT_EQ(written(of(Enum, {nullptr, nullptr}, {"red", "dark-blue"})),
            R"({"type":"string","enum":["red","dark-blue"]})");
}

TEST_F(JsonSchemaTest, WhatMayBeLeftOutIsNotRequiredOfArguments) {
  const Type* record =
      of(Record, {of(Option, {nullptr, scalar(Bool)}), scalar(Bool)}, {"max-age", "good"});
  EXPECT_EQ(schemas.of(*record, Use::Answer)["required"], ordered_json({"maxAge", "good"}));
  EXPECT_EQ(schemas.of(*record, Use::Argument)["required"], ordered_json::array({"good"}));
  const Type* flags = of(TypeKind::Flags, {}, {"can-read", "x"});
  EXPECT_EQ(schemas.of(*flags, Use::Answer)["required"], ordered_json({"canRead", "x"}));
  EXPECT_EQ(schemas.of(*flags, Use::Argument)["required"], ordered_json::array());
  EXPECT_EQ(arguments_by_name(schemas, {.params = {{"my-id", record}}})["required"],
            ordered_json::array({"myId"}));
  EXPECT_EQ(arguments_by_position(schemas, {}).dump(),
            R"({"type":"array","items":false,"minItems":0,"maxItems":0})");
}

TEST_F(JsonSchemaTest, NamedTypesAreDefinedOnce) {
  const Type* point = of(Record, {scalar(S32)}, {"x"});
  const Type* order = of(Record, {scalar(U64), point}, {"id", "at"});
  const Type* other = of(Record, {scalar(String)}, {"x"});
  name(point, "a:b/geo@1.0.0", "point");
  name(order, "a:b/shop", "an-order");
  name(other, "c:d/maps", "point");
  schemas.reserve("AnOrder");
  EXPECT_EQ(written(order), R"({"$ref":"#/defs/ShopAnOrder"})");
  EXPECT_EQ(written(order, Use::Argument), R"({"$ref":"#/defs/AnOrderInput"})");
  EXPECT_EQ(written(point, Use::Argument), R"({"$ref":"#/defs/Point"})");  // one for both uses
  EXPECT_EQ(written(other), R"({"$ref":"#/defs/MapsPoint"})");
  EXPECT_EQ(written(order), R"({"$ref":"#/defs/ShopAnOrder"})");
  EXPECT_EQ(schemas.definitions().size(), 4u);
  EXPECT_EQ(schemas.definitions()["ShopAnOrder"]["properties"]["at"].dump(),
            R"({"$ref":"#/defs/Point"})");
}

TEST_F(JsonSchemaTest, SharedTypesDoNotMultiply) {
  const Type* type = of(List, {scalar(U64)});
  // As often as types may double.
  int doublings = 0;
  while (const Type* twice = of(Tuple, {type, type})) {
    type = of(List, {twice});
    ASSERT_TRUE(type);
    ASSERT_LT(++doublings, 60);
  }
  EXPECT_GT(doublings, 10);
  (void)schemas.of(*type, Use::Answer);
  (void)schemas.of(*type, Use::Argument);
  EXPECT_LT(schemas.definitions().dump().size(), 200'000u);
}

}  // namespace
}  // namespace unbolt::component
