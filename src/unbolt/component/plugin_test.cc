#include "unbolt/component/plugin.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "unbolt/engine/testing/wat.h"

namespace unbolt::component {
namespace {

using testing::HasSubstr;

// Exports that call the program, count, fail and compute for ever.
constexpr std::string_view kPlugin = R"((component
  (import "test:it/program" (instance $program
    (export "twice" (func (param "x" u32) (result u32)))
    (export "later" (func (param "x" u32) (result u32)))
    (export "again" (func (result u32)))))
  (core func $twice (canon lower (func $program "twice")))
  (core func $later (canon lower (func $program "later")))
  (core func $again (canon lower (func $program "again")))
  (core module $m
    (import "" "twice" (func $twice (param i32) (result i32)))
    (import "" "later" (func $later (param i32) (result i32)))
    (import "" "again" (func $again (result i32)))
    (memory (export "memory") 1)
    (global $bump (mut i32) (i32.const 1024))
    (global $count (mut i32) (i32.const 0))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $bump))
      (global.set $bump (i32.add (global.get $bump) (local.get 3)))
      (local.get $at))
    (func (export "twice") (param i32) (result i32) (call $twice (local.get 0)))
    (func (export "later") (param i32) (result i32) (call $later (local.get 0)))
    (func (export "again") (result i32) (call $again))
    (func (export "count") (result i32)
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (global.get $count))
    (func (export "same") (param i32 i32) (result i32)
      (i32.store (i32.const 0) (local.get 0))
      (i32.store (i32.const 4) (local.get 1))
      (i32.const 0))
    (func (export "trap") (unreachable))
    (func (export "endless") (loop (br 0))))
  (core instance $i (instantiate $m (with "" (instance
    (export "twice" (func $twice)) (export "later" (func $later)) (export "again" (func $again))))))
  (func $f (param "x" u32) (result u32) (canon lift (core func $i "twice")))
  (instance $math (export "twice" (func $f)))
  (export "test:it/math@1.0.0" (instance $math))
  (func (export "later") (param "x" u32) (result u32) (canon lift (core func $i "later")))
  (func (export "again") (result u32) (canon lift (core func $i "again")))
  (func (export "count") (result u32) (canon lift (core func $i "count")))
  (func (export "same") (param "x" string) (result string)
    (canon lift (core func $i "same") (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
  (func (export "trap") (canon lift (core func $i "trap")))
  (func (export "endless") (canon lift (core func $i "endless")))))";

struct Data {
  std::vector<std::uint32_t> seen;
  PluginHost* host = nullptr;
  PluginInstance* self = nullptr;
  std::string refused;
};

std::uint32_t twice(Call& call, std::uint32_t x) {
  call.host<Data>().seen.push_back(x);
  return 2 * x;
}
Task<std::uint32_t> wait_and_double(asio::io_context& loop, std::uint32_t x) {
  Timer timer(loop.get_executor(), std::chrono::milliseconds(1));
  co_await timer.async_wait(use_task);
  co_return 2 * x;
}
Reply<std::uint32_t> later(Call& call, std::uint32_t x) {
  return wait_and_double(call.host<Data>().host->loop(), x);
}
// A host function that calls the plug-in which it was called by.
std::uint32_t again(Call& call) {
  auto& data = call.host<Data>();
  const auto inner = data.self->call<std::uint32_t>("count");
  data.refused = inner ? "nothing" : inner.error().message;
  return 7;
}

class PluginTest : public testing::Test {
 protected:
  PluginTest() {
    host.offer("test:it/program").func<twice>("twice").func<later>("later").func<again>("again");
    data.host = &host;
  }
  Plugin load() { return host.load(engine::wat(kPlugin)).value(); }
  PluginInstance start() { return load().start(&data).value(); }

  PluginHost host{{.timeout = std::chrono::milliseconds(200)}};
  Data data;
};

TEST_F(PluginTest, CallsBothWays) {
  auto instance = start();
  EXPECT_EQ(instance.call<std::uint32_t>("test:it/math@1.0.0.twice", 21u).value_or(0), 42u);
  EXPECT_EQ(instance.call<std::uint32_t>("math.twice", 4u).value_or(0), 8u);
  EXPECT_EQ(data.seen, (std::vector<std::uint32_t>{21, 4}));
  EXPECT_EQ(instance.call<std::string>("same", "text").value_or(""), "text");
  EXPECT_EQ(instance.call<std::string>("same", std::string("ü")).value_or(""), "ü");
  EXPECT_EQ(instance.call<std::uint32_t>("later", 5u).value_or(0), 10u);
}

TEST_F(PluginTest, InstancesKnowNothingOfOneAnother) {
  const Plugin plugin = load();
  auto first = plugin.start(&data).value(), second = plugin.start(&data).value();
  EXPECT_EQ(first.call<std::uint32_t>("count").value_or(0), 1u);
  EXPECT_EQ(first.call<std::uint32_t>("count").value_or(0), 2u);
  EXPECT_EQ(second.call<std::uint32_t>("count").value_or(0), 1u);
  auto moved = std::move(first);
  EXPECT_EQ(moved.call<std::uint32_t>("count").value_or(0), 3u);
}

TEST_F(PluginTest, OneThatFailedIsOver) {
  const Plugin plugin = load();
  auto instance = plugin.start(&data).value();
  const auto trapped = instance.call("trap");
  ASSERT_FALSE(trapped);
  EXPECT_EQ(trapped.error().code, ErrorCode::Trap);
  EXPECT_THAT(trapped.error().message, HasSubstr("trap: wasm trap"));
  EXPECT_THAT(instance.call("trap").error().message, HasSubstr("a call failed before"));
  auto endless = plugin.start(&data).value();
  EXPECT_EQ(endless.call("endless").error().code, ErrorCode::Timeout);
  auto other = plugin.start(&data).value();
  EXPECT_TRUE(other.call<std::uint32_t>("count"));
}

TEST_F(PluginTest, WrongCallsAreRefusedAndHarmNothing) {
  auto instance = start();
  const auto missing = instance.call("counts");
  EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
  EXPECT_EQ(missing.error().hint, "did you mean count?");
  const auto typed = instance.call<std::string>("count");
  EXPECT_EQ(typed.error().code, ErrorCode::Conflict);
  EXPECT_THAT(typed.error().message, HasSubstr("func() -> u32"));
  EXPECT_EQ(instance.call("count", 1u).error().code, ErrorCode::Conflict);
  EXPECT_EQ(instance.call<std::uint32_t>("count").value_or(0), 1u);
}

TEST_F(PluginTest, NoCallFromWithinACall) {
  auto instance = start();
  data.self = &instance;
  EXPECT_EQ(instance.call<std::uint32_t>("again").value_or(0), 7u);
  EXPECT_EQ(data.refused, "count: a plug-in cannot be called from within a call");
  EXPECT_EQ(instance.call<std::uint32_t>("count").value_or(0), 1u);
}

TEST_F(PluginTest, FilesThatAreNoPlugin) {
  EXPECT_EQ(host.load("/nowhere.wasm").error().code, ErrorCode::NotFound);
  EXPECT_EQ(host.load("/").error().message, "/: Is a directory");
  EXPECT_EQ(host.load(Bytes{1, 2, 3}).error().code, ErrorCode::InvalidFile);
  PluginHost other;
  const auto unmet = other.load(engine::wat(kPlugin));
  ASSERT_FALSE(unmet);
  EXPECT_THAT(unmet.error().message, HasSubstr("test:it/program"));
}

}  // namespace
}  // namespace unbolt::component
