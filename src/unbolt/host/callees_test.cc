// Calls from one component into another, each in a store of its own: values, faults, limits, ends.
#include "unbolt/host/callees.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <string>

#include <fmt/format.h>

#include "unbolt/component/bind.h"
#include "unbolt/host/testing/linked_world.h"

namespace unbolt::host {
namespace {

using component::Call;
using engine::Fault;
using testing::AllOf;
using testing::HasSubstr;
using Node = LinkedWorld::Node;

// Counts, fails, computes and waits for ever, and calls on where it has someone to call.
std::string worker(std::string_view exported, std::string_view imported = "test:it/base") {
  return fmt::format(R"((component
    (import "test:it/host" (instance $host (export "wait" (func (param "x" u32) (result u32)))))
    (import "{1}" (instance $next (export "next" (func (param "x" u32) (result u32)))))
    (core func $wait (canon lower (func $host "wait")))
    (core func $next (canon lower (func $next "next")))
    (core module $m
      (import "" "wait" (func $wait (param i32) (result i32)))
      (import "" "next" (func $next (param i32) (result i32)))
      (memory (export "memory") 1)
      (global $count (mut i32) (i32.const 0))
      (global $bump (mut i32) (i32.const 1024))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (global.get $bump) (global.set $bump (i32.add (global.get $bump) (local.get 3))))
      (func (export "twice") (param i32) (result i32) (i32.mul (local.get 0) (i32.const 2)))
      (func (export "count") (result i32)
        (global.set $count (i32.add (global.get $count) (i32.const 1))) (global.get $count))
      (func (export "same") (param i32 i32) (result i32)
        (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const 0))
      (func $in_trap (unreachable))
      (func (export "trap") (call $in_trap))
      (func (export "endless") (loop (br 0)))
      (func (export "wait") (param i32) (result i32) (call $wait (local.get 0)))
      (func (export "next") (param i32) (result i32)
        (i32.add (call $next (local.get 0)) (i32.const 1))))
    (core instance $i (instantiate $m (with "" (instance
      (export "wait" (func $wait)) (export "next" (func $next))))))
    (func $twice (param "x" u32) (result u32) (canon lift (core func $i "twice")))
    (func $count (result u32) (canon lift (core func $i "count")))
    (func $same (param "x" string) (result string) (canon lift (core func $i "same")
      (memory (core memory $i "memory")) (realloc (core func $i "realloc"))))
    (func $trap (canon lift (core func $i "trap")))
    (func $endless (canon lift (core func $i "endless")))
    (func $wait2 (param "x" u32) (result u32) (canon lift (core func $i "wait")))
    (func $next2 (param "x" u32) (result u32) (canon lift (core func $i "next")))
    (instance $it (export "twice" (func $twice)) (export "count" (func $count)) (export "same" (func $same))
      (export "trap" (func $trap)) (export "endless" (func $endless)) (export "wait" (func $wait2))
      (export "next" (func $next2)))
    (export "{0}" (instance $it))
    (export "next" (func $next2))))",
                     exported, imported);
}

// Exports at its top what it imports from "test:it/work".
constexpr std::string_view kCaller = R"((component
  (import "test:it/work@1.0.0" (instance $work
    (export "twice" (func (param "x" u32) (result u32)))
    (export "count" (func (result u32)))
    (export "same" (func (param "x" string) (result string)))
    (export "trap" (func)) (export "endless" (func))
    (export "wait" (func (param "x" u32) (result u32)))
    (export "next" (func (param "x" u32) (result u32)))))
  (core module $memory (memory (export "memory") 1)
    (global $bump (mut i32) (i32.const 1024))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $bump) (global.set $bump (i32.add (global.get $bump) (local.get 3)))))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $twice (canon lower (func $work "twice")))
  (core func $count (canon lower (func $work "count")))
  (core func $same (canon lower (func $work "same") (memory $mem) (realloc $realloc)))
  (core func $trap (canon lower (func $work "trap")))
  (core func $endless (canon lower (func $work "endless")))
  (core func $wait (canon lower (func $work "wait")))
  (core func $next (canon lower (func $work "next")))
  (core module $m
    (import "" "count" (func $count (result i32)))
    (import "" "same" (func $same (param i32 i32 i32)))
    (import "" "wait" (func $wait (param i32) (result i32)))
    (func (export "count") (result i32)
      (i32.add (i32.mul (call $count) (i32.const 10)) (call $count)))
    (func (export "same") (param i32 i32) (result i32)
      (call $same (local.get 0) (local.get 1) (i32.const 512)) (i32.const 512))
    (func (export "waits") (result i32) (local $i i32)
      (loop (drop (call $wait (i32.const 0)))
        (local.set $i (i32.add (local.get $i) (i32.const 1)))
        (br_if 0 (i32.lt_u (local.get $i) (i32.const 1000))))
      (local.get $i)))
  (core instance $i (instantiate $m (with "" (instance
    (export "count" (func $count)) (export "same" (func $same)) (export "wait" (func $wait))))))
  (func (export "twice") (param "x" u32) (result u32) (canon lift (core func $twice)))
  (func (export "count") (result u32) (canon lift (core func $i "count")))
  (func (export "same") (param "x" string) (result string)
    (canon lift (core func $i "same") (memory $mem) (realloc $realloc)))
  (func (export "trap") (canon lift (core func $trap)))
  (func (export "endless") (canon lift (core func $endless)))
  (func (export "wait") (param "x" u32) (result u32) (canon lift (core func $wait)))
  (func (export "next") (param "x" u32) (result u32) (canon lift (core func $next)))
  (func (export "waits") (result u32) (canon lift (core func $i "waits")))))";

// Milliseconds that are waited for, and given back.
Reply<std::uint32_t> wait(Call&, std::uint32_t ms) {
  return [](std::uint32_t ms) -> Task<std::uint32_t> {
    Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(ms));
    co_await timer.async_wait(use_task);
    co_return ms;
  }(ms);
}

class CallsBetweenComponents : public testing::Test {
 protected:
  ~CallsBetweenComponents() override {
    EXPECT_EQ(worker_node.live(), worker_node.served.isolation.fresh() ? 0u : 1u);
  }

  struct World : LinkedWorld {
    World() {
      host.add("test:it/host").func<&wait>("wait");
      host.add("test:it/base").func<&wait>("next");
    }
  } world;
  Node& worker_node = world.add("worker", worker("test:it/work@1.2.0"));
  Node& caller = world.add("caller", kCaller, {{"test:it/work", &worker_node}});
};

std::string reason(const Outcome& outcome) { return outcome ? "" : outcome.error().reason; }
Fault::Kind kind(const Outcome& outcome) { return outcome.error().kind; }

TEST_F(CallsBetweenComponents, ValuesGoThereAndBack) {
  EXPECT_EQ(caller.call("twice", "[21]"), "42");
  EXPECT_EQ(caller.call("same", R"(["wörld"])"), R"("wörld")");
  EXPECT_EQ(caller.call("wait", "[1]"), "1");
  EXPECT_EQ(worker_node.live(), 0u);
  EXPECT_EQ(caller.live(), 0u);
}

TEST_F(CallsBetweenComponents, EachCallHasAnInstanceOfItsOwnUnlessTheyAreReused) {
  EXPECT_EQ(caller.call("count"), "11");
  EXPECT_EQ(caller.call("count"), "11");
  worker_node.served.isolation.requests = 1000;
  EXPECT_EQ(caller.call("count"), "12");
  EXPECT_EQ(caller.call("count"), "34");
  EXPECT_EQ(worker_node.live(), 1u);
}

TEST_F(CallsBetweenComponents, ATrapOfTheCalleeIsOneOfTheCaller) {
  const auto outcome = caller.call("trap");
  ASSERT_FALSE(outcome);
  EXPECT_EQ(kind(outcome), Fault::Kind::Trap);
  EXPECT_THAT(reason(outcome),
              AllOf(HasSubstr("component 'worker', called by component 'caller', failed in "
                              "test:it/work@1.0.0#trap: wasm trap"),
                    HasSubstr("unreachable"), HasSubstr("in_trap")));
  EXPECT_EQ(worker_node.live(), 0u);
  EXPECT_EQ(caller.call("twice", "[1]"), "2");
}

TEST_F(CallsBetweenComponents, TheEarlierDeadlineCounts) {
  for (const auto* function : {"endless", "wait"}) {
    const auto arguments = function == std::string_view("wait") ? "[60000]" : "[]";
    worker_node.served.limits.timeout = std::chrono::milliseconds(50);
    caller.served.limits.timeout = std::chrono::seconds(30);
    const auto of_callee = caller.call(function, arguments);
    EXPECT_EQ(kind(of_callee), Fault::Kind::Deadline);
    EXPECT_THAT(reason(of_callee), HasSubstr("component 'worker', called by component 'caller'"));
    worker_node.served.limits.timeout = std::chrono::seconds(30);
    caller.served.limits.timeout = std::chrono::milliseconds(50);
    EXPECT_EQ(kind(caller.call(function, arguments)), Fault::Kind::Deadline);
    EXPECT_EQ(worker_node.live(), 0u);
    EXPECT_EQ(caller.live(), 0u);
  }
}

TEST_F(CallsBetweenComponents, WhoCancelsTheCallerCancelsTheCallee) {
  for (const auto* function : {"endless", "wait"}) {
    const auto arguments = function == std::string_view("wait") ? "[60000]" : "[]";
    asio::cancellation_signal stop;
    std::optional<Outcome> outcome;
    asio::co_spawn(world.loop, caller.begin(function, arguments),
                   asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr, Outcome o) {
                     outcome.emplace(std::move(o));
                   }));
    Timer timer(world.loop.get_executor(), std::chrono::milliseconds(30));
    timer.async_wait([&](auto) {
      EXPECT_EQ(worker_node.live(), 1u);
      stop.emit(asio::cancellation_type::terminal);
    });
    world.loop.restart();
    world.loop.run();
    ASSERT_TRUE(outcome);
    EXPECT_EQ(kind(*outcome), Fault::Kind::Cancelled) << reason(*outcome);
    EXPECT_EQ(worker_node.live(), 0u);
    EXPECT_EQ(caller.live(), 0u);
  }
}

TEST_F(CallsBetweenComponents, TheCalleesLimitsAreItsOwn) {
  worker_node.served.limits.instances = 1;
  const auto held = worker_node.lease();
  const auto refused = caller.call("twice", "[1]");
  EXPECT_EQ(kind(refused), Fault::Kind::Limit);
  EXPECT_THAT(reason(refused), HasSubstr("component 'worker', called by component 'caller', failed "
                                         "in being started: 1 instances are live"));
}

TEST_F(CallsBetweenComponents, OneThatIsLinkedNowhere) {
  Node& stray = world.add("stray", kCaller, {{"test:it/work", &worker_node}});
  stray.sources = {};
  EXPECT_THAT(reason(stray.call("twice", "[1]")), HasSubstr("has no link 'worker' here"));
}

TEST_F(CallsBetweenComponents, ManyAtATime) {
  constexpr int kCalls = 1000;
  caller.served.limits.instances = worker_node.served.limits.instances = kCalls;
  int right = 0;
  std::size_t most = 0;
  for (int i = 0; i < kCalls; ++i) {
    asio::co_spawn(world.loop, caller.begin("wait", "[20]"),
                   [&](std::exception_ptr, const Outcome& outcome) {
                     most = std::max(most, worker_node.live());
                     right += outcome && *outcome == "20";
                   });
  }
  world.loop.restart();
  world.loop.run();
  EXPECT_EQ(right, kCalls);
  EXPECT_GT(most, 1u);
  EXPECT_EQ(worker_node.live(), 0u);
}

TEST_F(CallsBetweenComponents, OneAfterAnotherFromOneCall) {
  EXPECT_EQ(caller.call("waits"), "1000");
}

TEST_F(CallsBetweenComponents, AsDeepAsTheyMayBe) {
  Node* last = &worker_node;
  std::string below = "test:it/work@1.0.0";
  for (unsigned depth = 1; depth <= kMaxCallDepth + 1; ++depth) {
    const auto interface = fmt::format("test:it/level{}", depth);
    last = &world.add(fmt::format("level-{}", depth), worker(interface, below), {{below, last}});
    below = interface;
    const auto outcome = last->call("next", "[5]");
    if (depth <= kMaxCallDepth) {
      EXPECT_EQ(outcome, std::to_string(5 + depth + 1));
    } else {
      EXPECT_EQ(kind(outcome), Fault::Kind::Limit);
      EXPECT_THAT(reason(outcome),
                  HasSubstr("component 'level-1' cannot call component 'worker': calls between "
                            "components are nested 16 deep"));
    }
  }
}

// Leads to one component, and later to another.
class SwitchingSource final : public ComponentSource {
 public:
  explicit SwitchingSource(ComponentSource& first) : current_(&first) {}
  void publish(ComponentSource& next) { current_ = &next; }
  std::string_view name() const override { return current_->name(); }
  Task<Leased> lease(LeaseTerms terms) override { return current_->lease(terms); }

 private:
  ComponentSource* current_;
};

TEST_F(CallsBetweenComponents, ARevisionTakesTheirPlaceBetweenTwoCalls) {
  SwitchingSource source(worker_node.source);
  caller.sources = {};
  caller.sources.set("worker", source);
  EXPECT_EQ(caller.call("next", "[5]"), "6");
  Node& second = world.add("second", worker("test:it/work@1.0.0", "test:it/below"),
                           {{"test:it/below", &world.add("below", worker("test:it/below"))}});
  source.publish(second.source);
  EXPECT_EQ(caller.call("next", "[5]"), "7");
  Node& other = world.add("other", worker("test:it/other"));
  source.publish(other.source);
  const auto outcome = caller.call("next", "[5]");
  EXPECT_EQ(kind(outcome), Fault::Kind::Trap);
  EXPECT_THAT(reason(outcome),
              HasSubstr("another revision took its place: component 'other' does not meet what is "
                        "imported:\n  test:it/work@1.0.0: component 'other' does not export it"));
  source.publish(worker_node.source);
  EXPECT_EQ(caller.call("next", "[5]"), "6");
  EXPECT_EQ(second.live(), 0u);
  EXPECT_EQ(other.live(), 0u);
}

TEST_F(CallsBetweenComponents, ACycleEnds) {
  Node& cycle = world.add("cycle", worker("test:it/work@1.0.0", "test:it/work@1.0.0"),
                          {{"test:it/work@1.0.0", &worker_node}});
  cycle.sources = {};
  cycle.sources.set("worker", cycle.source);
  const auto outcome = cycle.call("next", "[5]");
  EXPECT_EQ(kind(outcome), Fault::Kind::Limit);
  EXPECT_THAT(reason(outcome), HasSubstr("do their links form a cycle?"));
  EXPECT_EQ(cycle.live(), 0u);
}

}  // namespace
}  // namespace unbolt::host
