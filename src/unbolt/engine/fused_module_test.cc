#include "unbolt/engine/fused_module.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/engine/module.h"
#include "unbolt/engine/store.h"
#include "unbolt/engine/testing/wat.h"

namespace unbolt::engine {
namespace {

using Export = FuseRecipe::Export;
using Source = FuseRecipe::Source;

Trap* add_hundred(void*, Caller*, Raw* values, std::size_t) noexcept {
  values[0].i64 = values[0].i32 + 100;
  return nullptr;
}

// Modules by their text, and what each imports.
struct Parts {
  std::vector<Bytes> modules;
  FuseRecipe recipe;
  Parts& add(std::string_view text, std::vector<Source> imports = {}) {
    modules.push_back(wat(text));
    recipe.members.push_back({{}, std::move(imports)});
    for (std::size_t i = 0; i < modules.size(); ++i) recipe.members[i].bytes = modules[i];
    return *this;
  }
  Parts& take(std::uint32_t member, std::string_view name) {
    recipe.exports.push_back({member, name});
    return *this;
  }
  std::string refused() const {
    const auto fused = fuse(recipe);
    return fused ? "" : fused.error().message;
  }
};

class FusedModule : public testing::Test {
 protected:
  // The functions from outside are 7 and 8, (i32) -> i32.
  void instantiate(const Parts& parts) {
    const auto bytes = fuse(parts.recipe);
    ASSERT_TRUE(bytes) << bytes.error().message;
    const auto module = Module::compile(engine, *bytes);
    ASSERT_TRUE(module) << module.error().message;
    Linker linker(engine);
    for (const char* number : {"7", "8"})
      ASSERT_TRUE(
          linker.define("", number, {{CoreType::I32}, {CoreType::I32}}, add_hundred, nullptr));
    auto prepared = PreparedModule::prepare(linker, *module);
    ASSERT_TRUE(prepared) << prepared.error().message;
    for (std::uint32_t i = 0; i < parts.recipe.exports.size(); ++i)
      ASSERT_TRUE(prepared->keep(std::to_string(i), i));
    wasmtime_instance_t instance;
    if (!store.begin_instantiate(*prepared, instance, slots.data())) run_task(loop, store.settle());
    ASSERT_FALSE(store.take_fault());
  }
  std::optional<std::int32_t> call(std::uint32_t slot, std::int32_t argument = 0) {
    struct Body final : Store::Body {
      Func func;
      Raw value;
      Trap* run(Store& store) override { return store.call(func, &value, 1); }
    } body;
    body.func = slots[slot].of.func;
    body.value.i32 = argument;
    if (!store.begin(body)) run_task(loop, store.settle());
    fault = store.take_fault();
    return fault ? std::nullopt : std::optional(body.value.i32);
  }

  const Engine engine{EngineOptions{.max_instances = 0}};
  const FiberSupport fibers{engine};
  asio::io_context loop;
  Store store{fibers, nullptr, {}};
  std::array<Extern, 8> slots{};
  std::optional<Fault> fault;
};

// As the libraries of a language's runtime are put together: one module has the memory, the table
// and where in them each library lies.
constexpr std::string_view kEnvironment = R"((module
  (memory (export "memory") 1)
  (table (export "table") 8 funcref)
  (global (export "memory base") i32 (i32.const 1024))
  (global (export "table base") i32 (i32.const 5))
  (global (export "got") (mut i32) (i32.const 6))
  (data (i32.const 0) "\01")))";
constexpr std::string_view kLibrary = R"((module
  (type $unary (func (param i32) (result i32)))
  (import "env" "memory" (memory 1))
  (import "env" "table" (table 1 funcref))
  (import "env" "memory base" (global $memory i32))
  (import "env" "table base" (global $table i32))
  (import "env" "got" (global $got (mut i32)))
  (import "host" "f" (func $host (type $unary)))
  (global $here i32 (i32.add (global.get $memory) (i32.const 8)))
  (global $same i32 (global.get $memory))
  (data (global.get $memory) "\2a")
  (data (i32.add (i32.const 4) (global.get $memory)) "\2b")
  (elem (offset (global.get $table)) func $twice $host)
  (func $twice (type $unary) (i32.mul (local.get 0) (i32.const 2)))
  (func (export "sum") (param i32) (result i32)
    (i32.add (i32.load (global.get $same)) (i32.load offset=4 (global.get $memory))))
  (func (export "here") (param i32) (result i32) (global.get $here))
  (func (export "move") (param i32) (result i32) (global.set $got (local.get 0)) (global.get $got))
  (func (export "indirect") (param i32) (result i32)
    (call_indirect (type $unary) (local.get 0) (global.get $got)))))";
constexpr std::string_view kMain = R"((module
  (import "library" "indirect" (func $indirect (param i32) (result i32)))
  (import "library" "sum" (func $sum (param i32) (result i32)))
  (import "host" "f" (func $host (param i32) (result i32)))
  (memory 1)
  (export "again" (func $sum))
  (func (export "run") (param i32) (result i32)
    (i32.store (i32.const 0) (i32.const 1000))
    (i32.add (i32.load (i32.const 0))
      (i32.add (call $sum (i32.const 0)) (call $indirect (call $host (local.get 0))))))))";

Parts libraries() {
  Parts parts;
  parts.add(kEnvironment)
      .add(kLibrary, {Export{0, "memory"}, Export{0, "table"}, Export{0, "memory base"},
                      Export{0, "table base"}, Export{0, "got"}, 7u})
      .add(kMain, {Export{1, "indirect"}, Export{1, "sum"}, 7u})
      .take(2, "run")
      .take(1, "move")
      .take(1, "here")
      .take(0, "memory")
      .take(2, "again");
  return parts;
}

TEST_F(FusedModule, MembersHaveEachOthersItems) {
  instantiate(libraries());
  // Entry 6 is the host's function.
  EXPECT_EQ(call(0, 3), 1000 + 42 + 43 + (3 + 100) + 100);
  EXPECT_EQ(call(1, 5), 5);
  EXPECT_EQ(call(0, 3), 1000 + 42 + 43 + (3 + 100) * 2);
  EXPECT_EQ(call(2), 1032);
  EXPECT_EQ(call(4), 42 + 43);
  EXPECT_EQ(store.memory_data(slots[3].of.memory)[0], 1);
  EXPECT_EQ(store.memory_data(slots[3].of.memory)[1024], 42);
}

TEST_F(FusedModule, IndicesOfSegmentsAndTypesAreMoved) {
  constexpr std::string_view kOne = R"((module
    (type (func)) (type $get (func (param i32) (result i32)))
    (memory 1) (table 4 funcref)
    (data $d "\11\12") (elem $e func $f)
    (func $f (type $get) (i32.load8_u (local.get 0)))
    (func (export "run") (type $get)
      (memory.init $d (i32.const 16) (i32.const 0) (i32.const 2)) (data.drop $d)
      (table.init $e (i32.const 1) (i32.const 0) (i32.const 1)) (elem.drop $e)
      (block (type 0))
      (call_indirect (type $get) (local.get 0) (i32.const 1)))))";
  std::string other(kOne);
  other.replace(other.find("\\11\\12"), 6, "\\21\\22");
  Parts parts;
  parts.add(kOne).add(other).take(0, "run").take(1, "run");
  instantiate(parts);
  EXPECT_EQ(call(0, 17), 0x12);
  EXPECT_EQ(call(1, 16), 0x21);
  EXPECT_EQ(call(0, 17), std::nullopt);  // dropped
}

TEST_F(FusedModule, FunctionsThatWereDeclaredAsExportsCanStillBeReferredTo) {
  Parts parts;
  parts
      .add(R"((module (table 1 funcref)
        (func $f (export "f") (param i32) (result i32) (i32.const 9))
        (func (export "run") (param i32) (result i32)
          (table.set (i32.const 0) (ref.func $f))
          (call_indirect (param i32) (result i32) (i32.const 0) (i32.const 0)))))")
      .add("(module)")
      .take(0, "run");
  instantiate(parts);
  EXPECT_EQ(call(0), 9);
}

TEST_F(FusedModule, ATrapNamesTheFunctionsOfAllMembers) {
  Parts parts;
  parts.add(R"((module (func $falls (export "f") (param i32) (result i32) unreachable)))")
      .add(
          R"((module (import "" "" (func $f (param i32) (result i32))) (import "" "" (func (param i32) (result i32)))
        (func $runs (export "run") (param i32) (result i32) (call $f (i32.const 0)))))",
          {Export{0, "f"}, 8u})
      .take(1, "run");
  instantiate(parts);
  EXPECT_EQ(call(0), std::nullopt);
  ASSERT_EQ(fault->frames.size(), 2u);
  EXPECT_TRUE(fault->frames[0].starts_with("falls ")) << fault->frames[0];
  EXPECT_TRUE(fault->frames[1].starts_with("runs ")) << fault->frames[1];
}

TEST(FusedModules, WhatWouldBeSeenIsRefused) {
  const auto alone = [](std::string_view text) {
    return Parts().add("(module)").add(text).refused();
  };
  EXPECT_EQ(alone("(module)"), "");
  EXPECT_EQ(alone("(module (func $f) (start $f))"), "a member has a start function");
  EXPECT_EQ(alone("(module (memory 1) (data (i32.const 65535) \"x\"))"), "");
  const std::string data = "a data segment that may not fit",
                    elements = "an element segment that may not fit";
  EXPECT_TRUE(alone("(module (memory 1) (data (i32.const 65535) \"xy\"))").contains(data));
  EXPECT_TRUE(alone("(module (memory 1) (data (i32.const -1) \"x\"))").contains(data));
  EXPECT_TRUE(alone("(module (memory i64 1) (data (i64.const -1) \"x\"))").contains(data));
  EXPECT_TRUE(alone("(module (memory 0) (data (i32.const 1) \"\"))").contains(data));
  EXPECT_TRUE(alone("(module (table 1 funcref) (func $f) (elem (i32.const 1) func $f))")
                  .contains(elements));
  EXPECT_TRUE(alone("(module (table 1 funcref) (func $f) (elem (i32.const -1) func $f))")
                  .contains(elements));
  // A body that is wrong by itself, whatever is behind it.
  Parts wrong;
  wrong.add("(module (func (export \"f\") (result i32) (i64.const 1)))").add("(module)");
  EXPECT_NE(wrong.refused(), "");
}

TEST(FusedModules, MistakesInTheRecipeAreErrors) {
  const std::string_view user = R"((module (import "a" "f" (func)) (export "f" (func 0))))";
  EXPECT_NE(Parts().add(user).refused(), "");                    // no source
  EXPECT_NE(Parts().add(user, {Export{3, "f"}}).refused(), "");  // no such member
  EXPECT_NE(Parts().add("(module)").add(user, {Export{0, "f"}}).refused(), "");
  EXPECT_NE(Parts().add("(module (memory (export \"f\") 1))").add(user, {Export{0, "f"}}).refused(),
            "");
  EXPECT_NE(Parts().add(user, {Export{0, "f"}}).take(0, "f").refused(), "");  // itself
  EXPECT_NE(Parts().add("(module (import \"a\" \"m\" (memory 1)))", {7u}).refused(), "");
  EXPECT_NE(Parts().add("(module)").take(0, "g").refused(), "");
}

TEST(FusedModules, TheDigestIsOfAllThatCounts) {
  const std::string digest = digest_of(libraries().recipe);
  EXPECT_EQ(digest_of(libraries().recipe), digest);
  Parts parts = libraries();
  parts.recipe.exports.pop_back();
  EXPECT_NE(digest_of(parts.recipe), digest);
  parts = libraries();
  parts.recipe.members[2].imports[2] = 8u;
  EXPECT_NE(digest_of(parts.recipe), digest);
  parts = libraries();
  parts.modules[0].back() ^= 1;
  EXPECT_NE(digest_of(parts.recipe), digest);
}

}  // namespace
}  // namespace unbolt::engine
