#include "unbolt/component/export_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unbolt::component {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// A plan that exports functions of these interfaces and names, and nothing else of a component.
Plan exporting(std::initializer_list<std::pair<std::string_view, std::string_view>> functions) {
  Plan plan;
  const FuncType* type = plan.types.add(FuncType{});
  for (const auto& [interface, name] : functions)
    plan.exports.push_back({std::string(interface), std::string(name), 0u, type});
  return plan;
}

TEST(ExportNames, PackageAndVersionMayBeLeftOut) {
  const Plan plan = exporting({{"my:pkg/math@1.2.0", "add"}, {"", "greet"}, {"plain", "f"}});
  const ExportNames names(plan, '.');
  for (const auto name : {"my:pkg/math@1.2.0.add", "my:pkg/math.add", "math@1.2.0.add", "math.add"})
    EXPECT_EQ(names.find(name).value_or(nullptr), &plan.exports[0]) << name;
  EXPECT_EQ(names.find("greet").value_or(nullptr), &plan.exports[1]);
  EXPECT_EQ(names.find("plain.f").value_or(nullptr), &plan.exports[2]);
  EXPECT_EQ(names.full(plan.exports[0]), "my:pkg/math@1.2.0.add");
  EXPECT_EQ(names.shortest(plan.exports[0]), "math.add");
  EXPECT_EQ(names.shortest(plan.exports[1]), "greet");
  EXPECT_EQ(names.shortest(plan.exports[2]), "plain.f");
}

TEST(ExportNames, WhatIsNotClearIsRefused) {
  const Plan plan = exporting({{"a:a/math@1.0.0", "add"},
                               {"a:a/math@2.0.0", "add"},
                               {"b:b/math", "add"},
                               {"math", "sub"},
                               {"b:b/math", "sub"}});
  const ExportNames names(plan, '/');
  const auto found = names.find("math/add");
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(found.error().message,
            "'math/add' may be a:a/math@1.0.0/add or a:a/math@2.0.0/add: give the whole name");
  EXPECT_FALSE(names.find("a:a/math/add"));
  EXPECT_EQ(names.find("math@2.0.0/add").value_or(nullptr), &plan.exports[1]);
  EXPECT_EQ(names.shortest(plan.exports[1]), "math@2.0.0/add");
  EXPECT_EQ(names.shortest(plan.exports[2]), "b:b/math/add");
  // A whole name is never another's short one.
  EXPECT_EQ(names.find("math/sub").value_or(nullptr), &plan.exports[3]);
  EXPECT_EQ(names.shortest(plan.exports[4]), "b:b/math/sub");
}

TEST(ExportNames, TheNearestAreNamed) {
  const Plan plan = exporting(
      {{"my:pkg/store", "get-many"}, {"my:pkg/store", "get-one"}, {"my:pkg/other", "set"}});
  const ExportNames names(plan, '/');
  EXPECT_THAT(names.nearest("store/get-mony"), ElementsAre("store/get-many"));
  EXPECT_THAT(names.nearest("store/getMany"), ElementsAre("store/get-many"));
  EXPECT_THAT(names.nearest("store/get_one"), ElementsAre("store/get-one"));
  EXPECT_THAT(names.nearest("get-many"), ElementsAre("store/get-many"));
  EXPECT_THAT(names.nearest("my:pkg/other/get-many"), ElementsAre("store/get-many"));
  EXPECT_THAT(names.nearest("nothing-like-it"), IsEmpty());
  EXPECT_THAT(names.nearest(std::string(100'000, 'x')), IsEmpty());
  const auto missing = names.find("store/get-mony");
  EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
  EXPECT_EQ(missing.error().hint, "did you mean store/get-many?");
  EXPECT_THAT(names.find("").error().message, HasSubstr("no function ''"));
}

}  // namespace
}  // namespace unbolt::component
