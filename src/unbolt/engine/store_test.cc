#include "unbolt/engine/store.h"

#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <deque>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/engine/testing/wat.h"

namespace unbolt::engine {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr Raw raw(std::int32_t value) { return Raw{.i32 = value}; }

// What stands behind one store: what its host functions do is the test's.
struct Live {
  std::function<Trap*(Store&, Raw*)> host;  // "host" "call": i32 → i32
  std::unique_ptr<Store> store;
  wasmtime_instance_t instance{};
};

Trap* call_host(void*, Caller* caller, Raw* values, std::size_t) noexcept {
  Store& store = Store::of(caller);
  return static_cast<Live*>(store.owner())->host(store, values);
}

// Calls one core function on the fiber.
struct CallBody final : Store::Body {
  Func func;
  std::vector<Raw> values;
  Trap* run(Store& store) override { return store.call(func, values.data(), values.size()); }
};

// Any host code on the fiber.
struct CodeBody final : Store::Body {
  std::function<Trap*(Store&)> code;
  Trap* run(Store& store) override { return code(store); }
};

Task<> sleep(milliseconds time) {
  Timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(use_task);
}

// Counts how many of it live; stands on the stacks that have to be unwound.
struct Counted {
  static inline int live = 0;
  Counted() { ++live; }
  ~Counted() { --live; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
};

class StoreTest : public testing::Test {
 protected:
  StoreTest() {
    EXPECT_TRUE(
        linker.define("host", "call", {{CoreType::I32}, {CoreType::I32}}, &call_host, nullptr));
  }

  std::unique_ptr<Live> make(std::string_view text, std::function<Trap*(Store&, Raw*)> host = {},
                             StoreLimits limits = {}) {
    auto live = prepare(text, std::move(host), limits);
    start(*live);
    const auto fault = live->store->take_fault();
    EXPECT_FALSE(fault) << fault->describe();
    return live;
  }
  std::unique_ptr<Live> prepare(std::string_view text, std::function<Trap*(Store&, Raw*)> host,
                                StoreLimits limits = {}) {
    auto compiled = Module::compile(engine, wat(text));
    EXPECT_TRUE(compiled) << compiled.error().message;
    module.emplace(std::move(*compiled));
    auto pre = PreparedModule::prepare(linker, *module);
    EXPECT_TRUE(pre) << pre.error().message;
    prepared.push_back(std::move(*pre));
    auto live = std::make_unique<Live>();
    live->host = std::move(host);
    live->store = std::make_unique<Store>(fibers, live.get(), limits);
    return live;
  }
  void start(Live& live) {
    if (!live.store->begin_instantiate(prepared.back(), live.instance))
      run_task(loop, live.store->settle());
  }
  Func func(Live& live, std::string_view name) {
    const auto handle = module->find_export(name);
    EXPECT_TRUE(handle) << name;
    return live.store->export_of(live.instance, handle.get()).of.func;
  }
  // Calls "run": i32 → i32.
  std::int32_t run(Live& live, std::int32_t argument) {
    CallBody body;
    body.func = func(live, "run");
    body.values = {raw(argument)};
    if (!live.store->begin(body)) run_task(loop, live.store->settle());
    return body.values[0].i32;
  }

  Engine engine{EngineOptions{.max_instances = 0}};
  FiberSupport fibers{engine};
  Linker linker{engine};
  std::optional<Module> module;
  std::deque<PreparedModule> prepared;
  asio::io_context loop;
};

constexpr std::string_view kForward = R"((module
  (import "host" "call" (func $host (param i32) (result i32)))
  (func $run (export "run") (param i32) (result i32)
    (i32.add (call $host (local.get 0)) (i32.const 1)))))";

TEST_F(StoreTest, AnswersAtOnce) {
  auto live = make(kForward, [](Store&, Raw* values) -> Trap* {
    values[0].i32 *= 10;
    return nullptr;
  });
  EXPECT_EQ(run(*live, 4), 41);
  EXPECT_EQ(run(*live, 5), 51);
  EXPECT_FALSE(live->store->take_fault());
}

TEST_F(StoreTest, FaultNamesTheFunctionsInnermostFirst) {
  auto live = make(R"((module
    (func $divide (param i32) (result i32) (i32.div_u (i32.const 1) (local.get 0)))
    (func $middle (param i32) (result i32) (i32.add (i32.const 1) (call $divide (local.get 0))))
    (func (export "run") (param i32) (result i32) (i32.add (i32.const 1) (call $middle (local.get 0))))))");
  EXPECT_EQ(run(*live, 1), 3);
  run(*live, 0);
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, Fault::Kind::Trap);
  EXPECT_EQ(fault->reason, "wasm trap: integer divide by zero");
  ASSERT_EQ(fault->frames.size(), 3u) << fault->describe();
  EXPECT_TRUE(fault->frames[0].starts_with("divide (at 0x")) << fault->frames[0];
  EXPECT_TRUE(fault->frames[1].starts_with("middle (at 0x")) << fault->frames[1];
  EXPECT_TRUE(fault->frames[2].starts_with("function 2 (at 0x") ||
              fault->frames[2].starts_with("run"))
      << fault->frames[2];
  EXPECT_TRUE(fault->describe().starts_with(fault->reason + "\n    0: divide"))
      << fault->describe();
  EXPECT_EQ(fault->to_error().code, ErrorCode::Trap);
  EXPECT_FALSE(live->store->take_fault());
}

TEST_F(StoreTest, ReasonOfAHostFunctionComesWithTheGuestsFrames) {
  auto live = make(
      kForward, [](Store& store, Raw*) { return store.fail(Fault::Kind::Trap, "no such thing"); });
  run(*live, 0);
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->reason, "no such thing");
  ASSERT_EQ(fault->frames.size(), 1u);
  EXPECT_TRUE(fault->frames[0].starts_with("run ")) << fault->frames[0];
}

TEST_F(StoreTest, TrapInANestedCallKeepsItsReason) {
  Func back{};
  auto live = make(R"((module
    (import "host" "call" (func $host (param i32) (result i32)))
    (func $broken (export "back") (param i32) (result i32) unreachable)
    (func (export "run") (param i32) (result i32) (call $host (local.get 0)))))",
                   [&](Store& store, Raw* values) { return store.call(back, values, 1); });
  back = func(*live, "back");
  run(*live, 0);
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->reason, "wasm trap: wasm `unreachable` instruction executed");
  ASSERT_FALSE(fault->frames.empty());
  EXPECT_TRUE(fault->frames[0].starts_with("broken ")) << fault->describe();
}

TEST_F(StoreTest, ThrowingHostCodeIsAnInternalFault) {
  Store store(fibers, nullptr, {});
  CodeBody body;
  body.code = [](Store&) -> Trap* { throw std::runtime_error("a bug"); };
  EXPECT_TRUE(store.begin(body));
  const auto fault = store.take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, Fault::Kind::Internal);
  EXPECT_EQ(fault->reason, "a bug");
}

// ---- Parking

TEST_F(StoreTest, ParkAnswersLater) {
  auto live = make(kForward, [](Store& store, Raw* values) -> Trap* {
    const std::int32_t asked = values[0].i32;
    if (auto* trap = store.park(sleep(milliseconds(5)))) return trap;
    values[0].i32 = asked * 2;
    return nullptr;
  });
  const auto start = steady_clock::now();
  EXPECT_EQ(run(*live, 20), 41);
  EXPECT_GE(steady_clock::now() - start, milliseconds(5));
  EXPECT_EQ(run(*live, 30), 61);
  EXPECT_FALSE(live->store->take_fault());
}

TEST_F(StoreTest, ParkOnATaskThatEndsAtOnce) {
  auto live = make(kForward,
                   [](Store& store, Raw*) { return store.park([]() -> Task<> { co_return; }()); });
  EXPECT_EQ(run(*live, 6), 7);
  EXPECT_FALSE(live->store->take_fault());
}

TEST_F(StoreTest, ParksInNestedCalls) {
  Func back{};
  int depth = 0;
  auto live = make(R"((module
    (import "host" "call" (func $host (param i32) (result i32)))
    (func (export "back") (param i32) (result i32) (i32.add (call $host (local.get 0)) (i32.const 10)))
    (func (export "run") (param i32) (result i32) (i32.add (call $host (local.get 0)) (i32.const 100)))))",
                   [&](Store& store, Raw* values) -> Trap* {
                     const int level = depth++;
                     if (auto* trap = store.park(sleep(milliseconds(2)))) return trap;
                     if (level == 0) {
                       if (auto* trap = store.call(back, values, 1)) return trap;
                       return store.park(sleep(milliseconds(2)));
                     }
                     return nullptr;
                   });
  back = func(*live, "back");
  EXPECT_EQ(run(*live, 1), 111);
  EXPECT_EQ(depth, 2);
  EXPECT_FALSE(live->store->take_fault());
}

// Starts "run" and hands out what cancels it.
struct Spawned {
  CallBody body;
  asio::cancellation_signal signal;
  bool ended = false;
};

Task<> counted_sleep(int& tasks) {
  ++tasks;
  co_await sleep(std::chrono::hours(1));
}

TEST_F(StoreTest, CancelledParkTrapsAndLaterOnesTrapAtOnce) {
  int tasks = 0;
  bool second_trapped = false;
  auto live = make(kForward, [&](Store& store, Raw*) -> Trap* {
    Trap* first = store.park(counted_sleep(tasks));
    EXPECT_TRUE(first);
    // A host function that goes on all the same must not wait again.
    Trap* second = store.park(counted_sleep(tasks));
    second_trapped = second != nullptr;
    if (second) wasm_trap_delete(second);
    return first;
  });
  Spawned call;
  call.body.func = func(*live, "run");
  call.body.values = {raw(1)};
  ASSERT_FALSE(live->store->begin(call.body));
  asio::co_spawn(loop, live->store->settle(),
                 asio::bind_cancellation_slot(call.signal.slot(), [&](std::exception_ptr e) {
                   EXPECT_FALSE(e);
                   call.ended = true;
                 }));
  asio::post(loop, [&] {
    asio::post(loop, [&] { call.signal.emit(asio::cancellation_type::terminal); });
  });
  loop.restart();
  loop.run();
  EXPECT_TRUE(call.ended);
  EXPECT_EQ(tasks, 1);
  EXPECT_TRUE(second_trapped);
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, Fault::Kind::Cancelled);
  EXPECT_EQ(fault->to_error().code, ErrorCode::Cancelled);
}

TEST_F(StoreTest, CancelledLoopEnds) {
  auto live =
      make(R"((module (func (export "run") (param i32) (result i32) (loop (br 0)) unreachable)))");
  Spawned call;
  call.body.func = func(*live, "run");
  call.body.values = {raw(1)};
  ASSERT_FALSE(live->store->begin(call.body));
  asio::co_spawn(loop, live->store->settle(),
                 asio::bind_cancellation_slot(call.signal.slot(),
                                              [&](std::exception_ptr) { call.ended = true; }));
  Timer timer(loop.get_executor(), milliseconds(30));
  timer.async_wait([&](auto) { call.signal.emit(asio::cancellation_type::terminal); });
  loop.restart();
  loop.run();
  EXPECT_TRUE(call.ended);
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, Fault::Kind::Cancelled);
}

// Cancelled when it has yielded for the last time: it comes to its end, and the next call is
// another.
TEST_F(StoreTest, CancelledAtItsEndLeavesTheNextCallAlone) {
  bool waits = false;
  auto live = make(R"((module
    (import "host" "call" (func $host (param i32) (result i32)))
    (func (export "run") (param i32) (result i32)
      (drop (call $host (local.get 0)))
      (loop $twice (br_if $twice (i32.eqz (local.tee 0 (i32.eqz (local.get 0))))))
      (i32.const 7))))",
                   [&](Store& store, Raw*) -> Trap* {
                     if (waits) return store.park(sleep(milliseconds(1)));
                     wasmtime_engine_increment_epoch(engine.capi());
                     return nullptr;
                   });
  Spawned call;
  call.body.func = func(*live, "run");
  call.body.values = {raw(1)};
  ASSERT_FALSE(live->store->begin(call.body));
  asio::co_spawn(loop, live->store->settle(),
                 asio::bind_cancellation_slot(call.signal.slot(),
                                              [&](std::exception_ptr) { call.ended = true; }));
  asio::post(loop, [&] { call.signal.emit(asio::cancellation_type::terminal); });
  loop.restart();
  loop.run();
  ASSERT_TRUE(call.ended);
  if (live->store->take_fault()) GTEST_SKIP() << "the engine's own tick came in between";
  EXPECT_EQ(call.body.values[0].i32, 7);
  waits = true;
  EXPECT_EQ(run(*live, 1), 7);
  const auto fault = live->store->take_fault();
  EXPECT_FALSE(fault) << fault->describe();
}

Task<> two_steps(asio::io_context& loop, bool& second_step_ended) {
  co_await asio::co_spawn(loop, sleep(milliseconds(30)),
                          asio::bind_cancellation_slot(asio::cancellation_slot(), use_task));
  co_await sleep(milliseconds(700));
  second_step_ended = true;
}

// What a guest waits for may be in a step that cannot be cancelled when the call is; the steps
// after it are not taken.
TEST_F(StoreTest, CancellationReachesTheStepsAfterOneThatCannotBeCancelled) {
  bool second_step_ended = false;
  auto live = make(
      kForward, [&](Store& store, Raw*) { return store.park(two_steps(loop, second_step_ended)); });
  live->store->set_deadline(steady_clock::now() + milliseconds(10));
  run(*live, 0);
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, Fault::Kind::Deadline);
  EXPECT_FALSE(second_step_ended);
}

TEST_F(StoreTest, ThrowingTaskIsAnInternalFault) {
  auto live = make(kForward, [](Store& store, Raw*) {
    return store.park([]() -> Task<> {
      co_await sleep(milliseconds(1));
      throw std::runtime_error("a bug while waiting");
    }());
  });
  run(*live, 0);
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, Fault::Kind::Internal);
  EXPECT_EQ(fault->reason, "a bug while waiting");
}

TEST_F(StoreTest, DeadlineWhileParked) {
  auto live =
      make(kForward, [](Store& store, Raw*) { return store.park(sleep(std::chrono::hours(1))); });
  const auto start = steady_clock::now();
  live->store->set_deadline(start + milliseconds(20));
  run(*live, 0);
  const auto took = steady_clock::now() - start;
  EXPECT_GE(took, milliseconds(20));
  EXPECT_LT(took, std::chrono::seconds(20));
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, Fault::Kind::Deadline);
  EXPECT_EQ(fault->to_error().code, ErrorCode::Timeout);
}

Task<> settle_and_say(Store& store, bool& over) {
  co_await store.settle();
  over = true;
}

TEST_F(StoreTest, DeadlineInALoopThatOthersDoNotNotice) {
  auto live = make(
      R"((module (func $spin (export "run") (param i32) (result i32) (loop (br 0)) unreachable)))");
  int turns = 0;
  bool over = false;
  std::function<void()> turn = [&] {
    ++turns;
    if (!over) asio::post(loop, turn);
  };
  asio::post(loop, turn);
  CallBody body;
  body.func = func(*live, "run");
  body.values = {raw(0)};
  live->store->set_deadline(steady_clock::now() + milliseconds(80));
  ASSERT_FALSE(live->store->begin(body));
  run_task(loop, settle_and_say(*live->store, over));
  EXPECT_GE(turns, 2);
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, Fault::Kind::Deadline);
  ASSERT_FALSE(fault->frames.empty());
  EXPECT_TRUE(fault->frames[0].starts_with("spin ")) << fault->frames[0];
}

TEST_F(StoreTest, DeadlineInAStartFunction) {
  auto live = prepare(R"((module (func $start (loop (br 0))) (start $start)))", {});
  live->store->set_deadline(steady_clock::now() + milliseconds(30));
  start(*live);
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, Fault::Kind::Deadline);
}

TEST_F(StoreTest, StartFunctionsMayWait) {
  constexpr std::string_view kWaits = R"((module
    (import "host" "call" (func $host (param i32) (result i32)))
    (global $seen (mut i32) (i32.const 0))
    (func $start (global.set $seen (call $host (i32.const 5))))
    (func (export "run") (param i32) (result i32) (global.get $seen))
    (start $start)))";
  auto live = make(kWaits, [](Store& store, Raw* values) -> Trap* {
    if (auto* trap = store.park(sleep(milliseconds(2)))) return trap;
    values[0].i32 = 55;
    return nullptr;
  });
  EXPECT_EQ(run(*live, 0), 55);

  auto late =
      prepare(kWaits, [](Store& store, Raw*) { return store.park(sleep(std::chrono::hours(1))); });
  late->store->set_deadline(steady_clock::now() + milliseconds(10));
  start(*late);
  const auto fault = late->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, Fault::Kind::Deadline);
}

TEST_F(StoreTest, TrapInAStartFunction) {
  auto live = prepare(R"((module (func $start unreachable) (start $start)))", {});
  start(*live);
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, Fault::Kind::Trap);
  ASSERT_FALSE(fault->frames.empty());
  EXPECT_TRUE(fault->frames[0].starts_with("start ")) << fault->frames[0];
}

// ---- Stacks

constexpr std::string_view kNests = R"((module
  (import "host" "call" (func $host (param i32) (result i32)))
  (func (export "run") (param i32) (result i32) (call $host (i32.add (local.get 0) (i32.const 1))))))";

TEST_F(StoreTest, HostAndGuestThatCallEachOtherEndInATrap) {
  Func back{};
  int deepest = 0;
  auto live = make(kNests, [&](Store& store, Raw* values) -> Trap* {
    deepest = std::max(deepest, values[0].i32);
    return store.call(back, values, 1);
  });
  back = func(*live, "run");
  run(*live, 0);
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, Fault::Kind::Trap);
  EXPECT_NE(fault->reason.find("call stack exhausted"), std::string::npos) << fault->reason;
  EXPECT_GE(deepest, 3);
}

TEST_F(StoreTest, HostAndGuestThatCallEachOtherWithDeepGuestStacksEndInATrap) {
  Func back{};
  // Uses most of a guest's stack before it calls the host.
  auto live = make(R"((module
    (import "host" "call" (func $host (param i32) (result i32)))
    (func $deep (param i32) (result i32)
      (if (result i32) (i32.eqz (local.get 0)) (then (call $host (i32.const 0)))
        (else (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1)))))))
    (func (export "run") (param i32) (result i32) (call $deep (i32.const 8000)))))",
                   [&](Store& store, Raw* values) -> Trap* {
                     // Every level may wait, also the deepest.
                     if (auto* trap = store.park(sleep(milliseconds(0)))) return trap;
                     return store.call(back, values, 1);
                   });
  back = func(*live, "run");
  run(*live, 0);
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_NE(fault->reason.find("call stack exhausted"), std::string::npos) << fault->reason;
}

TEST_F(StoreTest, NestedCallsInAStartFunctionEndInATrap) {
  // The start function calls the host, which calls what the table of an earlier instance holds:
  // itself, in effect.
  Func back{};
  auto live = make(kNests, [&](Store& store, Raw* values) { return store.call(back, values, 1); });
  back = func(*live, "run");
  const auto compiled = Module::compile(engine, wat(R"((module
    (import "host" "call" (func $host (param i32) (result i32)))
    (func $start (drop (call $host (i32.const 0)))) (start $start)))"));
  ASSERT_TRUE(compiled);
  const auto pre = PreparedModule::prepare(linker, *compiled);
  ASSERT_TRUE(pre);
  wasmtime_instance_t second;
  if (!live->store->begin_instantiate(*pre, second)) run_task(loop, live->store->settle());
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_NE(fault->reason.find("call stack exhausted"), std::string::npos) << fault->reason;
}

TEST_F(StoreTest, GuestThatCallsItselfEndsInATrap) {
  auto live = make(R"((module (func $again (export "run") (param i32) (result i32)
    (i32.add (i32.const 1) (call $again (local.get 0))))))");
  run(*live, 0);
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->reason, "wasm trap: call stack exhausted");
}

// ---- Many

TEST_F(StoreTest, ManyStoresParkedAtATime) {
  constexpr int kStores = 300;
  std::vector<std::unique_ptr<Live>> all;
  std::vector<std::unique_ptr<CallBody>> bodies;
  all.push_back(make(R"((module
    (import "host" "call" (func $host (param i32) (result i32)))
    (func (export "run") (param i32) (result i32)
      (call $host (call $host (call $host (local.get 0)))))))"));
  for (int i = 1; i < kStores; ++i) {
    auto live = std::make_unique<Live>();
    live->store = std::make_unique<Store>(fibers, live.get(), StoreLimits{});
    start(*live);
    ASSERT_FALSE(live->store->take_fault());
    all.push_back(std::move(live));
  }
  int parked = 0, most = 0, ended = 0;
  for (int i = 0; i < kStores; ++i) {
    all[i]->host = [&, i](Store& store, Raw* values) -> Trap* {
      const auto value = values[0].i32;
      most = std::max(most, ++parked);
      if (auto* trap = store.park(sleep(milliseconds((i * 7 + value) % 11)))) return trap;
      --parked;
      values[0].i32 = value + 1;
      return nullptr;
    };
    auto& body = *bodies.emplace_back(std::make_unique<CallBody>());
    body.func = func(*all[i], "run");
    body.values = {raw(i * 10)};
    ASSERT_FALSE(all[i]->store->begin(body));
    asio::co_spawn(loop, all[i]->store->settle(), [&](std::exception_ptr e) {
      EXPECT_FALSE(e);
      ++ended;
    });
  }
  loop.restart();
  loop.run();
  EXPECT_EQ(ended, kStores);
  EXPECT_EQ(most, kStores);
  EXPECT_EQ(parked, 0);
  for (int i = 0; i < kStores; ++i) {
    EXPECT_FALSE(all[i]->store->take_fault());
    EXPECT_EQ(bodies[i]->values[0].i32, i * 10 + 3);
  }
}

std::size_t mappings() {
  std::ifstream maps("/proc/self/maps");
  return static_cast<std::size_t>(
      std::count(std::istreambuf_iterator<char>(maps), std::istreambuf_iterator<char>(), '\n'));
}

TEST_F(StoreTest, CancelledParksLeaveNothing) {
  const auto waits = []() -> Task<> {
    Counted here;
    co_await sleep(std::chrono::hours(1));
  };
  auto first = make(kForward);
  std::size_t before = 0;
  for (int i = 0; i < 1000; ++i) {
    if (i == 100) before = mappings();
    Live live;
    live.host = [&](Store& store, Raw*) {
      Counted here;
      return store.park(waits());
    };
    live.store = std::make_unique<Store>(fibers, &live, StoreLimits{});
    start(live);
    CallBody body;
    body.func = func(live, "run");
    body.values = {raw(0)};
    ASSERT_FALSE(live.store->begin(body));
    asio::cancellation_signal signal;
    asio::co_spawn(loop, live.store->settle(),
                   asio::bind_cancellation_slot(signal.slot(), asio::detached));
    loop.restart();
    loop.poll();
    EXPECT_EQ(Counted::live, 2);
    signal.emit(asio::cancellation_type::terminal);
    loop.restart();
    loop.run();
    ASSERT_EQ(Counted::live, 0);
    const auto fault = live.store->take_fault();
    ASSERT_TRUE(fault);
    ASSERT_EQ(fault->kind, Fault::Kind::Cancelled);
  }
  EXPECT_LT(mappings(), before + 50);
}

TEST_F(StoreTest, StoreDroppedWhileParkedUnwindsItsStack) {
  auto live = make(kForward, [](Store& store, Raw*) {
    Counted here;
    Trap* trap = store.park(sleep(std::chrono::hours(1)));
    EXPECT_TRUE(trap);
    return trap;
  });
  CallBody body;
  body.func = func(*live, "run");
  body.values = {raw(0)};
  ASSERT_FALSE(live->store->begin(body));
  EXPECT_EQ(Counted::live, 1);
  live->store.reset();
  EXPECT_EQ(Counted::live, 0);
}

// ---- Limits

TEST_F(StoreTest, MemoryStopsGrowingAtItsLimit) {
  auto live = make(R"((module (memory 1)
    (func (export "run") (param i32) (result i32) (memory.grow (local.get 0)))))",
                   {}, {.memory_bytes = 4 * 65'536});
  EXPECT_EQ(run(*live, 3), 1);
  EXPECT_EQ(run(*live, 1), -1);
  EXPECT_FALSE(live->store->take_fault());
}

TEST_F(StoreTest, MemoryThatIsLargerThanItsLimitFromTheStart) {
  auto live = prepare("(module (memory 5))", {}, {.memory_bytes = 4 * 65'536});
  start(*live);
  const auto fault = live->store->take_fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, Fault::Kind::Limit) << fault->reason;
  EXPECT_EQ(fault->to_error().code, ErrorCode::LimitExceeded);
}

}  // namespace
}  // namespace unbolt::engine
