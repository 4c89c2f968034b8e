#include "unbolt/component/fusion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "unbolt/component/testing/guest.h"

namespace unbolt::component {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::shared_ptr<const ComponentFile> file_of(std::string_view text) {
  auto file = ComponentFile::load(engine::wat(text));
  if (!file) throw std::runtime_error(file.error().message);
  return std::move(*file);
}

// The steps of each fusion.
std::vector<std::vector<std::uint32_t>> fused_steps(std::string_view text) {
  const auto file = file_of(text);
  std::vector<std::vector<std::uint32_t>> all;
  for (const Fusion& fusion : plan_fusions(file->plan())) all.push_back(fusion.steps);
  return all;
}

// Two modules; `first` and `second` stand in them.
std::string two(std::string_view first, std::string_view second) {
  return fmt::format(R"((component
    (core module $a (memory (export "memory") 1) {})
    (core instance $a (instantiate $a))
    (core module $b (import "a" "memory" (memory 1)) {})
    (core instance $b (instantiate $b (with "a" (instance $a))))))",
                     first, second);
}

TEST(Fusion, WhatFollowsEachOtherGoesTogether) {
  EXPECT_THAT(fused_steps(two("", "")), ElementsAre(ElementsAre(0, 1)));
  EXPECT_THAT(fused_steps("(component (core module $a) (core instance (instantiate $a)))"),
              IsEmpty());
}

TEST(Fusion, GuestCodeThatRunsEndsIt) {
  EXPECT_THAT(fused_steps(two("(func $f) (start $f)", "")), IsEmpty());
  EXPECT_THAT(fused_steps(two("", "(func $f) (start $f)")), IsEmpty());
  // The third takes from the first, which is not beside it.
  EXPECT_THAT(fused_steps(R"((component
    (core module $a (memory (export "m") 1)) (core instance $a (instantiate $a))
    (core module $b (func $f) (start $f)) (core instance (instantiate $b))
    (core module $c (import "a" "m" (memory 1))) (core instance (instantiate $c (with "a" (instance $a))))
    (core module $d (memory 1)) (core instance (instantiate $d))
    (core module $e) (core instance (instantiate $e))))"),
              ElementsAre(ElementsAre(3, 4)));
}

TEST(Fusion, AModuleThatIsThereTwiceIsCompiledOnce) {
  EXPECT_THAT(fused_steps(R"((component (core module $a (memory 1))
    (core instance (instantiate $a)) (core instance (instantiate $a))))"),
              IsEmpty());
}

TEST(Fusion, NoMoreMemoriesThanTheEnginesPoolGives) {
  std::string text = "(component ";
  for (int i = 0; i < 6; ++i)
    text += fmt::format("(core module $m{0} (memory {0})) (core instance (instantiate $m{0}))", i);
  EXPECT_THAT(fused_steps(text + ")"), ElementsAre(ElementsAre(0, 1, 2, 3), ElementsAre(4, 5)));
}

// ---- What they do, together and apart

std::string say(Call&, std::uint32_t x) { return fmt::format("host {}", x); }

// As wit-component makes it of a main module and an adapter that needs its memory: the shim's first
// function is the host's, the second the adapter's, the third nobody's.
std::string with_adapter(std::string_view main_starts = "") {
  return fmt::format(R"((component
    (import "test:it/host" (instance $host (export "say" (func (param "x" u32) (result string)))))
    (core module $shim_module
      (type $say (func (param i32 i32))) (type $unary (func (param i32) (result i32)))
      (table (export "$imports") 3 3 funcref)
      (func (export "0") (param i32 i32) (call_indirect (type $say) (local.get 0) (local.get 1) (i32.const 0)))
      (func (export "1") (param i32) (result i32) (call_indirect (type $unary) (local.get 0) (i32.const 1)))
      (func (export "2") (param i32) (result i32) (call_indirect (type $unary) (local.get 0) (i32.const 2))))
    (core instance $shim (instantiate $shim_module))
    (core module $main_module
      (import "host" "say" (func $say (param i32 i32)))
      (import "adapter" "add" (func $add (param i32) (result i32)))
      {}
      (memory (export "memory") 1)
      (data (i32.const 512) "\07")
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
      {}
      (func (export "say") (param i32) (result i32) (call $say (local.get 0) (i32.const 64)) (i32.const 64))
      (func (export "add") (param i32) (result i32) (call $add (local.get 0)))
      (func (export "trap") unreachable))
    (core instance $main (instantiate $main_module
      (with "host" (instance (export "say" (func $shim "0"))))
      (with "adapter" (instance (export "add" (func $shim "1")) (export "none" (func $shim "2"))))))
    (core module $adapter_module
      (import "main" "memory" (memory 1))
      (import "main" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
      (global $count (mut i32) (i32.const 0))
      (func (export "initialize") (global.set $count (i32.load (i32.const 512))))
      (func (export "add") (param i32) (result i32)
        (global.set $count (i32.add (global.get $count) (local.get 0)))
        (i32.add (global.get $count)
          (i32.sub (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1)) (i32.const 1024)))))
    (core instance $adapter (instantiate $adapter_module (with "main" (instance $main))))
    (core func $say (canon lower (func $host "say") (memory (core memory $main "memory"))
      (realloc (core func $main "realloc"))))
    (core module $fixup_module
      (import "" "0" (func $say (param i32 i32)))
      (import "" "1" (func $add (param i32) (result i32)))
      (import "" "initialize" (func $initialize))
      (import "" "$imports" (table 3 3 funcref))
      (elem (i32.const 0) func $say $add)
      (start $initialize))
    (core instance (instantiate $fixup_module (with "" (instance
      (export "0" (func $say)) (export "1" (func $adapter "add"))
      (export "initialize" (func $adapter "initialize"))
      (export "$imports" (table $shim "$imports"))))))
    (func (export "say") (param "x" u32) (result string)
      (canon lift (core func $main "say") (memory (core memory $main "memory"))))
    (func (export "add") (param "x" u32) (result u32) (canon lift (core func $main "add")))
    (func (export "trap") (canon lift (core func $main "trap")))))",
                     main_starts.empty() ? ""
                                         : "(import \"adapter\" \"none\" (func $none (param i32) "
                                           "(result i32)))",
                     main_starts);
}

class FusionOrNot : public testing::TestWithParam<CompileOptions::Modules> {
 protected:
  FusionOrNot() { host.interfaces.add("test:it/host").func<&say>("say"); }
  std::shared_ptr<const LinkedComponent> link(std::string_view text) {
    auto linked =
        LinkedComponent::link(file_of(text), host.engine, host.interfaces, {.modules = GetParam()});
    if (!linked) throw std::runtime_error(linked.error().message);
    return std::move(*linked);
  }
  TestHost host;
};
INSTANTIATE_TEST_SUITE_P(Modules, FusionOrNot,
                         testing::Values(CompileOptions::Modules::Fused,
                                         CompileOptions::Modules::Apart));

TEST_P(FusionOrNot, MainModuleAndAdapter) {
  Guest guest(host, link(with_adapter()));
  ASSERT_FALSE(guest.start());
  EXPECT_EQ((guest.call<std::string, std::uint32_t>("say", 5)), "host 5");
  EXPECT_EQ((guest.call<std::uint32_t, std::uint32_t>("add", 10)), 17u);
  EXPECT_EQ((guest.call<std::uint32_t, std::uint32_t>("add", 1)), 18u);
  EXPECT_FALSE(guest.call("trap"));
}

// What nobody fills traps when it is called, not before: the shim stays.
TEST_P(FusionOrNot, ShimWithAnEntryThatIsNotFilled) {
  Guest guest(
      host,
      link(with_adapter(R"((func (export "none") (result i32) (call $none (i32.const 0))))")));
  ASSERT_FALSE(guest.start());
  EXPECT_EQ((guest.call<std::string, std::uint32_t>("say", 5)), "host 5");
  EXPECT_EQ((guest.call<std::uint32_t, std::uint32_t>("add", 10)), 17u);
}

// It calls the adapter before the shim's table is filled.
TEST_P(FusionOrNot, MainModuleThatStartsTooEarly) {
  Guest guest(host,
              link(with_adapter("(func $start (drop (call $add (i32.const 1)))) (start $start)")));
  const auto fault = guest.start();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->reason, "wasm trap: uninitialized element");
}

// Its data is told apart where its modules are; of the same module twice, each has its own.
TEST_P(FusionOrNot, ModulesWithMuchData) {
  Guest guest(host, link(fmt::format(
                        R"((component
    (core module $m
      (global $next (mut i32) (i32.const 1048577))
      (memory 17) (data (i32.const 1) "{}")
      (func (export "next") (result i32)
        (global.set $next (i32.sub (global.get $next) (i32.const 1)))
        (i32.store8 (global.get $next) (i32.add (i32.load8_u (global.get $next)) (i32.const 1)))
        (i32.add (global.get $next) (i32.load8_u (global.get $next)))))
    (core instance $one (instantiate $m))
    (core instance $two (instantiate $m))
    (func (export "one") (result u32) (canon lift (core func $one "next")))
    (func (export "two") (result u32) (canon lift (core func $two "next")))))",
                        std::string(1 << 20, 'x'))));
  ASSERT_FALSE(guest.start());
  for (const char* name : {"one", "two"}) {
    EXPECT_EQ(guest.call<std::uint32_t>(name), 1048576u + 'x' + 1) << name;
    EXPECT_EQ(guest.call<std::uint32_t>(name), 1048575u + 'x' + 1) << name;
  }
}

TEST_P(FusionOrNot, SegmentsThatDoNotFitTrapWhereTheyAre) {
  Guest guest(host, link(two("", R"((data (i32.const 65536) "x"))")));
  const auto fault = guest.start();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->reason, "wasm trap: out of bounds memory access");
}

// Two shims whose functions jump to each other's for ever.
TEST_P(FusionOrNot, ShimsThatLeadToEachOther) {
  const auto shim = [](std::string_view name) {
    return fmt::format(R"((core module ${0}_module (type $f (func (param i32) (result i32)))
      (table (export "t") 1 1 funcref)
      (func (export "f") (param i32) (result i32) (call_indirect (type $f) (local.get 0) (i32.const 0))))
      (core instance ${0} (instantiate ${0}_module)))",
                       name);
  };
  const auto fixup = [](std::string_view of, std::string_view to) {
    return fmt::format(R"((core module ${0}_fixup (import "" "f" (func $f (param i32) (result i32)))
      (import "" "t" (table 1 1 funcref)) (elem (i32.const 0) func $f))
      (core instance (instantiate ${0}_fixup (with "" (instance (export "f" (func ${1} "f")) (export "t" (table ${0} "t")))))))",
                       of, to);
  };
  Guest guest(host, link(fmt::format(R"((component {} {}
    (core module $m (import "" "f" (func $f (param i32) (result i32))) (memory 1)
      (func (export "run") (result i32) (call $f (i32.const 1))))
    (core instance $m (instantiate $m (with "" (instance (export "f" (func $a "f"))))))
    {} {}
    (func (export "run") (result u32) (canon lift (core func $m "run")))))",
                                     shim("a"), shim("b"), fixup("a", "b"), fixup("b", "a"))));
  ASSERT_FALSE(guest.start());
  const auto ran = guest.call<std::uint32_t>("run");
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().reason, "wasm trap: call stack exhausted");
}

TEST(Fusion, AShimThatIsNotNeededIsNoMember) {
  const auto file = file_of(with_adapter());
  const auto fusions = plan_fusions(file->plan());
  ASSERT_EQ(fusions.size(), 1u);
  EXPECT_THAT(fusions[0].steps, ElementsAre(0, 1, 2));
  EXPECT_EQ(fusions[0].recipe.members.size(), 2u);
  EXPECT_THAT(fusions[0].unneeded_fixups, ElementsAre(3));

  const auto kept =
      file_of(with_adapter(R"((func (export "n") (result i32) (call $none (i32.const 0))))"));
  const auto with_shim = plan_fusions(kept->plan());
  ASSERT_EQ(with_shim.size(), 1u);
  EXPECT_EQ(with_shim[0].recipe.members.size(), 3u);
  EXPECT_THAT(with_shim[0].unneeded_fixups, IsEmpty());
}

TEST(Fusion, WhatIsCompiledOrRefusedOnceIsFoundAgain) {
  TestHost host;
  host.interfaces.add("test:it/host").func<&say>("say");
  char folder[] = "/tmp/unbolt-fusion-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::filesystem::path path(folder);
  const auto cache = engine::CompiledCache::open(path / "cache");
  ASSERT_TRUE(cache) << cache.error().message;
  const auto compiled = [&](std::string_view text) {
    std::vector<std::pair<std::size_t, std::size_t>> pieces;
    CompileOptions options{.cache = &*cache};
    options.progress = [&](std::size_t done, std::size_t all) { pieces.emplace_back(done, all); };
    const auto linked = LinkedComponent::link(file_of(text), host.engine, host.interfaces, options);
    EXPECT_TRUE(linked) << linked.error().message;
    return pieces;
  };
  using testing::Pair;
  EXPECT_THAT(compiled(with_adapter()), ElementsAre(Pair(0, 1)));
  EXPECT_THAT(compiled(with_adapter()), IsEmpty());
  const std::string refused = two("", R"((data (i32.const 65536) "x"))");
  EXPECT_THAT(compiled(refused), ElementsAre(Pair(0, 2), Pair(1, 2)));
  EXPECT_THAT(compiled(refused), IsEmpty());
  std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace unbolt::component
