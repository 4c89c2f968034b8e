// Resources of one component in the hands of another, each in a store of its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <string>
#include <vector>

#include <fmt/format.h>

#include "unbolt/component/bind.h"
#include "unbolt/host/callees.h"
#include "unbolt/host/testing/linked_world.h"

namespace unbolt::host {
namespace {

using component::Call;
using engine::Fault;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;
using Node = LinkedWorld::Node;

// Things are numbers. Their destructor tells the host the number, waits for a moment with those
// from 100 on, traps with 666 and never ends with 777.
constexpr std::string_view kMaker = R"((component
  (import "test:it/host" (instance $host
    (export "note" (func (param "x" u32)))
    (export "wait" (func (param "x" u32) (result u32)))))
  (core func $note (canon lower (func $host "note")))
  (core func $wait (canon lower (func $host "wait")))
  (core module $dtor_module
    (import "" "note" (func $note (param i32)))
    (import "" "wait" (func $wait (param i32) (result i32)))
    (func (export "dtor") (param i32)
      (if (i32.eq (local.get 0) (i32.const 666)) (then (unreachable)))
      (if (i32.eq (local.get 0) (i32.const 777)) (then (loop (br 0))))
      (if (i32.ge_u (local.get 0) (i32.const 100)) (then (drop (call $wait (i32.const 1)))))
      (call $note (local.get 0))))
  (core instance $dtor (instantiate $dtor_module (with "" (instance
    (export "note" (func $note)) (export "wait" (func $wait))))))
  (type $r (resource (rep i32) (dtor (core func $dtor "dtor"))))
  (core func $new (canon resource.new $r))
  (core func $rep (canon resource.rep $r))
  (core func $drop (canon resource.drop $r))
  (core module $m
    (import "" "new" (func $new (param i32) (result i32)))
    (import "" "rep" (func $rep (param i32) (result i32)))
    (import "" "drop" (func $drop (param i32)))
    (import "" "wait" (func $wait (param i32) (result i32)))
    (memory (export "memory") 1)
    (global $bump (mut i32) (i32.const 1024))
    (global $made (mut i32) (i32.const 0))
    (global $kept (mut i32) (i32.const 0))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $bump)
      (global.set $bump (i32.and (i32.const -8)
        (i32.add (i32.const 7) (i32.add (global.get $bump) (local.get 3))))))
    (func (export "make") (param i32) (result i32)
      (global.set $made (i32.add (global.get $made) (i32.const 1)))
      (call $new (local.get 0)))
    (func (export "made") (result i32) (global.get $made))
    (func (export "get") (param i32) (result i32) (local.get 0))
    (func (export "later") (param i32) (result i32)
      (drop (call $wait (i32.const 1))) (local.get 0))
    (func (export "take") (param i32) (result i32) (local $n i32)
      (local.set $n (call $rep (local.get 0))) (call $drop (local.get 0)) (local.get $n))
    (func (export "join") (param i32 i32) (result i32) (local $n i32)
      (local.set $n (i32.add (call $rep (local.get 0)) (call $rep (local.get 1))))
      (call $drop (local.get 0)) (call $drop (local.get 1)) (call $new (local.get $n)))
    (func (export "both") (param i32 i32) (result i32)
      (i32.add (local.get 0) (call $rep (local.get 1))) (call $drop (local.get 1)))
    (func (export "keep") (param i32) (global.set $kept (local.get 0)))
    (func (export "give-back") (result i32) (global.get $kept))
    (func (export "sum") (param $at i32) (param $n i32) (result i32) (local $sum i32)
      (block (loop
        (br_if 1 (i32.eqz (local.get $n)))
        (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
        (local.set $at (i32.add (local.get $at) (i32.const 4)))
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br 0)))
      (local.get $sum))
    ;; A record with a list of them, an option of one, and a result: as it came.
    (func (export "nest") (param i32) (result i32) (local.get 0))
    (func (export "trap") (unreachable)))
  (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))
    (export "rep" (func $rep)) (export "drop" (func $drop)) (export "wait" (func $wait))))))
  (alias core export $i "memory" (core memory $mem))
  (alias core export $i "realloc" (core func $realloc))
  (type $n' (tuple (list (own $r)) (option (own $r)) (result (own $r) (error string))
    u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64))
  (func $make (param "n" u32) (result (own $r)) (canon lift (core func $i "make")))
  (func $made (result u32) (canon lift (core func $i "made")))
  (func $get (param "self" (borrow $r)) (result u32) (canon lift (core func $i "get")))
  (func $later (param "self" (borrow $r)) (result u32) (canon lift (core func $i "later")))
  (func $take (param "t" (own $r)) (result u32) (canon lift (core func $i "take")))
  (func $join (param "a" (own $r)) (param "b" (own $r)) (result (own $r)) (canon lift (core func $i "join")))
  (func $both (param "a" (borrow $r)) (param "b" (own $r)) (result u32) (canon lift (core func $i "both")))
  (func $keep (param "t" (own $r)) (canon lift (core func $i "keep")))
  (func $give (result (own $r)) (canon lift (core func $i "give-back")))
  (func $sum (param "t" (list (borrow $r))) (result u32)
    (canon lift (core func $i "sum") (memory $mem) (realloc $realloc)))
  (func $nest (param "n" $n') (result $n')
    (canon lift (core func $i "nest") (memory $mem) (realloc $realloc)))
  (func $trap (canon lift (core func $i "trap")))
  (component $things
    (import "thing" (type $r (sub resource)))
    (import "make" (func $make (param "n" u32) (result (own $r))))
    (import "get" (func $get (param "self" (borrow $r)) (result u32)))
    (import "later" (func $later (param "self" (borrow $r)) (result u32)))
    (import "take" (func $take (param "t" (own $r)) (result u32)))
    (import "join" (func $join (param "a" (own $r)) (param "b" (own $r)) (result (own $r))))
    (import "both" (func $both (param "a" (borrow $r)) (param "b" (own $r)) (result u32)))
    (import "keep" (func $keep (param "t" (own $r))))
    (import "give" (func $give (result (own $r))))
    (import "sum" (func $sum (param "t" (list (borrow $r))) (result u32)))
    (type $n' (tuple (list (own $r)) (option (own $r)) (result (own $r) (error string))
      u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64))
    (import "nest" (func $nest (param "n" $n') (result $n')))
    (export $t "thing" (type $r))
    (export "[constructor]thing" (func $make) (func (param "n" u32) (result (own $t))))
    (export "[method]thing.get" (func $get) (func (param "self" (borrow $t)) (result u32)))
    (export "[method]thing.later" (func $later) (func (param "self" (borrow $t)) (result u32)))
    (export "[static]thing.join" (func $join)
      (func (param "a" (own $t)) (param "b" (own $t)) (result (own $t))))
    (export "take" (func $take) (func (param "t" (own $t)) (result u32)))
    (export "both" (func $both) (func (param "a" (borrow $t)) (param "b" (own $t)) (result u32)))
    (export "keep" (func $keep) (func (param "t" (own $t))))
    (export "give-back" (func $give) (func (result (own $t))))
    (export "sum" (func $sum) (func (param "t" (list (borrow $t))) (result u32)))
    (type $n (tuple (list (own $t)) (option (own $t)) (result (own $t) (error string))
      u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64))
    (export "nest" (func $nest) (func (param "n" $n) (result $n))))
  (instance $things (instantiate $things (with "thing" (type $r)) (with "make" (func $make))
    (with "get" (func $get)) (with "later" (func $later)) (with "take" (func $take))
    (with "join" (func $join)) (with "both" (func $both)) (with "keep" (func $keep))
    (with "give" (func $give)) (with "sum" (func $sum)) (with "nest" (func $nest))))
  (export $exported "test:it/things@1.0.0" (instance $things))
  ;; Another interface that uses the same resource, under another name.
  (component $more
    (import "thing" (type $r (sub resource)))
    (import "get" (func $get (param "self" (borrow $r)) (result u32)))
    (import "made" (func $made (result u32)))
    (import "trap" (func $trap))
    (export $t "item" (type $r))
    (export "peek" (func $get) (func (param "self" (borrow $t)) (result u32)))
    (export "made" (func $made))
    (export "trap" (func $trap)))
  (alias export $exported "thing" (type $thing))
  (instance $more (instantiate $more (with "thing" (type $thing)) (with "get" (func $get))
    (with "made" (func $made)) (with "trap" (func $trap))))
  (export "test:it/more@1.0.0" (instance $more))))";

// `run` is the body of `run: func(x: u32) -> u32`, with the locals $a and $b. What it can call
// stands in $things; lists and tuples lie where it wants them, results of `nest` at 2048.
std::string user(std::string_view run, std::string_view rest = "") {
  return fmt::format(R"((component
  (import "test:it/things@1.0.0" (instance $things
    (export "thing" (type $thing (sub resource)))
    (type $n (tuple (list (own $thing)) (option (own $thing)) (result (own $thing) (error string))
      u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64 u64))
    (export "[constructor]thing" (func (param "n" u32) (result (own $thing))))
    (export "[method]thing.get" (func (param "self" (borrow $thing)) (result u32)))
    (export "[method]thing.later" (func (param "self" (borrow $thing)) (result u32)))
    (export "[static]thing.join" (func (param "a" (own $thing)) (param "b" (own $thing)) (result (own $thing))))
    (export "take" (func (param "t" (own $thing)) (result u32)))
    (export "both" (func (param "a" (borrow $thing)) (param "b" (own $thing)) (result u32)))
    (export "keep" (func (param "t" (own $thing))))
    (export "give-back" (func (result (own $thing))))
    (export "sum" (func (param "t" (list (borrow $thing))) (result u32)))
    (export "nest" (func (param "n" $n) (result $n)))))
  (alias export $things "thing" (type $thing))
  (import "test:it/more@1.0.0" (instance $more
    (alias outer 1 $thing (type $outer))
    (export "item" (type $item (eq $outer)))
    (export "peek" (func (param "self" (borrow $item)) (result u32)))
    (export "made" (func (result u32)))
    (export "trap" (func))))
  (core module $memory (memory (export "memory") 1)
    (global $bump (mut i32) (i32.const 4096))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32)
      (global.get $bump)
      (global.set $bump (i32.and (i32.const -8)
        (i32.add (i32.const 7) (i32.add (global.get $bump) (local.get 3)))))))
  (core instance $memory (instantiate $memory))
  (alias core export $memory "memory" (core memory $mem))
  (alias core export $memory "realloc" (core func $realloc))
  (core func $make (canon lower (func $things "[constructor]thing")))
  (core func $get (canon lower (func $things "[method]thing.get")))
  (core func $later (canon lower (func $things "[method]thing.later")))
  (core func $join (canon lower (func $things "[static]thing.join")))
  (core func $take (canon lower (func $things "take")))
  (core func $both (canon lower (func $things "both")))
  (core func $keep (canon lower (func $things "keep")))
  (core func $give (canon lower (func $things "give-back")))
  (core func $sum (canon lower (func $things "sum") (memory $mem)))
  (core func $nest (canon lower (func $things "nest") (memory $mem) (realloc $realloc)))
  (core func $peek (canon lower (func $more "peek")))
  (core func $made (canon lower (func $more "made")))
  (core func $trap (canon lower (func $more "trap")))
  (core func $drop (canon resource.drop $thing))
  (core module $m
    (import "" "memory" (memory 1))
    (import "" "make" (func $make (param i32) (result i32)))
    (import "" "get" (func $get (param i32) (result i32)))
    (import "" "later" (func $later (param i32) (result i32)))
    (import "" "join" (func $join (param i32 i32) (result i32)))
    (import "" "take" (func $take (param i32) (result i32)))
    (import "" "both" (func $both (param i32 i32) (result i32)))
    (import "" "keep" (func $keep (param i32)))
    (import "" "give" (func $give (result i32)))
    (import "" "sum" (func $sum (param i32 i32) (result i32)))
    (import "" "nest" (func $nest (param i32 i32)))
    (import "" "peek" (func $peek (param i32) (result i32)))
    (import "" "made" (func $made (result i32)))
    (import "" "trap" (func $trap))
    (import "" "drop" (func $drop (param i32)))
    (global $held (mut i32) (i32.const 0))
    (func (export "hold") (param i32) (global.set $held (call $make (local.get 0))))
    (func (export "held") (result i32) (call $get (global.get $held)))
    (func (export "let-go") (call $drop (global.get $held)))
    (func (export "run") (param $x i32) (result i32) (local $a i32) (local $b i32) {} {}))
  (core instance $i (instantiate $m (with "" (instance
    (export "memory" (memory $mem)) (export "make" (func $make)) (export "get" (func $get))
    (export "later" (func $later)) (export "join" (func $join)) (export "take" (func $take))
    (export "both" (func $both)) (export "keep" (func $keep)) (export "give" (func $give))
    (export "sum" (func $sum)) (export "nest" (func $nest)) (export "peek" (func $peek))
    (export "made" (func $made)) (export "trap" (func $trap)) (export "drop" (func $drop))))))
  (func (export "run") (param "x" u32) (result u32) (canon lift (core func $i "run")))
  (func (export "hold") (param "x" u32) (canon lift (core func $i "hold")))
  (func (export "held") (result u32) (canon lift (core func $i "held")))
  (func (export "let-go") (canon lift (core func $i "let-go")))))",
                     run, rest);
}

struct Notes {
  static inline std::vector<std::uint32_t> dropped;
};
void note(Call&, std::uint32_t x) { Notes::dropped.push_back(x); }
Reply<std::uint32_t> wait(Call&, std::uint32_t ms) {
  return [](std::uint32_t ms) -> Task<std::uint32_t> {
    Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(ms));
    co_await timer.async_wait(use_task);
    co_return ms;
  }(ms);
}

class ResourcesBetweenComponents : public testing::Test {
 protected:
  struct World : LinkedWorld {
    World() { host.add("test:it/host").func<&note>("note").func<&wait>("wait"); }
  };
  ResourcesBetweenComponents() { Notes::dropped.clear(); }

  Node& add(std::string_view run) { return world.add("user", user(run), {{"test:it", &maker}}); }
  // What `run` answers, or why it failed; nothing is left of either component then.
  std::string outcome(std::string_view run, std::string_view x = "[0]") {
    Node& node = add(run);
    const Outcome got = node.call("run", x);
    EXPECT_EQ(node.live(), 0u);
    EXPECT_EQ(maker.live(), 0u);
    failure = got ? Fault::Kind::Internal : got.error().kind;
    return got ? *got : got.error().reason;
  }

  World world;
  Node& maker = world.add("maker", kMaker);
  Fault::Kind failure{};
};

TEST_F(ResourcesBetweenComponents, AreMadeUsedAndDropped) {
  EXPECT_EQ(outcome(R"(
    (local.set $a (call $make (i32.const 7)))
    (local.set $b (call $get (local.get $a)))
    (call $drop (local.get $a))
    (local.get $b))"),
            "7");
  EXPECT_THAT(Notes::dropped, ElementsAre(7));
}

TEST_F(ResourcesBetweenComponents, KeepOneInstanceAsLongAsTheyAreHeld) {
  // 1: the first and the second call meet the same instance; after the drop a fresh one.
  EXPECT_EQ(outcome(R"(
    (local.set $a (call $make (i32.const 7)))
    (local.set $b (i32.mul (i32.const 100) (call $made)))
    (drop (call $make (i32.const 8)))
    (local.set $b (i32.add (local.get $b) (i32.mul (i32.const 10) (call $made))))
    (call $drop (local.get $a))
    (i32.add (local.get $b) (call $made)))"),
            "122");
  EXPECT_EQ(outcome(R"(
    (local.set $a (call $make (i32.const 7)))
    (local.set $b (i32.mul (i32.const 10) (call $made)))
    (call $drop (local.get $a))
    (i32.add (local.get $b) (call $made)))"),
            "10");
}

TEST_F(ResourcesBetweenComponents, ChangeHands) {
  EXPECT_EQ(outcome(R"((call $take (call $make (i32.const 9))))"), "9");
  EXPECT_THAT(Notes::dropped, ElementsAre(9));
  EXPECT_EQ(outcome(R"(
    (local.set $a (call $join (call $make (i32.const 1)) (call $make (i32.const 2))))
    (call $later (local.get $a)) (call $drop (local.get $a)))"),
            "3");
  EXPECT_THAT(Notes::dropped, ElementsAre(9, 1, 2, 3));
  EXPECT_EQ(outcome(R"(
    (local.set $a (call $make (i32.const 5)))
    (call $both (local.get $a) (call $make (i32.const 6))))"),
            "11");
  EXPECT_EQ(outcome(R"(
    (local.set $b (call $make (i32.const 1)))
    (call $keep (call $make (i32.const 8)))
    (call $take (call $give)))"),
            "8");
}

TEST_F(ResourcesBetweenComponents, AreOneInTwoInterfaces) {
  EXPECT_EQ(outcome(R"((local.set $a (call $make (i32.const 4))) (call $peek (local.get $a)))"),
            "4");
}

TEST_F(ResourcesBetweenComponents, LieInListsOptionsAndResults) {
  EXPECT_EQ(outcome(R"(
    (i32.store (i32.const 64) (call $make (i32.const 1)))
    (i32.store (i32.const 68) (call $make (i32.const 2)))
    (i32.store (i32.const 72) (i32.load (i32.const 64)))
    (call $sum (i32.const 64) (i32.const 3)))"),
            "4");
  // A list of two, some, ok: the tuple at 128, its parts at 0, 8, 16 and from 32 on.
  constexpr std::string_view kNest = R"(
    (i32.store (i32.const 64) (call $make (i32.const 1)))
    (i32.store (i32.const 68) (call $make (i32.const 2)))
    (i32.store (i32.const 128) (i32.const 64)) (i32.store (i32.const 132) (i32.const 2))
    (i32.store8 (i32.const 136) (i32.const 1)) (i32.store (i32.const 140) (call $make (i32.const 3)))
    (i32.store8 (i32.const 144) (i32.const 0)) (i32.store (i32.const 148) (call $make (i32.const 4)))
    (call $nest (i32.const 128) (i32.const 2048)))";
  EXPECT_EQ(outcome(fmt::format(R"({}
    (local.set $a (i32.load (i32.const 2048)))
    (local.set $b (i32.mul (i32.const 10) (i32.load (i32.const 2052))))
    (local.set $b (i32.add (local.get $b) (call $get (i32.load (local.get $a)))))
    (local.set $b (i32.add (local.get $b) (call $take (i32.load offset=4 (local.get $a)))))
    (local.set $b (i32.add (local.get $b) (call $get (i32.load (i32.const 2060)))))
    (i32.add (local.get $b) (call $get (i32.load (i32.const 2068)))))",
                                kNest)),
            "30");
  // What was handed over is no longer the caller's.
  EXPECT_THAT(
      outcome(fmt::format("{} (call $get (i32.const 2)) (drop) (call $get (i32.const 9))", kNest)),
      HasSubstr("unknown handle index 9"));
}

TEST_F(ResourcesBetweenComponents, OutliveTheCallsOfTheirHolder) {
  Node& node = add("(i32.const 0)");
  {
    const auto live = node.lease();
    EXPECT_EQ(live->callees().kept(), 0u);
    EXPECT_EQ(node.call_in(*live, "hold", "[5]"), "");
    EXPECT_EQ(live->callees().kept(), 1u);
    EXPECT_EQ(maker.live(), 1u);
    EXPECT_EQ(node.call_in(*live, "held"), "5");
    EXPECT_EQ(node.call_in(*live, "let-go"), "");
    EXPECT_EQ(live->callees().kept(), 0u);
    EXPECT_EQ(maker.live(), 0u);
    EXPECT_THAT(Notes::dropped, ElementsAre(5));
    EXPECT_EQ(node.call_in(*live, "hold", "[6]"), "");
  }
  // Its holder is gone, so is the instance; nobody was there to run the destructor.
  EXPECT_EQ(maker.live(), 0u);
  EXPECT_THAT(Notes::dropped, ElementsAre(5));
}

TEST_F(ResourcesBetweenComponents, HoldersKnowNothingOfOneAnother) {
  Node& node = add("(i32.const 0)");
  const auto first = node.lease(), second = node.lease();
  EXPECT_EQ(node.call_in(*first, "hold", "[5]"), "");
  EXPECT_EQ(node.call_in(*second, "hold", "[6]"), "");
  EXPECT_EQ(maker.live(), 2u);
  EXPECT_EQ(node.call_in(*first, "held"), "5");
  EXPECT_EQ(node.call_in(*second, "held"), "6");
}

TEST_F(ResourcesBetweenComponents, AreUnknownOnceTheyAreGone) {
  const auto kUnknown = HasSubstr("unknown handle index ");
  constexpr std::string_view kMake = "(local.set $a (call $make (i32.const 7)))";
  EXPECT_THAT(outcome("(call $get (i32.const 0))"), kUnknown);
  EXPECT_THAT(outcome("(call $get (i32.const 7))"), kUnknown);
  EXPECT_THAT(outcome("(call $take (i32.const -1))"), kUnknown);
  for (const auto* use : {"get", "later", "take", "peek"}) {
    EXPECT_THAT(outcome(fmt::format("{} (call $drop (local.get $a)) (call ${} (local.get $a))",
                                    kMake, use)),
                kUnknown);
    EXPECT_THAT(outcome(fmt::format(
                    "{} (drop (call $take (local.get $a))) (call ${} (local.get $a))", kMake, use)),
                kUnknown);
  }
  EXPECT_THAT(outcome(fmt::format("{} (call $both (local.get $a) (local.get $a))", kMake)),
              HasSubstr("cannot remove owned resource while borrowed"));
  EXPECT_EQ(failure, Fault::Kind::Trap);
}

TEST_F(ResourcesBetweenComponents, DestructorsMayWaitFailAndNeverEnd) {
  EXPECT_EQ(outcome("(call $drop (call $make (local.get $x))) (i32.const 1)", "[100]"), "1");
  EXPECT_THAT(Notes::dropped, ElementsAre(100));
  EXPECT_THAT(
      outcome("(call $drop (call $make (local.get $x))) (i32.const 1)", "[666]"),
      StartsWith("component 'maker', called by component 'user', failed in dropping a thing: "
                 "wasm trap"));
  EXPECT_EQ(failure, Fault::Kind::Trap);
  maker.served.limits.timeout = std::chrono::milliseconds(40);
  EXPECT_THAT(outcome("(call $drop (call $make (local.get $x))) (i32.const 1)", "[777]"),
              HasSubstr("dropping a thing: deadline exceeded"));
  EXPECT_EQ(failure, Fault::Kind::Deadline);
}

TEST_F(ResourcesBetweenComponents, ATrapTakesEverythingAway) {
  EXPECT_THAT(outcome("(drop (call $make (i32.const 3))) (call $trap) (i32.const 0)"),
              HasSubstr("test:it/more@1.0.0#trap"));
  EXPECT_THAT(outcome("(drop (call $make (i32.const 3))) (unreachable)"), HasSubstr("unreachable"));
  EXPECT_THAT(Notes::dropped, ElementsAre());
}

TEST_F(ResourcesBetweenComponents, HolderThatIsReusedKeepsThem) {
  Node& node = add("(i32.const 0)");
  node.served.isolation.requests = 10;
  EXPECT_EQ(node.call("hold", "[5]"), "");
  EXPECT_EQ(maker.live(), 1u);
  EXPECT_EQ(node.call("held"), "5");
  EXPECT_EQ(node.call("let-go"), "");
  EXPECT_EQ(maker.live(), 0u);
}

TEST_F(ResourcesBetweenComponents, StayWithTheRevisionThatMadeThem) {
  struct Switching final : ComponentSource {
    ComponentSource* current = nullptr;
    std::string_view name() const override { return current->name(); }
    Task<Leased> lease(LeaseTerms terms) override { return current->lease(terms); }
  } source;
  source.current = &maker.source;
  Node& next = world.add("next", kMaker);
  Node& node = add("(i32.const 0)");
  node.sources = {};
  node.sources.set("maker", source);
  const auto live = node.lease();
  EXPECT_EQ(node.call_in(*live, "hold", "[5]"), "");
  source.current = &next.source;
  EXPECT_EQ(node.call_in(*live, "held"), "5");
  EXPECT_EQ(maker.live(), 1u);
  EXPECT_EQ(next.live(), 0u);
  EXPECT_EQ(node.call_in(*live, "let-go"), "");
  EXPECT_EQ(maker.live(), 0u);
  EXPECT_EQ(node.call_in(*live, "hold", "[6]"), "");
  EXPECT_EQ(next.live(), 1u);
}

TEST_F(ResourcesBetweenComponents, CancelledWhileOneIsDropped) {
  Node& node = add("(call $drop (call $make (i32.const 777))) (i32.const 1)");
  asio::cancellation_signal stop;
  std::optional<Outcome> got;
  asio::co_spawn(world.loop, node.begin("run", "[0]"),
                 asio::bind_cancellation_slot(stop.slot(), [&](std::exception_ptr, Outcome o) {
                   got.emplace(std::move(o));
                 }));
  Timer timer(world.loop.get_executor(), std::chrono::milliseconds(30));
  timer.async_wait([&](auto) { stop.emit(asio::cancellation_type::terminal); });
  world.loop.restart();
  world.loop.run();
  ASSERT_TRUE(got && !*got);
  EXPECT_EQ(got->error().kind, Fault::Kind::Cancelled) << got->error().reason;
  EXPECT_EQ(maker.live(), 0u);
}

TEST_F(ResourcesBetweenComponents, ManyHoldersAtATime) {
  Node& node = add(R"(
    (local.set $a (call $make (local.get $x)))
    (call $later (local.get $a)) (call $drop (local.get $a)))");
  node.served.limits.instances = maker.served.limits.instances = 1000;
  int right = 0;
  for (int i = 0; i < 1000; ++i) {
    asio::co_spawn(world.loop, node.begin("run", fmt::format("[{}]", i % 100)),
                   [&, i](std::exception_ptr, const Outcome& outcome) {
                     right += outcome && *outcome == std::to_string(i % 100);
                   });
  }
  world.loop.restart();
  world.loop.run();
  EXPECT_EQ(right, 1000);
  EXPECT_EQ(Notes::dropped.size(), 1000u);
  EXPECT_EQ(maker.live(), 0u);
  EXPECT_EQ(node.live(), 0u);
}

}  // namespace
}  // namespace unbolt::host
