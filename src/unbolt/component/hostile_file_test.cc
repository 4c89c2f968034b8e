// Files that mean harm: valid ones that make much of little, or come to functions before they are
// there, and ones that no validator has seen.
#include <gtest/gtest.h>

#include <deque>
#include <string>

#include <fmt/format.h>

#include "unbolt/component/decoder.h"
#include "unbolt/component/testing/guest.h"

namespace unbolt::component {
namespace {

Result<std::unique_ptr<Plan>> plan_unseen(std::string_view text) {
  static std::deque<Bytes> files;  // plans look into them
  UNBOLT_ASSIGN(auto component, decode(files.emplace_back(engine::wat(text))));
  return make_plan(std::move(component));
}

// $main gets `resource.new` and `resource.drop` through the table of a shim, which is seen through
// (shim.h), and uses both before the core instance that holds the destructor is there.
TEST(HostileFile, DropsAResourceWhoseDestructorIsNotThereYet) {
  TestHost host;
  auto component = link_text(host, R"((component
    (core module $shim_module
      (type $new (func (param i32) (result i32)))
      (type $drop (func (param i32)))
      (table (export "$imports") 2 2 funcref)
      (func (export "0") (param i32) (result i32) (call_indirect (type $new) (local.get 0) (i32.const 0)))
      (func (export "1") (param i32) (call_indirect (type $drop) (local.get 0) (i32.const 1))))
    (core instance $shim (instantiate $shim_module))
    (core module $main_module
      (import "s" "0" (func $new (param i32) (result i32)))
      (import "s" "1" (func $drop (param i32)))
      (func $start (call $drop (call $new (i32.const 1)))) (start $start))
    (core instance $main (instantiate $main_module (with "s" (instance $shim))))
    (core module $late_module (func (export "dtor") (param i32)))
    (core instance $late (instantiate $late_module))
    (alias core export $late "dtor" (core func $dtor))
    (type $r (resource (rep i32) (dtor (core func $dtor))))
    (core func $new (canon resource.new $r))
    (core func $drop (canon resource.drop $r))
    (core module $fixup_module
      (import "" "0" (func $new (param i32) (result i32)))
      (import "" "1" (func $drop (param i32)))
      (import "" "$imports" (table 2 2 funcref))
      (elem (i32.const 0) func $new $drop))
    (alias core export $shim "$imports" (core table $table))
    (core instance (instantiate $fixup_module (with "" (instance
      (export "0" (func $new)) (export "1" (func $drop)) (export "$imports" (table $table))))))))");
  ASSERT_TRUE(component) << component.error().message;
  Guest guest(host, std::move(*component));
  const auto fault = guest.start();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->reason, "this resource's destructor is not there yet");
}

// 2^n values of a type that takes n definitions.
TEST(HostileFile, TypesThatDoubleAreBounded) {
  std::string types = "(type $t0 (list u8))";
  for (int i = 1; i <= 40; ++i)
    types += fmt::format("(type $t{} (list (tuple $t{} $t{})))", i, i - 1, i - 1);
  const auto plan = plan_unseen(fmt::format("(component {})", types));
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_FALSE((*plan)->complete);
  EXPECT_NE((*plan)->unsupported.at(0).find("nested too deeply"), std::string::npos);
}

TEST(HostileFile, TypesNestedInTypesAreBounded) {
  std::string types = "(type $t0 u8)";
  for (int i = 1; i <= 300; ++i) types += fmt::format("(type $t{} (option $t{}))", i, i - 1);
  const auto plan = plan_unseen(fmt::format("(component {})", types));
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_FALSE((*plan)->complete);
}

TEST(HostileFile, WhatIsInstantiatedAgainAndAgainIsBounded) {
  std::string types, instances;
  for (int i = 0; i < 5'000; ++i) types += "(type (option u8))";
  for (int i = 0; i < 900; ++i) instances += "(instance (instantiate $c))";
  const auto file =
      link_text(TestHost(), fmt::format("(component (component $c {}) {})", types, instances));
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::LimitExceeded) << file.error().message;
}

// Each instance type holds the one before it twice.
TEST(HostileFile, ImportsThatDoubleAreBounded) {
  std::string types = R"((type $t0 (instance (export "f" (func)))))";
  for (int i = 1; i <= 40; ++i) {
    types += fmt::format(
        R"((type $t{} (instance (alias outer 1 {} (type $t)) (export "a" (instance (type $t)))
          (export "b" (instance (type $t))))))",
        i, i - 1);
  }
  const auto plan =
      plan_unseen(fmt::format(R"((component {} (import "t" (instance (type $t40)))))", types));
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::LimitExceeded) << plan.error().message;
}

// A list of 2^32 - 1 elements without size.
TEST(HostileFile, EmptyRecordsAreNoTypes) {
  const Bytes bytes{0, 'a',  's', 'm',  0x0d, 0,    1,    0,    7,    10,
                    2, 0x72, 0,   0x67, 0,    0xff, 0xff, 0xff, 0xff, 0x0f};
  auto component = decode(bytes);
  ASSERT_TRUE(component) << component.error().message;
  const auto plan = make_plan(*component);
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().code, ErrorCode::InvalidFile);
}

// The validator takes this kind of import (of a function of exactly this type) in module types.
TEST(HostileFile, ExactFunctionsInModuleTypes) {
  const Bytes bytes{0,    'a', 's', 'm',  0x0d, 0, 1, 0, 3, 12,   1,
                    0x50, 2,   1,   0x60, 0,    0, 0, 0, 0, 0x20, 0};
  const auto component = decode(bytes);
  EXPECT_TRUE(component) << component.error().message;
}

}  // namespace
}  // namespace unbolt::component
