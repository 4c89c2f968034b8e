// The contract suite of `KeyValue`: a provider is done when it passes. Include it in the provider's
// test and write
//   INSTANTIATE_TEST_SUITE_P(Memory, KeyValueSuite, ::testing::Values(KeyValueCase{"memory",
//   make}));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/testing/run_task.h"
#include "unbolt/contracts/key_value.h"

namespace unbolt::contracts {

struct KeyValueCase {
  std::string name;
  // A provider with nothing in it.
  std::function<std::shared_ptr<KeyValue>(BlockingPool&)> make;
  // Whether `set_many` is all or none also where it fails in the middle (it has transactions).
  bool transactions = true;
};
inline void PrintTo(const KeyValueCase& provider, std::ostream* out) { *out << provider.name; }

// What a watch reported so far: a text a change, "set bucket/key=value" or "deleted bucket/key".
class SeenChanges {
 public:
  OnKeyChange callback() {
    return [this](const KeyChange& change) {
      std::lock_guard lock(mutex_);
      switch (change.kind) {
        case KeyChange::Kind::Set:
          seen_.push_back("set " + change.bucket + "/" + change.key + "=" +
                          std::string(as_text(*change.value)));
          break;
        case KeyChange::Kind::Deleted:
          EXPECT_EQ(change.value, nullptr);
          seen_.push_back("deleted " + change.bucket + "/" + change.key);
          break;
        case KeyChange::Kind::Missed: seen_.push_back("missed"); break;
      }
      changed_.notify_all();
    };
  }
  std::vector<std::string> all() {
    std::lock_guard lock(mutex_);
    return seen_;
  }
  // Waits until `text` was reported; whether it was, within the time.
  bool has(std::string_view text, std::chrono::seconds within = std::chrono::seconds(20)) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, within,
                             [&] { return std::ranges::find(seen_, text) != seen_.end(); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> seen_;
};

class KeyValueSuite : public ::testing::TestWithParam<KeyValueCase> {
 protected:
  void SetUp() override { store = GetParam().make(pool); }

  template <class T>
  T now(Reply<T> reply) {
    if (reply.ready()) return std::move(reply).take();
    return run_task(loop, std::move(reply).task());
  }
  // The value, or a failure of the test and an empty one.
  template <class T>
  T good(Reply<Result<T>> reply) {
    Result<T> result = now(std::move(reply));
    EXPECT_TRUE(result) << result.error().message;
    if constexpr (std::is_void_v<T>) {
      return;
    } else {
      return result ? std::move(*result) : T{};
    }
  }
  template <class T>
  std::optional<ErrorCode> code(Reply<Result<T>> reply) {
    Result<T> result = now(std::move(reply));
    if (result) return std::nullopt;
    EXPECT_FALSE(result.error().message.empty());
    return result.error().code;
  }

  std::optional<std::string> get(std::string_view key, std::string_view bucket = "b") {
    auto value = good(store->get(bucket, key));
    if (!value) return std::nullopt;
    return std::string(as_text(*value));
  }
  void set(std::string_view key, std::string_view value, std::string_view bucket = "b") {
    good(store->set(bucket, key, as_bytes(value)));
  }
  std::vector<std::string> all_keys(std::string_view bucket = "b") {
    std::vector<std::string> keys;
    std::optional<std::string> cursor;
    do {
      KeyPage page = good(store->list_keys(bucket, cursor));
      EXPECT_LE(page.keys.size(), KeyValueLimits::kPageKeys);
      keys.insert(keys.end(), page.keys.begin(), page.keys.end());
      cursor = page.next;
    } while (cursor && keys.size() < 100'000);
    return keys;
  }

  std::vector<std::string> all_buckets() {
    std::vector<std::string> names;
    std::optional<std::string> cursor;
    do {
      BucketPage page = good(store->list_buckets(cursor));
      EXPECT_LE(page.buckets.size(), KeyValueLimits::kPageBuckets);
      names.insert(names.end(), page.buckets.begin(), page.buckets.end());
      cursor = page.next;
    } while (cursor && names.size() < 100'000);
    return names;
  }
  std::unique_ptr<KeyWatch> watch(SeenChanges& seen, std::optional<std::string_view> bucket) {
    return good(store->watch(bucket, seen.callback()));
  }

  asio::io_context loop{1};
  BlockingPool pool{4};
  std::shared_ptr<KeyValue> store;
};

using namespace std::string_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST_P(KeyValueSuite, ReadsWhatWasWritten) {
  EXPECT_EQ(get("k"), std::nullopt);
  EXPECT_FALSE(good(store->exists("b", "k")));
  set("k", "one");
  EXPECT_EQ(get("k"), "one");
  EXPECT_TRUE(good(store->exists("b", "k")));
  set("k", "two, and longer");
  EXPECT_EQ(get("k"), "two, and longer");
  good(store->remove("b", "k"));
  EXPECT_EQ(get("k"), std::nullopt);
  EXPECT_FALSE(good(store->exists("b", "k")));
  good(store->remove("b", "k"));
}

TEST_P(KeyValueSuite, ABucketThatIsNotThereIsEmpty) {
  EXPECT_EQ(get("k", "nobody"), std::nullopt);
  EXPECT_FALSE(good(store->exists("nobody", "k")));
  good(store->remove("nobody", "k"));
  EXPECT_THAT(all_keys("nobody"), IsEmpty());
  std::string_view keys[] = {"a", "b"};
  EXPECT_THAT(good(store->get_many("nobody", keys)), ElementsAre(std::nullopt, std::nullopt));
  good(store->remove_many("nobody", keys));
  EXPECT_EQ(good(store->increment("nobody", "n", 2)), 2u);
  EXPECT_THAT(all_keys("nobody"), ElementsAre("n"));
}

TEST_P(KeyValueSuite, BucketsDoNotSeeEachOther) {
  set("k", "in a", "a");
  set("k", "in b", "b");
  set("k", "in the one without a name", "");
  set("bk", "other", "a");
  EXPECT_EQ(get("k", "a"), "in a");
  EXPECT_EQ(get("k", "b"), "in b");
  EXPECT_EQ(get("k", ""), "in the one without a name");
  EXPECT_EQ(get("k", "ab"), std::nullopt);
  good(store->remove("a", "k"));
  EXPECT_EQ(get("k", "b"), "in b");
  EXPECT_THAT(all_keys("a"), ElementsAre("bk"));
  EXPECT_EQ(good(store->increment("a", "n", 1)), 1u);
  EXPECT_EQ(good(store->increment("b", "n", 5)), 5u);
}

TEST_P(KeyValueSuite, KeysAndValuesAreBytes) {
  std::string every_byte;
  for (int i = 0; i < 256; ++i) every_byte += static_cast<char>(i);
  const std::vector<std::string> keys = {
      "",     "\0"s, "a",  "a\0"s,    "a\0b"s,    "A",
      "ключ", "鍵",  "🔑", "e\u0301", "\u00e9",   " ",
      "a/b",  "a:b", "%",  "'\";--",  "\xff\xfe", std::string(KeyValueLimits::kKey, 'x')};
  for (const std::string& key : keys) set(key, key + every_byte);
  for (const std::string& key : keys) EXPECT_EQ(get(key), key + every_byte) << key;
  auto listed = all_keys();
  EXPECT_EQ(std::set(listed.begin(), listed.end()), std::set(keys.begin(), keys.end()));
  EXPECT_EQ(listed.size(), keys.size());

  std::string bucket = "b\0\xff'☃"s;
  set("k", "v", bucket);
  EXPECT_EQ(get("k", bucket), "v");
  EXPECT_EQ(get("k", "b"s), std::nullopt);
  EXPECT_EQ(get("k", "b\0"s), std::nullopt);
}

TEST_P(KeyValueSuite, AnEmptyValueIsNotAMissingOne) {
  set("empty", "");
  EXPECT_EQ(get("empty"), "");
  EXPECT_TRUE(good(store->exists("b", "empty")));
  std::string_view keys[] = {"empty", "missing"};
  EXPECT_THAT(good(store->get_many("b", keys)), ElementsAre(Bytes{}, std::nullopt));
}

TEST_P(KeyValueSuite, AValueOfEightMebibytes) {
  std::string huge(8 << 20, '\0');
  for (std::size_t i = 0; i < huge.size(); ++i) huge[i] = static_cast<char>(i * 2654435761u >> 13);
  set("huge", huge);
  EXPECT_TRUE(get("huge") == huge);
  set("huge", "small");
  EXPECT_EQ(get("huge"), "small");
}

// The guest's memory may change or go as soon as the call has returned.
TEST_P(KeyValueSuite, ArgumentsHoldOnlyDuringTheCall) {
  auto scribbled = [this](auto call) {
    std::string bucket = "bucket that is long enough for the heap";
    std::string key = "key that is long enough for the heap, too";
    std::string value = "value that is long enough for the heap";
    std::vector<std::string_view> keys = {key};
    std::vector<KeyValuePair> pairs = {{key, as_bytes(value)}};
    auto reply = call(bucket, key, as_bytes(value), keys, pairs);
    for (std::string* text : {&bucket, &key, &value}) text->assign(text->size(), '#');
    keys.assign(1, "#");
    pairs.clear();
    pairs.shrink_to_fit();
    auto result = now(std::move(reply));
    EXPECT_TRUE(result) << result.error().message;
  };
  const std::string bucket = "bucket that is long enough for the heap";
  const std::string key = "key that is long enough for the heap, too";
  scribbled([&](auto b, auto k, auto v, auto, auto) { return store->set(b, k, v); });
  EXPECT_EQ(get(key, bucket), "value that is long enough for the heap");
  scribbled([&](auto b, auto k, auto, auto, auto) { return store->remove(b, k); });
  EXPECT_EQ(get(key, bucket), std::nullopt);
  scribbled([&](auto b, auto, auto, auto, const auto& pairs) { return store->set_many(b, pairs); });
  EXPECT_EQ(get(key, bucket), "value that is long enough for the heap");
  scribbled([&](auto b, auto, auto, const auto& keys, auto) { return store->get_many(b, keys); });
  scribbled([&](auto b, auto k, auto, auto, auto) { return store->list_keys(b, k); });
  scribbled(
      [&](auto b, auto, auto, const auto& keys, auto) { return store->remove_many(b, keys); });
  EXPECT_EQ(get(key, bucket), std::nullopt);
  scribbled([&](auto b, auto k, auto, auto, auto) { return store->increment(b, k, 3); });
  EXPECT_EQ(get(key, bucket), "3");
  scribbled([&](auto b, auto k, auto, auto, auto) { return store->get(b, k); });
  scribbled([&](auto b, auto k, auto, auto, auto) { return store->exists(b, k); });
}

TEST_P(KeyValueSuite, IncrementAddsToDecimalText) {
  EXPECT_EQ(good(store->increment("b", "n", 5)), 5u);
  EXPECT_EQ(get("n"), "5");
  EXPECT_EQ(good(store->increment("b", "n", 0)), 5u);
  EXPECT_EQ(good(store->increment("b", "n", 1'000'000'000'000)), 1'000'000'000'005u);
  set("n", "41");
  EXPECT_EQ(good(store->increment("b", "n", 1)), 42u);
  EXPECT_EQ(get("n"), "42");
  EXPECT_EQ(good(store->increment("b", "zero", 0)), 0u);
  EXPECT_EQ(get("zero"), "0");
}

TEST_P(KeyValueSuite, IncrementLeavesWhatIsNoNumber) {
  for (std::string_view text :
       {"", "x", "-1", "+1", " 1", "1 ", "1.5", "0x10", "18446744073709551616"}) {
    set("n", text);
    EXPECT_EQ(code(store->increment("b", "n", 1)), ErrorCode::InvalidArgument) << text;
    EXPECT_EQ(get("n"), text);
  }
  set("n", "1\0"s);
  EXPECT_EQ(code(store->increment("b", "n", 1)), ErrorCode::InvalidArgument);
}

TEST_P(KeyValueSuite, IncrementDoesNotWrapAround) {
  set("n", "18446744073709551614");
  EXPECT_EQ(good(store->increment("b", "n", 1)), 18446744073709551615u);
  EXPECT_EQ(code(store->increment("b", "n", 1)), ErrorCode::InvalidArgument);
  EXPECT_EQ(get("n"), "18446744073709551615");
  EXPECT_EQ(good(store->increment("b", "n", 0)), 18446744073709551615u);
}

TEST_P(KeyValueSuite, CompareAndSetStoresWhereTheValueIsTheExpectedOne) {
  const auto swap = [&](std::string_view key, std::optional<std::string_view> expected,
                        std::string_view value) {
    std::optional<ByteView> bytes;
    if (expected) bytes = as_bytes(*expected);
    return good(store->compare_and_set("b", key, bytes, as_bytes(value)));
  };
  EXPECT_FALSE(swap("k", "", "one")) << "an empty value is not the same as none";
  EXPECT_EQ(get("k"), std::nullopt);
  EXPECT_TRUE(swap("k", std::nullopt, "one"));
  EXPECT_FALSE(swap("k", std::nullopt, "two"));
  EXPECT_FALSE(swap("k", "on", "two"));
  EXPECT_FALSE(swap("k", "One", "two"));
  EXPECT_EQ(get("k"), "one");
  EXPECT_TRUE(swap("k", "one", ""));
  EXPECT_EQ(get("k"), "");
  EXPECT_TRUE(swap("k", "", "a\0\xff"s));
  EXPECT_FALSE(swap("k", "a", "two"));
  EXPECT_TRUE(swap("k", "a\0\xff"s, "a\0\xff"s)) << "the same value again";
  good(store->remove("b", "k"));
  EXPECT_FALSE(swap("k", "a\0\xff"s, "two"));
  EXPECT_TRUE(swap("k", std::nullopt, "back")) << "a key that was removed";
  const std::string long_key(KeyValueLimits::kKey, 'k');
  EXPECT_TRUE(swap(long_key, std::nullopt, "one"));
  EXPECT_TRUE(swap(long_key, "one", "two"));
  EXPECT_EQ(get(long_key), "two");
  EXPECT_EQ(code(store->compare_and_set("b", long_key + "k", std::nullopt, as_bytes("v"))),
            ErrorCode::LimitExceeded);
  good(store->set("b", "n", as_bytes("-5")));
  EXPECT_TRUE(swap("n", "-5", "-4"));
}

// Each of several loops counts with comparisons alone.
TEST_P(KeyValueSuite, ConcurrentComparisonsLoseNothing) {
  constexpr int kLoops = 3, kRounds = 20;
  auto task = [](KeyValue& store) -> Task<> {
    for (int done = 0, attempt = 0; done < kRounds && attempt < 5000; ++attempt) {
      auto found = co_await store.get("b", "n").wait();
      EXPECT_TRUE(found) << found.error().message;
      if (!found) co_return;
      const int number = *found ? std::stoi(std::string(as_text(**found))) : 0;
      std::optional<ByteView> expected;
      if (*found) expected = ByteView(**found);
      const std::string next = std::to_string(number + 1);
      auto stored = co_await store.compare_and_set("b", "n", expected, as_bytes(next)).wait();
      EXPECT_TRUE(stored) << stored.error().message;
      if (stored && *stored) ++done;
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < kLoops; ++i) {
    threads.emplace_back([&] {
      asio::io_context own(1);
      for (int t = 0; t < 2; ++t)
        asio::co_spawn(own, task(*store),
                       [](std::exception_ptr failure) { EXPECT_FALSE(failure); });
      own.run();
    });
  }
  threads.clear();
  EXPECT_EQ(get("n"), std::to_string(2 * kLoops * kRounds));
}

TEST_P(KeyValueSuite, BatchesAnswerInTheOrderOfTheKeys) {
  std::vector<KeyValuePair> pairs = {
      {"a", as_bytes("1")}, {"b", as_bytes("2")}, {"c", as_bytes("")}, {"a", as_bytes("later")}};
  good(store->set_many("b", pairs));
  std::string_view keys[] = {"c", "missing", "a", "b", "a"};
  auto values = good(store->get_many("b", keys));
  EXPECT_THAT(values, ElementsAre(Bytes{}, std::nullopt, to_bytes(as_bytes("later")), Bytes{'2'},
                                  to_bytes(as_bytes("later"))));
  std::string_view gone[] = {"a", "missing", "c", "a"};
  good(store->remove_many("b", gone));
  EXPECT_THAT(all_keys(), ElementsAre("b"));
  good(store->set_many("b", {}));
  good(store->remove_many("b", {}));
  EXPECT_THAT(good(store->get_many("b", {})), IsEmpty());
}

TEST_P(KeyValueSuite, LargeBatches) {
  std::vector<std::string> names;
  for (int i = 0; i < 3000; ++i) names.push_back("key " + std::to_string(i));
  std::vector<std::string_view> keys(names.begin(), names.end());
  std::vector<KeyValuePair> pairs;
  for (const std::string& name : names) pairs.emplace_back(name, as_bytes(name));
  good(store->set_many("b", pairs));
  auto values = good(store->get_many("b", keys));
  ASSERT_EQ(values.size(), names.size());
  for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(as_text(*values[i]), names[i]);
  good(store->remove_many("b", keys));
  EXPECT_THAT(all_keys(), IsEmpty());
}

TEST_P(KeyValueSuite, LimitsRefuseAndChangeNothing) {
  using Limits = KeyValueLimits;
  const std::string long_key(Limits::kKey + 1, 'k'), long_bucket(Limits::kBucketName + 1, 'b');
  const Bytes value(4, 'v'), long_value(Limits::kValue + 1, 'v');
  const auto kExceeded = ErrorCode::LimitExceeded;
  EXPECT_EQ(code(store->get("b", long_key)), kExceeded);
  EXPECT_EQ(code(store->get(long_bucket, "k")), kExceeded);
  EXPECT_EQ(code(store->set("b", long_key, value)), kExceeded);
  EXPECT_EQ(code(store->set(long_bucket, "k", value)), kExceeded);
  EXPECT_EQ(code(store->set("b", "k", long_value)), kExceeded);
  EXPECT_EQ(code(store->remove("b", long_key)), kExceeded);
  EXPECT_EQ(code(store->exists("b", long_key)), kExceeded);
  EXPECT_EQ(code(store->increment("b", long_key, 1)), kExceeded);
  EXPECT_EQ(code(store->list_keys(long_bucket, std::nullopt)), kExceeded);
  EXPECT_EQ(code(store->list_keys("b", long_key)), kExceeded);
  std::string_view keys[] = {"k", long_key};
  EXPECT_EQ(code(store->get_many("b", keys)), kExceeded);
  set("k", "stays");
  EXPECT_EQ(code(store->remove_many("b", keys)), kExceeded);
  EXPECT_EQ(get("k"), "stays");
  std::vector<std::string_view> many(Limits::kBatchKeys + 1, "k");
  EXPECT_EQ(code(store->get_many("b", many)), kExceeded);
  EXPECT_THAT(all_keys(), ElementsAre("k"));

  const std::string longest_bucket(Limits::kBucketName, 'b'), longest_key(Limits::kKey, 'k');
  set(longest_key, "v", longest_bucket);
  EXPECT_EQ(get(longest_key, longest_bucket), "v");
  EXPECT_THAT(all_keys(longest_bucket), ElementsAre(longest_key));
}

TEST_P(KeyValueSuite, SetManyIsAllOrNoneWhereAPairIsRefused) {
  set("a", "old");
  const std::string long_key(KeyValueLimits::kKey + 1, 'k');
  std::vector<KeyValuePair> pairs = {
      {"a", as_bytes("new")}, {"b", as_bytes("new")}, {long_key, as_bytes("new")}};
  EXPECT_EQ(code(store->set_many("b", pairs)), ErrorCode::LimitExceeded);
  EXPECT_EQ(get("a"), "old");
  EXPECT_THAT(all_keys(), ElementsAre("a"));
}

TEST_P(KeyValueSuite, AnAnswerOfGetManyIsBounded) {
  const Bytes value(8 << 20, 'v');
  std::vector<std::string_view> keys(9, "k");
  good(store->set("b", "k", value));
  EXPECT_EQ(code(store->get_many("b", keys)), ErrorCode::LimitExceeded);
  keys.resize(2);
  EXPECT_EQ(good(store->get_many("b", keys)).size(), 2u);
}

TEST_P(KeyValueSuite, ListsManyKeysByPages) {
  constexpr int kKeys = 2500;
  std::vector<std::string> names;
  for (int i = 0; i < kKeys; ++i) names.push_back("key" + std::to_string(i * 7919 % kKeys));
  std::vector<KeyValuePair> pairs;
  for (const std::string& name : names) pairs.emplace_back(name, as_bytes("v"));
  good(store->set_many("b", pairs));
  set("elsewhere", "v", "a");
  set("elsewhere", "v", "c");
  auto listed = all_keys();
  EXPECT_EQ(listed.size(), names.size());
  EXPECT_EQ(std::set(listed.begin(), listed.end()), std::set(names.begin(), names.end()));
  EXPECT_EQ(all_keys(), listed) << "the order is stable";
}

TEST_P(KeyValueSuite, APageThatIsExactlyFullIsTheLastOne) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < KeyValueLimits::kPageKeys; ++i) names.push_back(std::to_string(i));
  std::vector<KeyValuePair> pairs;
  for (const std::string& name : names) pairs.emplace_back(name, as_bytes("v"));
  good(store->set_many("b", pairs));
  EXPECT_EQ(all_keys().size(), names.size());
}

TEST_P(KeyValueSuite, ListingIsStableWhileOthersWrite) {
  std::set<std::string> stay;
  std::vector<std::string> names;
  for (int i = 0; i < 3000; ++i) names.push_back("k" + std::to_string(1000 + i));
  std::vector<KeyValuePair> pairs;
  for (const std::string& name : names) pairs.emplace_back(name, as_bytes("v"));
  good(store->set_many("b", pairs));
  for (std::size_t i = 0; i < names.size(); i += 2) stay.insert(names[i]);

  std::vector<std::string> listed;
  std::optional<std::string> cursor;
  int page_number = 0;
  do {
    KeyPage page = good(store->list_keys("b", cursor));
    listed.insert(listed.end(), page.keys.begin(), page.keys.end());
    cursor = page.next;
    // Others remove (the cursor's key among them), add and overwrite.
    std::vector<std::string_view> removed;
    for (std::size_t i = 1; i < names.size(); i += 2) removed.push_back(names[i]);
    if (cursor && !stay.contains(*cursor)) good(store->remove("b", *cursor));
    good(store->remove_many("b", removed));
    for (int i = 0; i < 20; ++i) set("new" + std::to_string(page_number * 100 + i), "v");
    for (int i = 0; i < 20; ++i) set("a" + std::to_string(page_number * 100 + i), "v");
    set(*stay.begin(), "another value");
  } while (cursor && ++page_number < 20);
  std::set<std::string> once(listed.begin(), listed.end());
  EXPECT_EQ(once.size(), listed.size()) << "a key was listed twice";
  for (const std::string& key : stay) EXPECT_TRUE(once.contains(key)) << key;
}

TEST_P(KeyValueSuite, AnyStringMayComeInAsACursor) {
  set("m", "v");
  for (std::string_view cursor : {""s, "\0"s, "m"s, "zzz"s, "\xff\xff"s, "12"s}) {
    KeyPage page = good(store->list_keys("b", cursor));
    EXPECT_LE(page.keys.size(), 1u);
    EXPECT_EQ(page.next, std::nullopt);
  }
}

// Each of several loops increments the same numbers with several tasks at once.
TEST_P(KeyValueSuite, ConcurrentIncrementsSumExactly) {
  constexpr int kLoops = 4, kTasks = 8, kRounds = 25;
  auto task = [](KeyValue& store, std::string own, std::set<std::uint64_t>& seen) -> Task<> {
    for (int i = 0; i < kRounds; ++i) {
      auto sum = co_await store.increment("b", "shared", 3).wait();
      EXPECT_TRUE(sum) << sum.error().message;
      if (sum) EXPECT_TRUE(seen.insert(*sum).second) << "two callers got the same sum";
      auto mine = co_await store.increment("b", own, 1).wait();
      EXPECT_TRUE(mine && *mine == static_cast<std::uint64_t>(i) + 1) << "own writes are read";
    }
  };
  std::vector<std::set<std::uint64_t>> seen(kLoops);
  std::vector<std::jthread> threads;
  for (int i = 0; i < kLoops; ++i) {
    threads.emplace_back([&, i] {
      asio::io_context own(1);
      for (int t = 0; t < kTasks; ++t) {
        std::string key = "own " + std::to_string(i) + "/" + std::to_string(t);
        asio::co_spawn(own, task(*store, key, seen[i]),
                       [](std::exception_ptr failure) { EXPECT_FALSE(failure); });
      }
      own.run();
    });
  }
  threads.clear();
  EXPECT_EQ(get("shared"), std::to_string(3 * kLoops * kTasks * kRounds));
  std::set<std::uint64_t> all;
  for (const auto& sums : seen) all.insert(sums.begin(), sums.end());
  EXPECT_EQ(all.size(), std::size_t{kLoops * kTasks * kRounds});
}

// A reader sees the pairs of one `set_many` together or not at all.
TEST_P(KeyValueSuite, ConcurrentBatchesAreNotSeenInParts) {
  if (!GetParam().transactions) GTEST_SKIP() << "no transactions";
  constexpr int kRounds = 60;
  auto writer = [](KeyValue& store, std::string text) -> Task<> {
    for (int i = 0; i < kRounds; ++i) {
      std::vector<KeyValuePair> pairs = {{"x", as_bytes(text)}, {"y", as_bytes(text)}};
      auto done = co_await store.set_many("b", pairs).wait();
      EXPECT_TRUE(done) << done.error().message;
    }
  };
  auto reader = [](KeyValue& store) -> Task<> {
    for (int i = 0; i < kRounds; ++i) {
      std::string_view keys[] = {"x", "y"};
      auto values = co_await store.get_many("b", keys).wait();
      EXPECT_TRUE(values && (*values)[0] == (*values)[1]);
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      asio::io_context own(1);
      auto ended = [](std::exception_ptr failure) { EXPECT_FALSE(failure); };
      asio::co_spawn(own, writer(*store, std::string(20, static_cast<char>('a' + i))), ended);
      asio::co_spawn(own, reader(*store), ended);
      own.run();
    });
  }
}

TEST_P(KeyValueSuite, ListsTheBucketsThatHoldKeys) {
  EXPECT_THAT(all_buckets(), IsEmpty());
  const std::string longest(KeyValueLimits::kBucketName, 'b');
  const std::vector<std::string> names = {"", "a", "b", "b\0\xff'☃"s, "no/path:*%", longest};
  for (const std::string& name : names) set("k", "v", name);
  set("another", "v", "a");
  good(store->increment("counters", "n", 1));
  set("k", "v", "passing");
  good(store->remove("passing", "k"));
  auto listed = all_buckets();
  std::set<std::string> once(listed.begin(), listed.end());
  EXPECT_EQ(once.size(), listed.size()) << "a bucket was listed twice";
  once.erase("passing");  // it may be there or not
  std::set<std::string> expected(names.begin(), names.end());
  expected.insert("counters");
  EXPECT_EQ(once, expected);
  EXPECT_EQ(code(store->list_buckets(std::string(KeyValueLimits::kKey + 1, 'c'))),
            ErrorCode::LimitExceeded);
}

TEST_P(KeyValueSuite, ListsManyBucketsByPages) {
  constexpr std::size_t kBuckets = KeyValueLimits::kPageBuckets + 300;
  auto fill = [](KeyValue& store, std::size_t first) -> Task<> {
    for (std::size_t i = first; i < kBuckets; i += 16) {
      auto done = co_await store.set("bucket " + std::to_string(i), "k", as_bytes("v")).wait();
      EXPECT_TRUE(done) << done.error().message;
    }
  };
  for (std::size_t i = 0; i < 16; ++i) {
    asio::co_spawn(loop, fill(*store, i),
                   [](std::exception_ptr failure) { EXPECT_FALSE(failure); });
  }
  loop.restart();
  loop.run();
  BucketPage first = good(store->list_buckets(std::nullopt));
  ASSERT_TRUE(first.next);
  // Others write meanwhile.
  set("k", "v", "bucket");
  good(store->remove(first.buckets.back(), "k"));
  std::set<std::string> listed(first.buckets.begin(), first.buckets.end());
  std::size_t count = first.buckets.size();
  BucketPage second = good(store->list_buckets(first.next));
  count += second.buckets.size();
  listed.insert(second.buckets.begin(), second.buckets.end());
  EXPECT_EQ(second.next, std::nullopt);
  EXPECT_EQ(listed.size(), count);
  for (std::size_t i = 0; i < kBuckets; ++i)
    EXPECT_TRUE(listed.contains("bucket " + std::to_string(i))) << i;
}

TEST_P(KeyValueSuite, AWatchReportsWhatChanges) {
  set("before", "v");
  SeenChanges all, one;
  auto every_bucket = watch(all, std::nullopt);
  auto one_bucket = watch(one, "b");
  const std::string bytes = "\0\xff'☃"s;
  set(bytes, bytes, "b");
  set("empty", "", "b");
  set("k", "elsewhere", "c");
  good(store->increment("b", "n", 5));
  std::vector<KeyValuePair> pairs = {{"x", as_bytes("1")}, {"y", as_bytes("2")}};
  good(store->set_many("b", pairs));
  good(store->remove("b", "n"));
  std::string_view keys[] = {"x", "y"};
  good(store->remove_many("b", keys));
  set("last", "v", "b");
  set("last", "v", "c");
  EXPECT_TRUE(one.has("set b/last=v"));
  EXPECT_TRUE(all.has("set b/last=v"));
  EXPECT_TRUE(all.has("set c/last=v"));
  for (SeenChanges* seen : {&one, &all}) {
    for (const std::string& key : {"n"s, "x"s, "y"s})
      EXPECT_TRUE(seen->has("deleted b/" + key)) << key;
    EXPECT_TRUE(seen->has("set b/" + bytes + "=" + bytes));
    EXPECT_TRUE(seen->has("set b/empty="));
  }
  EXPECT_TRUE(all.has("set c/k=elsewhere"));
  for (const std::string& text : one.all()) {
    EXPECT_TRUE(text.contains(" b/")) << text;
    EXPECT_FALSE(text.contains("before")) << text;
  }
}

TEST_P(KeyValueSuite, AWatchReportsTheChangesOfAKeyInTheirOrder) {
  SeenChanges seen;
  auto watching = watch(seen, "b");
  constexpr int kChanges = 200;
  for (int i = 1; i <= kChanges; ++i) set("k", std::to_string(i));
  EXPECT_TRUE(seen.has("set b/k=" + std::to_string(kChanges)));
  int last = 0;
  for (const std::string& text : seen.all()) {
    int number = std::stoi(text.substr(text.find('=') + 1));
    EXPECT_GE(number, last);
    last = number;
  }
  EXPECT_EQ(last, kChanges);
}

TEST_P(KeyValueSuite, AWatchThatWasDroppedReportsNoMore) {
  SeenChanges stays;
  auto watching = watch(stays, "b");
  {
    SeenChanges goes;
    auto dropped = watch(goes, "b");
    set("k", "1");
    EXPECT_TRUE(goes.has("set b/k=1"));
    dropped.reset();
    std::size_t before = goes.all().size();
    set("k", "2");
    EXPECT_TRUE(stays.has("set b/k=2"));
    EXPECT_EQ(goes.all().size(), before);
  }
  // Dropped while others write.
  std::jthread writer([this](std::stop_token stop) {
    asio::io_context own(1);
    for (int i = 0; !stop.stop_requested(); ++i) {
      auto reply = store->set("b", "busy", as_bytes(std::to_string(i)));
      Result<> done =
          reply.ready() ? std::move(reply).take() : run_task(own, std::move(reply).task());
      EXPECT_TRUE(done) << done.error().message;
    }
  });
  for (int i = 0; i < 20; ++i) {
    SeenChanges brief;
    auto dropped = watch(brief, std::nullopt);
  }
  writer.request_stop();
  writer.join();
  EXPECT_EQ(code(store->watch(std::string(KeyValueLimits::kBucketName + 1, 'b'), nullptr)),
            ErrorCode::LimitExceeded);
  store.reset();  // a watch may outlive its provider
}

// The task of a call outlives the last pointer to its provider: a swap drops it while calls are in
// flight.
TEST_P(KeyValueSuite, AnAnswerOutlivesTheProvider) {
  set("k", "v");
  auto write = store->set("b", "k", as_bytes("w"));
  auto read = store->get("b", "k");
  auto sum = store->increment("b", "n", 1);
  store.reset();
  EXPECT_TRUE(now(std::move(write)));
  EXPECT_TRUE(now(std::move(read)));
  EXPECT_EQ(*now(std::move(sum)), 1u);
}

}  // namespace unbolt::contracts
