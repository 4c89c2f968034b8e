#include "unbolt/contracts/key_value_handover.h"

#include <gtest/gtest.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/contracts/testing/slow_key_value.h"

namespace unbolt::contracts {
namespace {

using namespace std::chrono_literals;
using Existing = HandoverOptions::Existing;

class Handover : public ::testing::Test {
 protected:
  Handover() {
    old->behaviour().later_percent = 0;
    next->behaviour().later_percent = 0;
  }

  template <class T>
  T now(Reply<T> reply) {
    return run_task(loop, std::move(reply).wait());
  }
  // While a task of `start` runs: the loop is not driven.
  template <class T>
  T at_once(Reply<T> reply) {
    EXPECT_TRUE(reply.ready());
    return std::move(reply).take();
  }
  void set(KeyValue& store, std::string_view key, std::string_view value,
           std::string_view bucket = "b") {
    auto done = now(store.set(bucket, key, as_bytes(value)));
    EXPECT_TRUE(done) << done.error().message;
  }
  std::optional<std::string> get(KeyValue& store, std::string_view key,
                                 std::string_view bucket = "b") {
    auto value = now(store.get(bucket, key));
    EXPECT_TRUE(value) << value.error().message;
    if (!value || !*value) return std::nullopt;
    return std::string(as_text(**value));
  }
  Result<CopyReport> copy(HandoverOptions options = {}) {
    return run_task(loop, handover.copy(options));
  }
  // Runs the task on `loop`, which somebody else drives.
  template <class T>
  std::shared_ptr<std::optional<T>> start(Task<T> task) {
    auto ended = std::make_shared<std::optional<T>>();
    asio::co_spawn(loop, std::move(task), [ended](std::exception_ptr failure, T value) {
      EXPECT_FALSE(failure);
      ended->emplace(std::move(value));
    });
    return ended;
  }
  template <class T>
  auto start(Reply<T> reply) {
    return start([](Reply<T> own) -> Task<T> {
      co_return co_await std::move(own).wait();
    }(std::move(reply)));
  }
  void run_for(std::chrono::milliseconds time) {
    loop.restart();
    loop.poll();
    loop.run_for(time);
  }
  template <class Done>
  void run_until(Done done) {
    for (int i = 0; i < 4000 && !done(); ++i) run_for(5ms);
    EXPECT_TRUE(done());
  }

  asio::io_context loop{1};
  std::shared_ptr<SlowKeyValue> old = std::make_shared<SlowKeyValue>(1);
  std::shared_ptr<SlowKeyValue> next = std::make_shared<SlowKeyValue>(2);
  KeyValueHandover handover{old, next};
};

TEST_F(Handover, CarriesEverythingOverAndSaysHowMuch) {
  for (int i = 0; i < 100; ++i) set(handover, "k" + std::to_string(i), "v" + std::to_string(i));
  for (int i = 0; i < 20; ++i) set(handover, "", "", "bucket " + std::to_string(i));
  EXPECT_TRUE(next->contents().empty());
  EXPECT_FALSE(handover.handed_over());
  auto report = copy();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->carried.keys, 120u);
  EXPECT_EQ(report->carried.buckets, 21u);
  EXPECT_EQ(report->carried.removed, 0u);
  EXPECT_EQ(report->carried.bytes, 10u * 4 + 90u * 6);
  EXPECT_EQ(report->passes, 1u);
  EXPECT_EQ(next->contents(), old->contents());
  EXPECT_TRUE(handover.handed_over());
  EXPECT_EQ(handover.report().carried.keys, 120u);

  const auto before = old->contents();
  set(handover, "k1", "later");
  EXPECT_EQ(get(handover, "k1"), "later");
  EXPECT_EQ(get(*next, "k1"), "later");
  EXPECT_EQ(old->contents(), before) << "the old store is left alone";
  auto again = copy();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::Conflict);
}

TEST_F(Handover, IsCommittedWhenTheNewStoreHoldsAllAndNobodyWrites) {
  for (int i = 0; i < 10; ++i) set(handover, "k" + std::to_string(i), "v");
  bool written = false;
  HandoverOptions options;
  options.commit = [&]() -> Task<Result<>> {
    EXPECT_FALSE(handover.handed_over());
    EXPECT_EQ(next->contents(), old->contents());
    // One that comes now waits, and goes to the new store.
    start(handover.set("b", "late", as_bytes("v")));
    Timer pause(loop.get_executor(), 20ms);
    co_await pause.async_wait(use_task);
    EXPECT_FALSE(old->contents().at("b").contains("late"));
    written = true;
    co_return Result<>();
  };
  ASSERT_TRUE(copy(options));
  EXPECT_TRUE(written);
  run_for(50ms);
  EXPECT_EQ(get(*next, "late"), "v");
}

TEST_F(Handover, WhereTheCommitFailsTheOldStaysInService) {
  set(handover, "k", "v");
  HandoverOptions options;
  options.commit = []() -> Task<Result<>> { co_return fail(ErrorCode::Io, "the disk is full"); };
  auto refused = copy(options);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("the disk is full"), std::string::npos);
  EXPECT_FALSE(handover.handed_over());
  set(handover, "k", "w");
  EXPECT_EQ(get(*old, "k"), "w");
}

TEST_F(Handover, AnEmptyStoreIsCarriedToo) {
  ASSERT_TRUE(copy());
  set(handover, "k", "v");
  EXPECT_EQ(next->contents(), (KeyValueContents{{"b", {{"k", "v"}}}}));
}

TEST_F(Handover, RefusesAStoreThatHoldsKeysAndChangesNothing) {
  set(*old, "k", "v");
  set(*next, "theirs", "v", "another");
  auto report = copy();
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::Conflict);
  EXPECT_FALSE(report.error().hint.empty());
  EXPECT_EQ(next->contents(), (KeyValueContents{{"another", {{"theirs", "v"}}}}));
  EXPECT_FALSE(handover.handed_over());
}

TEST_F(Handover, AMirrorRemovesWhatIsStale) {
  for (int i = 0; i < 50; ++i) set(*old, "k" + std::to_string(i), "new");
  for (int i = 25; i < 80; ++i) set(*next, "k" + std::to_string(i), "stale");
  for (int i = 0; i < 10; ++i) set(*next, "k", "stale", "gone " + std::to_string(i));
  auto report = copy({.existing = Existing::Mirror});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->carried.removed, 40u);
  EXPECT_EQ(next->contents(), old->contents());
}

TEST_F(Handover, TheSameStoreTwiceIsRefused) {
  set(*old, "k", "v");
  KeyValueHandover same(old, old);
  auto report = run_task(loop, same.copy({.existing = Existing::Mirror}));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::InvalidArgument);

  // Also where two providers lead to it.
  auto front = std::make_shared<KeyValueHandover>(old, next);
  KeyValueHandover behind(old, front);
  report = run_task(loop, behind.copy({.existing = Existing::Mirror}));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(old->contents(), (KeyValueContents{{"b", {{"k", "v"}}}}));
}

TEST_F(Handover, LargeValuesGoInSmallBatches) {
  const std::string large(1 << 20, 'v');
  for (int i = 0; i < 100; ++i) set(*old, "k" + std::to_string(i), large);
  for (int i = 0; i < 100; ++i) set(*old, "a" + std::to_string(i), "small");
  const std::string largest(KeyValueLimits::kValue, 'v');
  set(*old, "largest", largest);
  auto report = copy();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_TRUE(next->contents() == old->contents());
  EXPECT_LE(old->largest_answer(), std::size_t{KeyValueLimits::kBatch});
}

TEST_F(Handover, WhatIsWrittenWhileItCopiesIsCarried) {
  for (int i = 0; i < 200; ++i) set(*old, "k" + std::to_string(i), "0");
  old->behaviour().later_percent = 100;
  next->behaviour().later_percent = 100;
  auto copied = start(handover.copy({.copy = {.batch_keys = 10}}));
  std::map<std::string, std::string> expected = old->contents()["b"];
  int written = 0;
  while (!handover.handed_over() && ++written < 20'000) {
    std::string key = "k" + std::to_string(written * 7 % 300);
    if (written % 5 == 0) {
      start(handover.remove("b", key));
      expected.erase(key);
    } else {
      start(handover.set("b", key, as_bytes(std::to_string(written))));
      expected[key] = std::to_string(written);
    }
    run_for(1ms);
  }
  run_until([&] { return copied->has_value(); });
  ASSERT_TRUE(**copied) << (**copied).error().message;
  run_for(20ms);
  EXPECT_GT(written, 20);
  EXPECT_GT((**copied)->rounds, 0u);
  EXPECT_EQ(next->contents()["b"], expected);
}

TEST_F(Handover, ComparisonsMadeWhileItCopiesAreCarried) {
  for (int i = 0; i < 200; ++i) set(*old, "k" + std::to_string(i), "0");
  old->behaviour().later_percent = 60;
  next->behaviour().later_percent = 60;
  auto copied = start(handover.copy({.copy = {.batch_keys = 10}}));
  std::map<std::string, std::string> expected = old->contents()["b"];
  std::vector<std::pair<std::shared_ptr<std::optional<Result<bool>>>, bool>> answers;
  int written = 0;
  while (!handover.handed_over() && ++written < 20'000) {
    const std::string key = "k" + std::to_string(written * 7 % 300);
    const std::string value = std::to_string(written);
    const auto found = expected.find(key);
    std::optional<ByteView> before;
    if (found != expected.end()) before = as_bytes(found->second);
    const bool fits = written % 3 != 0;
    if (!fits) before = as_bytes("another");
    answers.emplace_back(start(handover.compare_and_set("b", key, before, as_bytes(value))), fits);
    if (fits) expected[key] = value;
    run_for(1ms);
  }
  run_until([&] { return copied->has_value(); });
  ASSERT_TRUE(**copied) << (**copied).error().message;
  run_for(20ms);
  EXPECT_GT(written, 20);
  EXPECT_EQ(next->contents()["b"], expected);
  for (const auto& [answer, fits] : answers) {
    ASSERT_TRUE(answer->has_value() && **answer);
    EXPECT_EQ(***answer, fits);
  }
}

TEST_F(Handover, AWriteThatDoesNotEndGivesTheCopyUpAndLosesNothing) {
  set(*old, "k", "v");
  old->behaviour().later_percent = 100;
  old->behaviour().hangs = true;
  auto hanging = start(handover.set("b", "k", as_bytes("hung")));
  run_for(5ms);
  auto copied = start(handover.copy({.hold = 100ms}));
  run_until([&] { return handover.report().passes > 0 && next->contents()["b"].contains("k"); });
  run_for(20ms);
  // Held, and sent to the old store when the time is up.
  auto held = start(handover.increment("b", "n", 1));
  run_until([&] { return copied->has_value(); });
  EXPECT_EQ(next->contents(), (KeyValueContents{{"b", {{"k", "v"}}}}));
  ASSERT_FALSE(**copied);
  EXPECT_EQ((**copied).error().code, ErrorCode::Timeout);
  EXPECT_FALSE(held->has_value());
  old->behaviour().hangs = false;
  run_until([&] { return held->has_value() && hanging->has_value(); });
  EXPECT_EQ(***held, 1u);
  EXPECT_EQ(get(*old, "n"), "1");

  auto again = copy({.existing = Existing::Mirror});
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(next->contents(), (KeyValueContents{{"b", {{"k", "hung"}, {"n", "1"}}}}));
}

// Also where the new store's call cannot be cancelled: the writers do not wait for it.
TEST_F(Handover, ANewStoreThatHangsAtTheCutOverHoldsWritersOnlySoLong) {
  set(*old, "k", "0");
  old->behaviour().later_percent = 100;
  old->behaviour().hangs = true;
  auto in_flight = start(handover.set("b", "k", as_bytes("1")));
  run_for(1ms);
  next->behaviour().later_percent = 100;
  next->behaviour().holds_to_cancel = true;
  auto copied = start(handover.copy({.hold = 150ms}));
  run_until([&] { return next->contents()["b"].contains("k"); });
  run_for(10ms);
  next->behaviour().hangs = true;
  old->behaviour().hangs = false;
  run_until([&] { return in_flight->has_value(); });
  const auto began = std::chrono::steady_clock::now();
  auto held = start(handover.increment("b", "n", 1));
  run_until([&] { return held->has_value(); });
  EXPECT_LT(std::chrono::steady_clock::now() - began, 3s);
  EXPECT_EQ(old->contents()["b"]["n"], "1");
  EXPECT_FALSE(handover.handed_over());
  next->behaviour().hangs = false;
  run_until([&] { return copied->has_value(); });
  EXPECT_FALSE(**copied);
  EXPECT_FALSE(handover.handed_over());
  EXPECT_EQ(get(handover, "k"), "1");
}

TEST_F(Handover, ReadsAreNotHeld) {
  set(*old, "k", "v");
  old->behaviour().later_percent = 100;
  old->behaviour().hangs = true;
  auto hanging = start(handover.set("b", "k", as_bytes("hung")));
  run_for(5ms);
  auto copied = start(handover.copy({.hold = 10s}));
  run_until([&] { return next->contents()["b"].contains("k"); });
  run_for(20ms);
  auto held = start(handover.set("b", "new", as_bytes("v")));
  auto read = start(handover.get("b", "k"));
  auto listed = start(handover.list_keys("b", std::nullopt));
  run_until([&] { return read->has_value() && listed->has_value(); });
  EXPECT_FALSE(held->has_value());
  EXPECT_FALSE(hanging->has_value());
  old->behaviour().hangs = false;
  run_until([&] { return copied->has_value() && held->has_value(); });
  ASSERT_TRUE(**copied) << (**copied).error().message;
  EXPECT_EQ((**copied)->calls_held, 1u);
  EXPECT_GT((**copied)->held.count(), 10'000);
  EXPECT_EQ(next->contents(), (KeyValueContents{{"b", {{"k", "hung"}, {"new", "v"}}}}));
  EXPECT_EQ(old->contents(), (KeyValueContents{{"b", {{"k", "hung"}}}}));
}

TEST_F(Handover, ACopyThatIsCancelledOrDroppedLeavesTheOldInService) {
  set(*old, "k", "v");
  old->behaviour().later_percent = 100;
  old->behaviour().hangs = true;
  auto hanging = start(handover.set("b", "k", as_bytes("hung")));
  run_for(5ms);
  for (int round = 0; round < 3; ++round) {
    asio::cancellation_signal cancel;
    bool ended = false;
    asio::co_spawn(loop, handover.copy({.existing = Existing::Mirror, .hold = 1h}),
                   asio::bind_cancellation_slot(
                       cancel.slot(), [&](std::exception_ptr failure, Result<CopyReport> report) {
                         EXPECT_TRUE(failure || !report);
                         ended = true;
                       }));
    run_for(30ms);  // the writes are held by now
    cancel.emit(asio::cancellation_type::terminal);
    run_until([&] { return ended; });
  }
  // Dropped with its loop.
  {
    asio::io_context another(1);
    asio::co_spawn(another, handover.copy({.existing = Existing::Mirror, .hold = 1h}),
                   [](std::exception_ptr, Result<CopyReport>) {});
    another.run_for(30ms);
  }
  old->behaviour().hangs = false;
  run_until([&] { return hanging->has_value(); });
  set(handover, "k", "later");
  EXPECT_EQ(get(*old, "k"), "later");
  ASSERT_TRUE(copy({.existing = Existing::Mirror}));
  EXPECT_EQ(get(*next, "k"), "later");
}

TEST_F(Handover, OneCopyAtATime) {
  set(*old, "k", "v");
  next->behaviour().later_percent = 100;
  next->behaviour().hangs = true;
  auto first = start(handover.copy({}));
  run_for(10ms);
  auto second = start(handover.copy({}));
  run_until([&] { return second->has_value(); });
  ASSERT_FALSE(**second);
  EXPECT_EQ((**second).error().code, ErrorCode::Conflict);
  next->behaviour().hangs = false;
  run_until([&] { return first->has_value(); });
  EXPECT_TRUE(**first) << (**first).error().message;
}

TEST_F(Handover, MoreChangesThanCanBeRememberedAreCopiedAgainOrRefused) {
  for (int i = 0; i < 100; ++i) set(*old, "k" + std::to_string(i), "0");
  for (bool enough : {false, true}) {
    next->behaviour().later_percent = 100;
    auto copied = start(handover.copy({.existing = Existing::Mirror,
                                       .changed_bytes = enough ? 3000u : 10u,
                                       .passes = 3,
                                       .copy = {.batch_keys = 5, .pause = 2ms}}));
    run_until([&] { return handover.report().passes == 1; });
    for (int round = 0; !copied->has_value() && round < 2000; ++round) {
      // Many in the first pass only, where they can be enough.
      for (int i = 0; i < (enough && round > 0 ? 1 : 60); ++i)
        start(handover.set("b", "k" + std::to_string(i), as_bytes(std::to_string(round))));
      start(handover.remove("b", "k99"));
      run_for(1ms);
    }
    run_until([&] { return copied->has_value(); });
    if (enough) {
      ASSERT_TRUE(**copied) << (**copied).error().message;
      EXPECT_EQ((**copied)->passes, 2u);
      EXPECT_EQ(next->contents()["b"].count("k99"), 0u);
    } else {
      ASSERT_FALSE(**copied);
      EXPECT_EQ((**copied).error().code, ErrorCode::LimitExceeded);
      EXPECT_FALSE(handover.handed_over());
    }
  }
}

TEST_F(Handover, AListingGoesOnWhereItBegan) {
  std::set<std::string> expected;
  for (int i = 0; i < 40; ++i) {
    set(*old, "k" + std::to_string(i), "v");
    set(*old, "k", "v", "bucket " + std::to_string(i));
    expected.insert("k" + std::to_string(i));
  }
  auto keys = now(handover.list_keys("b", std::nullopt));
  auto buckets = now(handover.list_buckets(std::nullopt));
  ASSERT_TRUE(keys && keys->next && buckets && buckets->next);
  ASSERT_TRUE(copy());
  now(handover.remove("b", "k11"));
  std::set<std::string> listed(keys->keys.begin(), keys->keys.end());
  std::size_t count = keys->keys.size(), bucket_count = buckets->buckets.size();
  while (keys->next) {
    keys = now(handover.list_keys("b", *keys->next));
    ASSERT_TRUE(keys);
    listed.insert(keys->keys.begin(), keys->keys.end());
    count += keys->keys.size();
  }
  while (buckets->next) {
    buckets = now(handover.list_buckets(*buckets->next));
    ASSERT_TRUE(buckets);
    bucket_count += buckets->buckets.size();
  }
  EXPECT_EQ(listed, expected);
  EXPECT_EQ(count, 40u);
  EXPECT_EQ(bucket_count, 41u);
  // One that begins now is of the new store.
  std::size_t later = 0;
  std::optional<std::string> cursor;
  do {
    auto page = now(handover.list_keys("b", cursor));
    ASSERT_TRUE(page);
    later += page->keys.size();
    cursor = page->next;
  } while (cursor);
  EXPECT_EQ(later, 39u);
}

TEST_F(Handover, AWatchSeesTheChangesOfBothStoresAndNotTheCopy) {
  for (int i = 0; i < 30; ++i) set(*old, "k" + std::to_string(i), "before");
  set(*next, "stale", "v");
  std::vector<std::string> seen;
  auto record = [&](const KeyChange& change) {
    seen.push_back(change.key + (change.value ? "=" + std::string(as_text(*change.value)) : ""));
  };
  auto watching = now(handover.watch("b", record));
  ASSERT_TRUE(watching);
  std::vector<std::string> dropped_saw;
  auto dropped = now(handover.watch(
      std::nullopt, [&](const KeyChange& change) { dropped_saw.push_back(change.key); }));
  ASSERT_TRUE(dropped);
  set(handover, "a", "1");
  dropped->reset();
  set(handover, "a", "2");
  set(handover, "a", "elsewhere", "c");
  ASSERT_TRUE(copy({.existing = Existing::Mirror}));
  set(handover, "a", "3");
  now(handover.remove("b", "k1"));
  // What the old store reports late: not after the new one's word on the same key.
  set(*old, "a", "late");
  set(*old, "b", "late");
  EXPECT_EQ(seen, (std::vector<std::string>{"a=1", "a=2", "a=3", "k1", "b=late"}));
  EXPECT_EQ(dropped_saw, std::vector<std::string>{"a"});
  auto after = now(handover.watch("c", record));
  ASSERT_TRUE(after);
  seen.clear();
  set(handover, "x", "4", "c");
  EXPECT_EQ(seen, std::vector<std::string>{"x=4"});
  watching->reset();
  set(handover, "a", "5");
  EXPECT_EQ(seen, std::vector<std::string>{"x=4"});
}

// A cancelled write that reaches the old store after it ended is still carried over, where that
// comes before the cut-over.
TEST_F(Handover, TheEffectOfAFailedWriteIsLookedForOnceMore) {
  set(*old, "k", "v");
  auto copied = start(handover.copy({.calm = 1h, .copy = {.pause = 30ms}}));
  run_until([&] { return handover.report().carried.keys >= 1; });
  old->behaviour().fail_per_mille = 1000;
  auto failed = at_once(handover.set("b", "k", as_bytes("late")));
  EXPECT_FALSE(failed);
  old->behaviour().fail_per_mille = 0;
  // The first round finds the old value.
  run_until([&] { return handover.report().carried.keys >= 2; });
  ASSERT_FALSE(handover.handed_over());
  EXPECT_TRUE(at_once(old->set("b", "k", as_bytes("late"))));
  run_until([&] { return copied->has_value(); });
  ASSERT_TRUE(**copied);
  EXPECT_EQ(get(*next, "k"), "late");
}

}  // namespace
}  // namespace unbolt::contracts
