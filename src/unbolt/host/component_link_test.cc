// What is checked when a component is linked to another: nothing runs here.
#include "unbolt/host/component_link.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <fmt/format.h>

#include "unbolt/component/testing/guest.h"

namespace unbolt::host {
namespace {

using testing::HasSubstr;

std::shared_ptr<const component::ComponentFile> file(std::string_view wat) {
  auto loaded = component::ComponentFile::load(engine::wat(wat));
  if (!loaded) throw std::runtime_error(loaded.error().message);
  return std::move(*loaded);
}

// Imports `interface` with these items.
std::shared_ptr<const component::ComponentFile> caller(std::string_view items,
                                                       std::string_view interface = "a:b/c@1.2.0") {
  return file(fmt::format(R"((component (import "{}" (instance {}))))", interface, items));
}

class LinkComponents : public testing::Test {
 protected:
  // Exports `interface` with what `exports` says; $n is a core function without parameters that
  // answers a number, $x one that takes two and answers nothing.
  LinkTo callee(std::string_view definitions, std::string_view exports,
                std::string_view interface = "a:b/c@1.4.0") {
    const auto linked = component::link_text(host, fmt::format(R"((component
      (core module $m (memory (export "m") 1)
        (func (export "n") (result i32) (i32.const 0))
        (func (export "x") (param i32 i32))
        (func (export "r") (param i32 i32 i32 i32) (result i32) (i32.const 0)))
      (core instance $i (instantiate $m))
      (alias core export $i "n" (core func $n))
      (alias core export $i "x" (core func $x))
      {}
      (instance $it {})
      (export "{}" (instance $it))))",
                                                               definitions, exports, interface));
    if (!linked) throw std::runtime_error(linked.error().message);
    return {"link", "callee", *linked};
  }
  LinkTo numbers(std::string_view interface = "a:b/c@1.4.0") {
    return callee(R"((func $f (result u32) (canon lift (core func $n))))",
                  R"((export "f" (func $f)))", interface);
  }
  std::string problem(const std::shared_ptr<const component::ComponentFile>& from,
                      const ComponentLinks& links) {
    component::HostInterfaces interfaces;
    const auto linked = link_components(from, links, interfaces);
    code = linked ? ErrorCode::Internal : linked.error().code;
    EXPECT_EQ(interfaces.all().empty(), !linked);
    return linked ? "" : linked.error().message;
  }

  component::TestHost host;
  ErrorCode code{};
};

constexpr std::string_view kF = R"((export "f" (func (result u32))))";

TEST_F(LinkComponents, AnInterfaceIsMetBySemverAndByItsPackage) {
  for (const auto* contract : {"a:b/c@1.2.0", "a:b/c@1.4.0", "a:b/c", "a:b"})
    EXPECT_EQ(problem(caller(kF), {{contract, numbers()}}), "") << contract;
  component::HostInterfaces interfaces;
  ASSERT_TRUE(link_components(caller(kF), {{"a:b", numbers()}}, interfaces));
  ASSERT_EQ(interfaces.all().size(), 1u);
  EXPECT_EQ(interfaces.all()[0].name(), "a:b/c@1.2.0");
  EXPECT_TRUE(component::LinkedComponent::link(caller(kF), host.engine, interfaces, {}));
}

TEST_F(LinkComponents, TheNarrowestContractCounts) {
  const LinkTo empty = callee("", "", "a:b/c@1.0.0");
  EXPECT_EQ(problem(caller(kF), {{"a:b/c", numbers()}, {"a:b/c@1.0.0", numbers()}}).substr(0, 36),
            "the component does not import a:b/c,");
  EXPECT_THAT(problem(caller(kF), {{"a:b/c", empty}}), HasSubstr("has no such function"));
}

TEST_F(LinkComponents, AContractThatNothingImports) {
  EXPECT_THAT(problem(caller(kF), {{"a:b/c", numbers()}, {"x:y", numbers()}}),
              HasSubstr("does not import x:y, which is linked to component 'callee'; it imports "
                        "a:b/c@1.2.0"));
  EXPECT_EQ(code, ErrorCode::NotFound);
}

TEST_F(LinkComponents, WhatIsMissingIsNamedAllOfIt) {
  EXPECT_THAT(
      problem(caller(kF), {{"a:b", numbers("a:b/d@1.0.0")}}),
      HasSubstr("a:b/c@1.2.0: component 'callee' does not export it; it exports a:b/d@1.0.0"));
  EXPECT_EQ(code, ErrorCode::NotFound);
  EXPECT_THAT(problem(caller(kF), {{"a:b", numbers("a:b/c@2.0.0")}}),
              HasSubstr("does not export it"));
  const auto both = problem(caller(R"((export "f" (func (result s32))) (export "g" (func)))"),
                            {{"a:b", numbers()}});
  EXPECT_THAT(both, HasSubstr("a:b/c@1.2.0#g: component 'callee' has no such function in "
                              "a:b/c@1.4.0; it has f"));
  EXPECT_THAT(both,
              HasSubstr("a:b/c@1.2.0#f: the import is\n      func() -> s32\n    and component "
                        "'callee' exports\n      func() -> u32"));
}

TEST_F(LinkComponents, LabelsCount) {
  const std::string_view record = R"(
    (type $t (record (field "x" s32) (field "y" s32)))
    (export "t" (type $u (eq $t)))
    (export "f" (func (param "p" $u))))";
  const auto exporting = [&](std::string_view label, std::string_view param) {
    return callee(fmt::format(R"(
      (type $t (record (field "x" s32) (field "{}" s32)))
      (component $inner
        (type $t0 (record (field "x" s32) (field "{}" s32)))
        (import "t" (type $t (eq $t0)))
        (import "f" (func $f (param "{}" $t)))
        (export $u "t" (type $t))
        (export "f" (func $f) (func (param "{}" $u))))
      (func $f (param "{}" $t) (canon lift (core func $x)))
      (instance $made (instantiate $inner (with "t" (type $t))
        (with "f" (func $f)))))",
                              label, label, param, param, param),
                  R"((export "t" (type $made "t")) (export "f" (func $made "f")))");
  };
  EXPECT_EQ(problem(caller(record), {{"a:b", exporting("y", "p")}}), "");
  EXPECT_THAT(problem(caller(record), {{"a:b", exporting("z", "p")}}),
              HasSubstr("func(p: record { x: s32, z: s32 })"));
  EXPECT_EQ(code, ErrorCode::Conflict);
  EXPECT_THAT(problem(caller(record), {{"a:b", exporting("y", "q")}}), HasSubstr("func(q: record"));
}

TEST_F(LinkComponents, ResourcesOfOthersAreRefusedByName) {
  const auto importing = file(R"((component
    (import "wasi:io/streams@0.2.0" (instance $io (export "input-stream" (type (sub resource)))))
    (alias export $io "input-stream" (type $stream))
    (import "a:b/c@1.2.0" (instance
      (alias outer 1 $stream (type $s))
      (export "input-stream" (type $e (eq $s)))
      (export "f" (func (param "s" (borrow $e))))))))");
  EXPECT_THAT(
      problem(importing, {{"a:b", numbers()}}),
      HasSubstr("a:b/c@1.2.0#f: its type holds wasi:io/streams@0.2.0#input-stream, which is "
                "no resource of component 'callee'"));
  EXPECT_EQ(code, ErrorCode::Unsupported);
}

TEST_F(LinkComponents, AResourceStandsForTheOneInItsPlace) {
  const std::string_view two = R"((export "one" (type $one (sub resource)))
    (export "two" (type $two (sub resource)))
    (export "f" (func (result (own $one)))))";
  const auto exporting = [&](std::string_view of) {
    return callee(fmt::format(R"(
      (type $r1 (resource (rep i32)))
      (type $r2 (resource (rep i32)))
      (component $inner
        (import "one" (type $one (sub resource)))
        (import "two" (type $two (sub resource)))
        (import "f" (func $f (result (own ${}))))
        (export $o "one" (type $one))
        (export $t "two" (type $two))
        (export "f" (func $f) (func (result (own ${})))))
      (func $f (result (own ${})) (canon lift (core func $n)))
      (instance $made (instantiate $inner (with "one" (type $r1)) (with "two" (type $r2))
        (with "f" (func $f)))))",
                              of, of == "one" ? "o" : "t", of == "one" ? "r1" : "r2"),
                  R"((export "one" (type $made "one")) (export "two" (type $made "two"))
                     (export "f" (func $made "f")))");
  };
  EXPECT_EQ(problem(caller(two), {{"a:b", exporting("one")}}), "");
  EXPECT_THAT(problem(caller(two), {{"a:b", exporting("two")}}), HasSubstr("func() -> two"));
  EXPECT_EQ(code, ErrorCode::Conflict);
}

}  // namespace
}  // namespace unbolt::host
