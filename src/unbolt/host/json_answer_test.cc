#include "unbolt/host/json_answer.h"

#include <gtest/gtest.h>

#include <memory>

namespace unbolt::host {
namespace {

using component::CaseValue;
using component::FuncType;
using component::Type;
using component::TypeKind;
using component::Value;

class JsonAnswerTest : public testing::Test {
 protected:
  const Type* enum_of(std::vector<std::string> labels) {
    const std::size_t count = labels.size();
    return types.add({.kind = TypeKind::Enum,
                      .labels = std::move(labels),
                      .children = std::vector<const Type*>(count)});
  }
  // What a function answers that returned an error.
  JsonAnswer failed(const Type* error, std::unique_ptr<Value> value) {
    const FuncType type{.result =
                            types.add({.kind = TypeKind::Result, .children = {nullptr, error}})};
    return answer_of(type, Value{CaseValue{1, std::move(value)}});
  }
  component::TypeArena types;
};

TEST_F(JsonAnswerTest, TheCaseOfAnErrorDecidesTheStatus) {
  const Type* error =
      enum_of({"not-found", "no-such-user", "denied", "timeout", "not-found-at-all"});
  const int statuses[] = {404, 404, 403, 504, 422};
  for (std::uint32_t i = 0; i < std::size(statuses); ++i) {
    const auto answer = failed(error, std::make_unique<Value>(Value{CaseValue{i, nullptr}}));
    EXPECT_EQ(answer.status, statuses[i]) << error->labels[i];
    EXPECT_EQ(answer.media_type, "application/problem+json");
    EXPECT_TRUE(answer.body.ends_with(R"(,"error":")" + error->labels[i] + "\"}")) << answer.body;
  }
  EXPECT_EQ(error_statuses(error), (std::set<int>{403, 404, 422, 504}));
}

TEST_F(JsonAnswerTest, ErrorsWithoutNames) {
  const Type* text = types.add({.kind = TypeKind::String});
  const auto answer = failed(text, std::make_unique<Value>(Value{std::string("not-found")}));
  EXPECT_EQ(answer.status, 422);
  EXPECT_EQ(answer.body, R"({"title":"Unprocessable Content","status":422,)"
                         R"("detail":"the function answered with an error","error":"not-found"})");
  EXPECT_TRUE(failed(nullptr, nullptr).body.ends_with(R"("error":null})"));
  EXPECT_EQ(error_statuses(text), std::set<int>{422});
  EXPECT_EQ(error_statuses(nullptr), std::set<int>{422});
}

TEST_F(JsonAnswerTest, Nothing) {
  const auto answer = answer_of({}, std::nullopt);
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(answer.body, "");
}

}  // namespace
}  // namespace unbolt::host
