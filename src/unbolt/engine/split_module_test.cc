#include "unbolt/engine/split_module.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/engine/module.h"
#include "unbolt/engine/store.h"
#include "unbolt/engine/testing/wat.h"

namespace unbolt::engine {
namespace {

// A megabyte of 'x' for a segment.
std::string much() { return std::string(1 << 20, 'x'); }

class Split : public testing::Test {
 protected:
  // Slot 0 is the export "memory", slot 1 the function "run".
  void instantiate(const PreparedModule& prepared) {
    wasmtime_instance_t instance;
    if (!store.begin_instantiate(prepared, instance, slots.data())) run_task(loop, store.settle());
    const auto fault = store.take_fault();
    ASSERT_FALSE(fault) << fault->reason;
  }
  void start(const Module& module, bool kept) {
    Linker linker(engine);
    prepared.push_back(*PreparedModule::prepare(linker, module));
    if (kept) {
      ASSERT_TRUE(prepared.back().keep("memory", 0));
      ASSERT_TRUE(prepared.back().keep("run", 1));
    }
  }
  std::int32_t run(std::int32_t argument) {
    struct Body final : Store::Body {
      Func func;
      Raw value;
      Trap* run(Store& store) override { return store.call(func, &value, 1); }
    } body;
    body.func = slots[1].of.func;
    body.value.i32 = argument;
    if (!store.begin(body)) run_task(loop, store.settle());
    EXPECT_FALSE(store.take_fault());
    return body.value.i32;
  }

  const Engine engine{EngineOptions{.max_instances = 0}};
  const FiberSupport fibers{engine};
  asio::io_context loop;
  Store store{fibers, nullptr, {}};
  std::array<Extern, 16> slots{};
  std::vector<PreparedModule> prepared;
};

TEST_F(Split, ItsPartsAreInTurnWhatItIs) {
  // Passive segments keep their numbers, segments that overlap their order; constants stay, as
  // others are made of them.
  const Bytes whole = wat(R"((module
    (global $constant i32 (i32.const 7))
    (global $count (mut i32) (i32.const 40))
    (global $wide (mut i64) (i64.const -1))
    (global $copy (mut i32) (global.get $constant))
    (global $real (mut f64) (f64.const 1.5))
    (memory (export "memory") 40)
    (table 8 funcref)
    (elem (global.get $constant))
    (data (i32.const 8) "abcdefgh")
    (data $passive "PQ")
    (data (i32.const 10) "CD")
    (data (i32.const 65536) ")" +
                          much() + R"(")
    (data (i32.const 11) "!")
    (func (export "run") (param i32) (result i32)
      (global.set $count (i32.add (global.get $count) (local.get 0)))
      (memory.init $passive (i32.const 0) (i32.const 0) (i32.const 2))
      (i32.add (global.get $count)
        (i32.add (global.get $copy)
          (i32.add (i32.wrap_i64 (global.get $wide)) (i32.trunc_f64_s (global.get $real))))))))");
  const auto parts = split(whole);
  ASSERT_TRUE(parts);
  EXPECT_LT(parts->code.size(), 1000u);
  EXPECT_GT(parts->image.size(), 1u << 20);
  ASSERT_EQ(parts->shared.size(), 3u);  // the memory, and the globals whose numbers are plain

  const auto code = Module::compile(engine, parts->code);
  ASSERT_TRUE(code) << code.error().message;
  const auto image = Module::compile(engine, parts->image);
  ASSERT_TRUE(image) << image.error().message;
  start(*code, true);
  std::vector<std::uint32_t> shared;
  for (const std::string& name : parts->shared) {
    shared.push_back(static_cast<std::uint32_t>(2 + shared.size()));
    ASSERT_TRUE(prepared.back().keep(name, shared.back()));
  }
  const auto imports = image->imports();
  ASSERT_EQ(imports.size(), parts->shared.size());
  for (std::size_t i = 0; i < imports.size(); ++i) EXPECT_EQ(imports[i].name, parts->shared[i]);
  instantiate(prepared.back());
  instantiate(PreparedModule::prepare(*image, shared));

  const ByteView memory(store.memory_data(slots[0].of.memory), 40 << 16);
  EXPECT_EQ(as_text(memory.subspan(8, 8)), "abC!efgh");
  EXPECT_EQ(memory[65536], 'x');
  EXPECT_EQ(memory[65536 + (1 << 20) - 1], 'x');
  EXPECT_EQ(memory[65536 + (1 << 20)], 0);
  EXPECT_EQ(run(2), 40 + 2 + 7 - 1 + 1);
  EXPECT_EQ(as_text(memory.first(2)), "PQ");
  EXPECT_EQ(run(2), 40 + 4 + 7 - 1 + 1);
}

TEST_F(Split, DataAloneMakesTheSameCode) {
  const auto with = [](std::string_view first, std::string_view more) {
    return split(wat(fmt::format(
        R"((module (global (mut i32) (i32.const {0}))
          (memory (export "memory") 17) (data (i32.const {0}) "{1}") {2}))",
        first, much(), more)));
  };
  const auto one = with("1", ""), other = with("65000", R"((data (i32.const 0) "more"))");
  ASSERT_TRUE(one && other);
  EXPECT_EQ(one->code, other->code);
  EXPECT_NE(one->image, other->image);
}

TEST_F(Split, WideMemories) {
  const auto parts = split(wat(R"((module (memory (export "memory") i64 40)
    (func (export "run") (param i32) (result i32) (i32.load8_u (i64.const 70000)))
    (data (i64.const 70000) ")" +
                               much() + "\"))"));
  ASSERT_TRUE(parts);
  const auto code = Module::compile(engine, parts->code);
  const auto image = Module::compile(engine, parts->image);
  ASSERT_TRUE(code && image);
  start(*code, true);
  ASSERT_TRUE(prepared.back().keep(parts->shared.at(0), 2));
  instantiate(prepared.back());
  instantiate(PreparedModule::prepare(*image, std::array<std::uint32_t, 1>{2}));
  EXPECT_EQ(run(0), 'x');
}

TEST_F(Split, WhatWouldBeSeenIsLeftWhole) {
  const std::string data = "(data (i32.const 0) \"" + much() + "\")";
  const auto whole = [](const std::string& fields) {
    return !split(wat("(module " + fields + ")"));
  };
  const std::string exported = "(memory (export \"memory\") 17)";
  EXPECT_FALSE(whole(exported + data));
  EXPECT_TRUE(whole(exported + "(data (i32.const 0) \"little\")"));
  EXPECT_TRUE(whole(exported + data + "(func $f) (start $f)"));
  EXPECT_TRUE(whole("(memory (export \"memory\") 16) (data (i32.const 1) \"" + much() + "\")"));
  EXPECT_TRUE(whole("(import \"\" \"m\" (memory 17)) (export \"memory\" (memory 0))" + data));
  EXPECT_TRUE(whole("(import \"\" \"base\" (global i32))" + exported + data +
                    "(data (global.get 0) \"x\")"));
  EXPECT_TRUE(whole("(memory 17) (export \"memory 0 of the image\" (memory 0))" + data));
  EXPECT_TRUE(whole("(memory 17)" + data));  // nobody would see it
}

}  // namespace
}  // namespace unbolt::engine
