#include "unbolt/component/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "unbolt/component/plan.h"
#include "unbolt/component/testing/guest.h"

namespace unbolt::component {
namespace {

// Something of everything: a nested component, instances, aliases, resources, all kinds of types.
constexpr std::string_view kText = R"((component
  (import "a:b/c@1.0.0" (instance $i
    (export "r" (type $r (sub resource)))
    (type $rec' (record (field "x" u32) (field "y" (option string)))) (export "rec" (type $rec (eq $rec')))
    (type $var' (variant (case "a") (case "b" u8))) (export "var" (type $var (eq $var')))
    (type $en' (enum "p" "q")) (export "en" (type $en (eq $en')))
    (type $fl' (flags "s" "t")) (export "fl" (type $fl (eq $fl')))
    (export "f" (func (param "a" (borrow $r)) (param "b" $rec) (param "c" $var) (param "d" $en) (param "e" $fl)
      (result (result (list u8) (error (tuple s64 char))))))))
  (component $nested
    (core module $m (func (export "f") (result i32) (i32.const 42)))
    (core instance $i (instantiate $m))
    (func (export "f") (result u32) (canon lift (core func $i "f"))))
  (instance $one (instantiate $nested))
  (instance $two (instantiate $nested))
  (type $own (resource (rep i32)))
  (core func $new (canon resource.new $own))
  (core module $m (import "h" "new" (func (param i32) (result i32))))
  (core instance (instantiate $m (with "h" (instance (export "new" (func $new))))))
  (instance $both (export "one" (func $one "f")) (export "two" (func $two "f")))
  (export "x:y/z" (instance $both))
  (@custom "note" "hello")))";

TEST(Decoder, KindsOfFiles) {
  EXPECT_EQ(file_kind(engine::wat("(component)")), FileKind::Component);
  EXPECT_EQ(file_kind(engine::wat("(module)")), FileKind::CoreModule);
  EXPECT_EQ(file_kind({}), FileKind::Other);
  EXPECT_EQ(file_kind(as_bytes("#!/bin/sh")), FileKind::Other);
}

// Valid by the specification of 64-bit memories: refused by name, as what is not carried out.
TEST(Decoder, ResourcesOf64BitsAreUnsupported) {
  const std::uint8_t bytes[] = {0, 'a', 's', 'm', 13, 0, 1, 0, 7, 4, 1, 0x3f, 0x7e, 0};
  const auto decoded = decode(bytes);
  ASSERT_FALSE(decoded);
  EXPECT_EQ(decoded.error().code, ErrorCode::Unsupported);
  EXPECT_THAT(decoded.error().message, testing::HasSubstr("represented as i64"));
}

TEST(Decoder, EverythingIsPlanned) {
  const Bytes bytes = engine::wat(kText);
  ASSERT_TRUE(validate(bytes, Bodies::Check));
  auto decoded = decode(bytes);
  ASSERT_TRUE(decoded) << decoded.error().message;
  ASSERT_EQ((*decoded)->customs.size(), 2u);  // the other one holds the names
  EXPECT_EQ((*decoded)->customs[0].name, "note");
  EXPECT_EQ(as_text((*decoded)->customs[0].bytes), "hello");
  const auto plan = make_plan(*decoded);
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_EQ((*plan)->imports.size(), 1u);
  EXPECT_EQ((*plan)->imports[0].name, "a:b/c@1.0.0");
  EXPECT_EQ(to_wit(*(*plan)->imports[0].funcs.at(0)->type),
            "func(a: borrow<r>, b: record { x: u32, y: option<string> }, c: variant { a, b(u8) }, "
            "d: enum { p, q }, "
            "e: flags { s, t }) -> result<list<u8>, tuple<s64, char>>");
  EXPECT_EQ((*plan)->modules.size(), 2u);  // the nested one's is compiled once
  EXPECT_EQ((*plan)->steps.size(), 3u);    // and instantiated twice
  EXPECT_EQ((*plan)->component_instances, 3u);
  ASSERT_EQ((*plan)->exports.size(), 2u);
  EXPECT_EQ((*plan)->exports[1].interface_name, "x:y/z");
  EXPECT_EQ((*plan)->exports[1].name, "two");
}

TEST(Decoder, TruncatedAnywhereItIsAnErrorOrValid) {
  const Bytes bytes = engine::wat(kText);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const Bytes part(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(
                                                        length));  // so that asan sees its end
    const auto decoded = decode(part);
    if (decoded) {
      (void)make_plan(*decoded);
    } else {
      EXPECT_FALSE(decoded.error().message.empty());
      EXPECT_EQ(decoded.error().code, ErrorCode::InvalidFile);
    }
  }
}

TEST(Decoder, ChangedAnywhereItIsAnErrorOrPlanned) {
  const Bytes bytes = engine::wat(kText);
  std::mt19937 random(1);
  for (std::size_t at = 8; at < bytes.size(); ++at) {
    for (int i = 0; i < 8; ++i) {
      Bytes changed = bytes;
      changed[at] = static_cast<std::uint8_t>(random());
      const auto decoded = decode(changed);
      if (decoded && validate(changed, Bodies::Check)) (void)make_plan(*decoded);
    }
  }
}

TEST(Decoder, NestingIsBounded) {
  const auto nested = [](int levels) {
    const Bytes empty = engine::wat("(component)");
    Bytes bytes = empty;
    for (int i = 0; i < levels; ++i) {
      Bytes outer(empty.begin(), empty.begin() + 8);
      outer.push_back(4);
      for (std::size_t size = bytes.size();; size >>= 7) {
        outer.push_back(static_cast<std::uint8_t>((size & 0x7f) | (size > 0x7f ? 0x80 : 0)));
        if (size <= 0x7f) break;
      }
      outer.insert(outer.end(), bytes.begin(), bytes.end());
      bytes = std::move(outer);
    }
    return bytes;
  };
  const Bytes deep = nested(100), too_deep = nested(101);
  EXPECT_TRUE(decode(deep));
  const auto decoded = decode(too_deep);
  ASSERT_FALSE(decoded);
  EXPECT_NE(decoded.error().message.find("nested too deeply"), std::string::npos);
}

// ---- The plan, carried out

TEST(Planner, AliasesReachOutOfNestedComponents) {
  TestHost host;
  Guest guest(host, R"((component $root
    (core module $shared (func (export "f") (result i32) (i32.const 7)))
    (type $n u32)
    (component $outer
      (component $inner
        (alias outer $root $shared (core module $m))
        (alias outer $root $n (type $n))
        (core instance $i (instantiate $m))
        (func (export "f") (result $n) (canon lift (core func $i "f"))))
      (instance $i (instantiate $inner))
      (export "f" (func $i "f")))
    (instance $o (instantiate $outer))
    (export "f" (func $o "f"))))");
  EXPECT_EQ(guest.call<std::uint32_t>("f"), 7u);
}

TEST(Planner, AComponentInstantiatedTwiceHasTwoStates) {
  TestHost host;
  Guest guest(host, R"((component
    (component $counter
      (core module $m (global $n (mut i32) (i32.const 0))
        (func (export "f") (result i32) (global.set $n (i32.add (global.get $n) (i32.const 1))) (global.get $n)))
      (core instance $i (instantiate $m))
      (func (export "f") (result u32) (canon lift (core func $i "f"))))
    (instance $a (instantiate $counter))
    (instance $b (instantiate $counter))
    (export "a" (func $a "f"))
    (export "b" (func $b "f"))))");
  EXPECT_EQ(guest.call<std::uint32_t>("a"), 1u);
  EXPECT_EQ(guest.call<std::uint32_t>("a"), 2u);
  EXPECT_EQ(guest.call<std::uint32_t>("b"), 1u);
}

std::uint32_t answer(Call&) { return 42; }

std::string importing(std::string_view interface_name, std::string_view func) {
  return fmt::format(R"((component
    (import "{}" (instance $host (export "answer" {})))
    (core func $answer (canon lower (func $host "answer")))
    (core module $m (import "h" "answer" (func $f (result i32))) (func (export "f") (result i32) (call $f)))
    (core instance $i (instantiate $m (with "h" (instance (export "answer" (func $answer))))))
    (func (export "f") (result u32) (canon lift (core func $i "f")))))",
                     interface_name, func);
}

TEST(Linking, VersionsAreMatchedBySemver) {
  TestHost host;
  host.interfaces.add("a:b/c@0.2.12").func<&answer>("answer");
  for (const auto* name : {"a:b/c@0.2.0", "a:b/c@0.2.12", "a:b/c@0.2.99"}) {
    Guest guest(host, importing(name, "(func (result u32))"));
    EXPECT_EQ(guest.call<std::uint32_t>("f"), 42u) << name;
  }
}

TEST(Linking, WhatIsUnmetIsNamed) {
  TestHost host;
  host.interfaces.add("a:b/c@0.2.12").func<&answer>("answer");
  const auto problem = [&](std::string_view name, std::string_view func) {
    const auto linked = link_text(host, importing(name, func));
    EXPECT_FALSE(linked);
    return linked ? "" : linked.error().message;
  };
  EXPECT_EQ(problem("a:b/c@0.3.0", "(func (result u32))"),
            "the component imports what this host does not have:\n"
            "  a:b/c@0.3.0: nothing here provides it; the nearest is a:b/c@0.2.12");
  EXPECT_EQ(problem("a:b/d@0.2.0", "(func (result u32))"),
            "the component imports what this host does not have:\n"
            "  a:b/d@0.2.0: nothing here provides it; the nearest is a:b/c@0.2.12");
  EXPECT_EQ(
      problem("x:y/z", "(func (result u32))"),
      "the component imports what this host does not have:\n  x:y/z: nothing here provides it");
  EXPECT_EQ(problem("a:b/c@0.2.0", "(func (result s32))"),
            "the component imports what this host does not have:\n"
            "  a:b/c@0.2.0#answer: the component expects\n    func() -> s32\n  and a:b/c@0.2.12 "
            "here has\n    another type");
}

}  // namespace
}  // namespace unbolt::component
