#include "unbolt/providers/blob_memory/blob_memory.h"

#include <gtest/gtest.h>

#include "unbolt/contracts/testing/blob_store_suite.h"

namespace unbolt::contracts {

INSTANTIATE_TEST_SUITE_P(Memory, BlobStoreSuite,
                         ::testing::Values(BlobStoreCase{"memory", [](BlockingPool&) {
                                                           return providers::make_blob_memory();
                                                         }}));

}  // namespace unbolt::contracts

namespace unbolt::providers {
namespace {

template <class T>
T now(Reply<T> reply) {
  EXPECT_TRUE(reply.ready());
  return std::move(reply).take();
}

Result<> put(contracts::BlobStore& store, std::string_view name, ByteView value) {
  UNBOLT_ASSIGN(auto writer, now(store.write({"c", name})));
  UNBOLT_TRY(now(writer->write(value)));
  return now(writer->finish());
}

TEST(BlobMemory, IsBounded) {
  auto store = make_blob_memory({.max_bytes = 100'000});
  ASSERT_TRUE(now(store->create_container("c")));
  const Bytes value(9'000, 'v');
  int stored = 0;
  Result<> last;
  while (stored < 100 && (last = put(*store, std::to_string(stored), value))) ++stored;
  EXPECT_EQ(stored, 10);
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, ErrorCode::LimitExceeded);

  // What is removed, replaced or given up is free again, to the last byte.
  for (int round = 0; round < 1000; ++round) {
    ASSERT_TRUE(now(store->remove({"c", "0"})));
    ASSERT_TRUE(put(*store, "0", value)) << round;
    ASSERT_TRUE(now(store->copy({"c", "1"}, {"c", "2"})));
    ASSERT_TRUE(now(store->move({"c", "1"}, {"c", "1"})));
    auto given_up = now(store->write({"c", "0"}));
    ASSERT_TRUE(now((*given_up)->write(as_bytes("a little"))));
  }
  ASSERT_TRUE(now(store->delete_container("c")));
  ASSERT_TRUE(now(store->create_container("c")));
  ASSERT_TRUE(put(*store, "large", Bytes(95'000)));
}

TEST(BlobMemory, WhatIsReadCostsUntilItIsClosed) {
  auto store = make_blob_memory({.max_bytes = 100'000});
  ASSERT_TRUE(now(store->create_container("c")));
  ASSERT_TRUE(put(*store, "o", Bytes(60'000)));
  auto reader = now(store->read({"c", "o"}, {}));
  ASSERT_TRUE(now(store->remove({"c", "o"})));
  EXPECT_EQ(put(*store, "o", Bytes(60'000)).error().code, ErrorCode::LimitExceeded);
  reader->reset();
  EXPECT_TRUE(put(*store, "o", Bytes(60'000)));
}

TEST(BlobMemory, OpensByUrl) {
  BlockingPool pool(1);
  contracts::ProviderContext context{stderr_log(), pool};
  contracts::ProviderTable<contracts::BlobStore> table({{"memory", open_blob_memory}});
  EXPECT_TRUE(table.open("memory:", context));
  EXPECT_TRUE(table.open("memory:uploads", context));
  auto small = table.open("memory:?max_bytes=1K", context);
  ASSERT_TRUE(small);
  ASSERT_TRUE(now((*small)->create_container("c")));
  EXPECT_EQ(put(**small, "k", Bytes(2000)).error().code, ErrorCode::LimitExceeded);
  EXPECT_EQ(table.open("memory:?maxbytes=1", context).error().hint, "did you mean max_bytes=?");
}

}  // namespace
}  // namespace unbolt::providers
