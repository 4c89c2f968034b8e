// Handles (CanonicalABI.md, "Resource State"): the host's resources in a guest, and a guest's in
// another.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include <fmt/format.h>

#include "unbolt/component/testing/guest.h"

namespace unbolt::component {
namespace {

struct Thing {
  static inline int live = 0;
  explicit Thing(std::uint32_t n) : number(n) { ++live; }
  ~Thing() { --live; }
  Thing(const Thing&) = delete;
  std::uint32_t number;
};
struct Other {};

Own<Thing> make(Call&, std::uint32_t n) { return std::make_unique<Thing>(n); }
Own<Other> make_other(Call&) { return std::make_unique<Other>(); }
std::uint32_t look(Call&, Borrow<Thing> thing) { return thing->number; }
std::uint32_t take(Call&, Own<Thing> thing) { return thing->number; }
std::uint32_t both(Call&, Borrow<Thing> a, Own<Thing> b) { return a->number + b->number; }
std::uint32_t twice(Call&, Borrow<Thing> a, Borrow<Thing> b) { return a->number + b->number; }
Reply<std::uint32_t> look_later(Call&, Borrow<Thing> thing) {
  return [](Thing* object) -> Task<std::uint32_t> {
    Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(1));
    co_await timer.async_wait(use_task);
    co_return object->number;
  }(thing.object);
}

class HostResources : public testing::Test {
 protected:
  HostResources() {
    host.interfaces.add("test:r/host")
        .resource<Thing>("thing")
        .resource<Other>("other")
        .func<&make>("make")
        .func<&make_other>("make-other")
        .func<&look>("look")
        .func<&take>("take")
        .func<&both>("both")
        .func<&twice>("twice")
        .func<&look_later>("look-later");
  }
  // `run` is the body of `run: func() -> u32`, with the locals $a and $b.
  std::string text(std::string_view run) {
    return fmt::format(R"((component
      (import "test:r/host" (instance $host
        (export "thing" (type $thing (sub resource)))
        (export "other" (type $other (sub resource)))
        (export "make" (func (param "n" u32) (result (own $thing))))
        (export "make-other" (func (result (own $other))))
        (export "look" (func (param "t" (borrow $thing)) (result u32)))
        (export "look-later" (func (param "t" (borrow $thing)) (result u32)))
        (export "take" (func (param "t" (own $thing)) (result u32)))
        (export "both" (func (param "a" (borrow $thing)) (param "b" (own $thing)) (result u32)))
        (export "twice" (func (param "a" (borrow $thing)) (param "b" (borrow $thing)) (result u32)))))
      (alias export $host "thing" (type $thing))
      (alias export $host "other" (type $other))
      (core func $make (canon lower (func $host "make")))
      (core func $make_other (canon lower (func $host "make-other")))
      (core func $look (canon lower (func $host "look")))
      (core func $look_later (canon lower (func $host "look-later")))
      (core func $take (canon lower (func $host "take")))
      (core func $both (canon lower (func $host "both")))
      (core func $twice (canon lower (func $host "twice")))
      (core func $drop (canon resource.drop $thing))
      (core func $drop_other (canon resource.drop $other))
      (core module $main_module
        (import "h" "make" (func $make (param i32) (result i32)))
        (import "h" "make-other" (func $make_other (result i32)))
        (import "h" "look" (func $look (param i32) (result i32)))
        (import "h" "look-later" (func $look_later (param i32) (result i32)))
        (import "h" "take" (func $take (param i32) (result i32)))
        (import "h" "both" (func $both (param i32 i32) (result i32)))
        (import "h" "twice" (func $twice (param i32 i32) (result i32)))
        (import "h" "drop" (func $drop (param i32)))
        (import "h" "drop-other" (func $drop_other (param i32)))
        (func (export "run") (result i32) (local $a i32) (local $b i32) {}))
      (core instance $main (instantiate $main_module (with "h" (instance
        (export "make" (func $make)) (export "make-other" (func $make_other)) (export "look" (func $look))
        (export "look-later" (func $look_later)) (export "take" (func $take)) (export "both" (func $both))
        (export "twice" (func $twice)) (export "drop" (func $drop)) (export "drop-other" (func $drop_other))))))
      (func (export "run") (result u32) (canon lift (core func $main "run")))))",
                       run);
  }
  std::string outcome(std::string_view run) {
    std::string answer;
    {
      Guest guest(host, text(run));
      const auto ran = guest.call<std::uint32_t>("run");
      answer = ran ? std::to_string(*ran) : ran.error().reason;
      live_handles = guest.instance().live_handles();
    }
    EXPECT_EQ(Thing::live, 0);  // whatever the guest kept is gone with it
    return answer;
  }
  TestHost host;
  std::uint32_t live_handles = 0;
};

constexpr std::string_view kMakeA = "(local.set $a (call $make (i32.const 7)))";

TEST_F(HostResources, ChangeHands) {
  EXPECT_EQ(outcome(fmt::format("{} (call $look (local.get $a))", kMakeA)), "7");
  EXPECT_EQ(live_handles, 1u);
  EXPECT_EQ(outcome(fmt::format("{} (call $look_later (local.get $a)) (call $drop (local.get $a))",
                                kMakeA)),
            "7");
  EXPECT_EQ(live_handles, 0u);
  EXPECT_EQ(outcome(fmt::format("{} (call $take (local.get $a))", kMakeA)), "7");
  EXPECT_EQ(live_handles, 0u);
  EXPECT_EQ(
      outcome(fmt::format(
          "{} (call $twice (local.get $a) (local.get $a)) (call $drop (local.get $a))", kMakeA)),
      "14");
  EXPECT_EQ(
      outcome(fmt::format(
          "{} (local.set $b (call $make (i32.const 3))) (call $both (local.get $a) (local.get $b))",
          kMakeA)),
      "10");
  EXPECT_EQ(live_handles, 1u);
}

TEST_F(HostResources, IndicesStartAtOneAndAreReused) {
  EXPECT_EQ(outcome("(call $make (i32.const 7))"), "1");
  EXPECT_EQ(
      outcome(fmt::format("{} (call $drop (local.get $a)) (call $make (i32.const 8))", kMakeA)),
      "1");
  EXPECT_EQ(outcome(fmt::format("{} (call $make (i32.const 8))", kMakeA)), "2");
}

TEST_F(HostResources, UseAfterTheyAreGoneTraps) {
  const auto kUnknown = testing::StartsWith("unknown handle index ");
  EXPECT_THAT(outcome("(call $look (i32.const 0))"), kUnknown);
  EXPECT_THAT(outcome("(call $look (i32.const 99))"), kUnknown);
  EXPECT_THAT(outcome("(call $take (i32.const -1))"), kUnknown);
  EXPECT_THAT(outcome("(call $drop (i32.const 1)) (i32.const 0)"), kUnknown);
  for (const auto* use : {"look", "take", "look_later"}) {
    EXPECT_THAT(outcome(fmt::format("{} (call $drop (local.get $a)) (call ${} (local.get $a))",
                                    kMakeA, use)),
                kUnknown);
    EXPECT_THAT(
        outcome(fmt::format("{} (drop (call $take (local.get $a))) (call ${} (local.get $a))",
                            kMakeA, use)),
        kUnknown);
  }
  EXPECT_THAT(
      outcome(fmt::format(
          "{} (call $drop (local.get $a)) (call $drop (local.get $a)) (i32.const 0)", kMakeA)),
      kUnknown);
}

TEST_F(HostResources, OfAnotherTypeTrap) {
  constexpr std::string_view kOtherType =
      "handle index 1 used with the wrong type, expected host-defined resource but found a "
      "different host-defined resource";
  for (const auto* use : {"look", "take", "look_later"}) {
    EXPECT_EQ(outcome(fmt::format("(call ${} (call $make_other))", use)), kOtherType);
  }
  EXPECT_EQ(outcome("(call $drop (call $make_other)) (i32.const 0)"), kOtherType);
  EXPECT_EQ(outcome(fmt::format("{} (call $drop_other (local.get $a)) (i32.const 0)", kMakeA)),
            kOtherType);
}

TEST_F(HostResources, WhatIsLentCannotBeGivenAway) {
  EXPECT_EQ(outcome(fmt::format("{} (call $both (local.get $a) (local.get $a))", kMakeA)),
            "cannot remove owned resource while borrowed");
}

// ---- A component's own resource, used by another inside the same file

// $maker defines the resource `r`, whose destructor counts; `run` is the body of $user's run, with
// the locals $a and $b.
std::string two_components(std::string_view run,
                           std::string_view look_body = "(call $drop (local.get 0)) (i32.const 1)",
                           std::string_view inside = "(i32.const 0)") {
  return fmt::format(R"((component
    (component $maker
      (core module $dtor_module
        (global $dropped (mut i32) (i32.const 0))
        (func (export "dtor") (param i32) (global.set $dropped (i32.add (global.get $dropped) (local.get 0))))
        (func (export "dropped") (result i32) (global.get $dropped)))
      (core instance $dtor (instantiate $dtor_module))
      (type $r' (resource (rep i32) (dtor (core func $dtor "dtor"))))
      (core func $new (canon resource.new $r'))
      (core func $rep (canon resource.rep $r'))
      (core func $drop (canon resource.drop $r'))
      (core module $main_module
        (import "h" "new" (func $new (param i32) (result i32)))
        (import "h" "rep" (func $rep (param i32) (result i32)))
        (import "h" "drop" (func $drop (param i32)))
        (func (export "make") (param i32) (result i32) (call $new (local.get 0)))
        ;; Its own resource arrives as the representation itself.
        (func (export "look") (param i32) (result i32) (local.get 0))
        (func (export "take") (param i32) (result i32) (local $n i32)
          (local.set $n (call $rep (local.get 0))) (call $drop (local.get 0)) (local.get $n))
        (func (export "inside") (result i32) (local $a i32) {inside}))
      (core instance $main (instantiate $main_module (with "h" (instance
        (export "new" (func $new)) (export "rep" (func $rep)) (export "drop" (func $drop))))))
      (export $r "r" (type $r'))
      (func (export "make") (param "n" u32) (result (own $r)) (canon lift (core func $main "make")))
      (func (export "look") (param "r" (borrow $r)) (result u32) (canon lift (core func $main "look")))
      (func (export "take") (param "r" (own $r)) (result u32) (canon lift (core func $main "take")))
      (func (export "inside") (result u32) (canon lift (core func $main "inside")))
      (func (export "dropped") (result u32) (canon lift (core func $dtor "dropped"))))
    (component $viewer  ;; is lent what it does not define
      (import "r" (type $r (sub resource)))
      (core func $drop (canon resource.drop $r))
      (core module $main_module
        (import "h" "drop" (func $drop (param i32)))
        (func (export "look") (param i32) (result i32) {look}))
      (core instance $main (instantiate $main_module (with "h" (instance (export "drop" (func $drop))))))
      (func (export "look") (param "r" (borrow $r)) (result u32) (canon lift (core func $main "look"))))
    (component $user
      (import "r" (type $r (sub resource)))
      (import "make" (func $make_ (param "n" u32) (result (own $r))))
      (import "look" (func $look_ (param "r" (borrow $r)) (result u32)))
      (import "take" (func $take_ (param "r" (own $r)) (result u32)))
      (import "dropped" (func $dropped_ (result u32)))
      (import "view" (func $view_ (param "r" (borrow $r)) (result u32)))
      (core func $make (canon lower (func $make_)))
      (core func $look (canon lower (func $look_)))
      (core func $take (canon lower (func $take_)))
      (core func $dropped (canon lower (func $dropped_)))
      (core func $view (canon lower (func $view_)))
      (core func $drop (canon resource.drop $r))
      (core module $main_module
        (import "h" "make" (func $make (param i32) (result i32)))
        (import "h" "look" (func $look (param i32) (result i32)))
        (import "h" "take" (func $take (param i32) (result i32)))
        (import "h" "dropped" (func $dropped (result i32)))
        (import "h" "view" (func $view (param i32) (result i32)))
        (import "h" "drop" (func $drop (param i32)))
        (func (export "run") (result i32) (local $a i32) (local $b i32) {run}))
      (core instance $main (instantiate $main_module (with "h" (instance
        (export "make" (func $make)) (export "look" (func $look)) (export "take" (func $take))
        (export "dropped" (func $dropped)) (export "view" (func $view)) (export "drop" (func $drop))))))
      (func (export "run") (result u32) (canon lift (core func $main "run"))))
    (instance $maker_ (instantiate $maker))
    (alias export $maker_ "r" (type $r))
    (instance $viewer_ (instantiate $viewer (with "r" (type $r))))
    (instance $user_ (instantiate $user (with "r" (type $r)) (with "make" (func $maker_ "make"))
      (with "look" (func $maker_ "look")) (with "take" (func $maker_ "take"))
      (with "dropped" (func $maker_ "dropped")) (with "view" (func $viewer_ "look"))))
    (export "inside" (func $maker_ "inside"))
    (export "run" (func $user_ "run"))))",
                     fmt::arg("run", run), fmt::arg("look", look_body), fmt::arg("inside", inside));
}

class GuestResources : public testing::Test {
 protected:
  std::string outcome(const std::string& text, std::string_view function = "run") {
    Guest guest(host, text);
    const auto ran = guest.call<std::uint32_t>(function);
    live_handles = guest.instance().live_handles();
    return ran ? std::to_string(*ran) : ran.error().reason;
  }
  TestHost host;
  std::uint32_t live_handles = 0;
};

TEST_F(GuestResources, NewRepDrop) {
  EXPECT_EQ(outcome(two_components("(i32.const 0)", "(i32.const 0)",
                                   "(call $rep (call $new (i32.const 41)))"),
                    "inside"),
            "41");
  EXPECT_EQ(outcome(two_components("(i32.const 0)", "(i32.const 0)", "(call $rep (i32.const 1))"),
                    "inside"),
            "unknown handle index 1");
  EXPECT_EQ(outcome(two_components("(i32.const 0)", "(i32.const 0)",
                                   "(local.set $a (call $new (i32.const 5))) (call $drop "
                                   "(local.get $a)) (call $rep (local.get $a))"),
                    "inside"),
            "unknown handle index 1");
}

TEST_F(GuestResources, ChangeHandsAndAreDestroyedOnce) {
  EXPECT_EQ(outcome(two_components("(call $look (call $make (i32.const 41)))")), "41");
  EXPECT_EQ(live_handles, 1u);
  EXPECT_EQ(outcome(two_components("(call $take (call $make (i32.const 41)))")), "41");
  EXPECT_EQ(live_handles, 0u);
  EXPECT_EQ(
      outcome(two_components("(drop (call $take (call $make (i32.const 41)))) (call $dropped)")),
      "41");
  EXPECT_EQ(outcome(two_components("(call $drop (call $make (i32.const 41))) (call $drop (call "
                                   "$make (i32.const 1))) (call $dropped)")),
            "42");
  EXPECT_EQ(live_handles, 0u);
  EXPECT_EQ(
      outcome(two_components("(drop (call $look (call $make (i32.const 41)))) (call $dropped)")),
      "0");
}

TEST_F(GuestResources, BorrowsAreCounted) {
  EXPECT_EQ(outcome(two_components("(call $view (call $make (i32.const 41)))")), "1");
  EXPECT_EQ(live_handles, 1u);
  EXPECT_EQ(outcome(two_components(
                "(local.set $a (call $make (i32.const 41))) (drop (call $view (local.get $a)))"
                "(call $drop (local.get $a)) (call $dropped)")),
            "41");
  EXPECT_EQ(outcome(two_components("(call $view (call $make (i32.const 41)))", "(i32.const 2)")),
            "borrow handles still remain at the end of the call");
  EXPECT_EQ(outcome(two_components(
                "(call $view (call $make (i32.const 41)))",
                "(call $drop (local.get 0)) (call $drop (local.get 0)) (i32.const 2)")),
            "unknown handle index 1");
}

TEST_F(GuestResources, UseAfterTheyAreGoneTraps) {
  EXPECT_EQ(outcome(two_components("(local.set $a (call $make (i32.const 1))) (drop (call $take "
                                   "(local.get $a))) (call $look (local.get $a))")),
            "unknown handle index 1");
  EXPECT_EQ(outcome(two_components("(call $take (i32.const 3))")), "unknown handle index 3");
}

// ---- The host's, lent from guest to guest

TEST(HandleTableTest, DestroysWhatItOwnsNewestFirst) {
  static std::vector<int> order;
  struct Noted {
    int n;
    ~Noted() { order.push_back(n); }
  };
  {
    HandleTable table;
    for (int i = 1; i <= 3; ++i) {
      EXPECT_EQ(table.add({.type = &kResourceTag<Noted>,
                           .rep = reinterpret_cast<std::uint64_t>(new Noted{i}),
                           .host = true}),
                static_cast<std::uint32_t>(i));
    }
    EXPECT_EQ(table.live(), 3u);
    EXPECT_FALSE(table.find(0));
    EXPECT_FALSE(table.find(4));
    Noted* second = reinterpret_cast<Noted*>(table.find(2)->rep);
    table.remove(2);
    EXPECT_FALSE(table.find(2));
    delete second;
  }
  EXPECT_EQ(order, (std::vector<int>{2, 3, 1}));
}

TEST(HandleTableTest, IsBounded) {
  HandleTable table;
  const int tag = 0;
  for (std::uint32_t i = 1; i < HandleTable::kMaxHandles; ++i)
    ASSERT_NE(table.add({.type = &tag}), 0u);
  EXPECT_EQ(table.add({.type = &tag}), 0u);
  EXPECT_EQ(table.live(), HandleTable::kMaxHandles - 1);
  table.remove(77);
  EXPECT_EQ(table.add({.type = &tag}), 77u);
}

}  // namespace
}  // namespace unbolt::component
