#include "unbolt/providers/kv_memory/kv_memory.h"

#include <gtest/gtest.h>

#include "unbolt/contracts/testing/key_value_suite.h"

namespace unbolt::contracts {

INSTANTIATE_TEST_SUITE_P(Memory, KeyValueSuite,
                         ::testing::Values(KeyValueCase{
                             "memory", [](BlockingPool&) { return providers::make_kv_memory(); }}));

}  // namespace unbolt::contracts

namespace unbolt::providers {
namespace {

template <class T>
T now(Reply<T> reply) {
  EXPECT_TRUE(reply.ready());
  return std::move(reply).take();
}

TEST(KvMemory, IsBounded) {
  auto store = make_kv_memory({.max_bytes = 10'000});
  Bytes value(1000, 'v');
  int stored = 0;
  Result<> last;
  while (stored < 100 && (last = now(store->set("b", std::to_string(stored), value)))) ++stored;
  EXPECT_GE(stored, 5);
  EXPECT_LE(stored, 10);
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, ErrorCode::LimitExceeded);
  EXPECT_EQ(now(store->increment("b", "n", 1)).has_value(), stored * 1250 + 300 < 10'000);

  // What is removed is free again, to the last byte: rounds do not use it up.
  for (int round = 0; round < 1000; ++round) {
    ASSERT_TRUE(now(store->remove("b", "0")));
    ASSERT_TRUE(now(store->set("b", "0", value))) << round;
  }
}

TEST(KvMemory, EmptyBucketsCostNothing) {
  auto store = make_kv_memory({.max_bytes = 10'000});
  for (int round = 0; round < 1000; ++round) {
    std::string bucket = "bucket " + std::to_string(round);
    ASSERT_TRUE(now(store->set(bucket, "k", as_bytes("v")))) << round;
    ASSERT_TRUE(now(store->remove(bucket, "k")));
  }
}

TEST(KvMemory, ABatchThatDoesNotFitChangesNothing) {
  auto store = make_kv_memory({.max_bytes = 10'000});
  ASSERT_TRUE(now(store->set("b", "a", as_bytes("old"))));
  Bytes value(6000, 'v');
  std::vector<contracts::KeyValuePair> pairs = {{"a", value}, {"c", value}};
  EXPECT_EQ(now(store->set_many("b", pairs)).error().code, ErrorCode::LimitExceeded);
  EXPECT_EQ(as_text(**now(store->get("b", "a"))), "old");
  EXPECT_EQ(now(store->list_keys("b", std::nullopt))->keys.size(), 1u);
}

TEST(KvMemory, OpensByUrl) {
  BlockingPool pool(1);
  contracts::ProviderContext context{stderr_log(), pool};
  contracts::ProviderTable<contracts::KeyValue> table({{"memory", open_kv_memory}});
  EXPECT_TRUE(table.open("memory:", context));
  auto small = table.open("memory:?max_bytes=1K", context);
  ASSERT_TRUE(small);
  EXPECT_EQ(now((*small)->set("b", "k", Bytes(2000))).error().code, ErrorCode::LimitExceeded);
  EXPECT_TRUE(table.open("memory:name", context));
  EXPECT_EQ(table.open("memory:?maxbytes=1", context).error().hint, "did you mean max_bytes=?");
  EXPECT_EQ(table.open("memry:", context).error().hint, "did you mean memory:?");
}

}  // namespace
}  // namespace unbolt::providers
