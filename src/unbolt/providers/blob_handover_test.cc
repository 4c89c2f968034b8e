// Hand-overs of blob stores: the contract before and after one, and many under load.
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <thread>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/contracts/blob_handover.h"
#include "unbolt/contracts/testing/blob_store_suite.h"
#include "unbolt/files/testing/scratch.h"
#include "unbolt/providers/blob_files/blob_files.h"
#include "unbolt/providers/blob_memory/blob_memory.h"

namespace unbolt::contracts {
namespace {

using namespace std::chrono_literals;
using Existing = HandoverOptions::Existing;

std::shared_ptr<BlobStore> memory() { return providers::make_blob_memory(); }

Result<CopyReport> copy(BlobHandover& handover, Existing existing = Existing::Refuse) {
  asio::io_context loop(1);
  return run_task(loop, handover.copy({.existing = existing}));
}

std::shared_ptr<BlobStore> forwarding(BlockingPool&) {
  return std::make_shared<BlobHandover>(memory(), memory());
}
std::shared_ptr<BlobStore> handed_over(BlockingPool&) {
  auto store = std::make_shared<BlobHandover>(memory(), memory());
  auto report = copy(*store);
  EXPECT_TRUE(report) << report.error().message;
  return store;
}
INSTANTIATE_TEST_SUITE_P(Handover, BlobStoreSuite,
                         ::testing::Values(BlobStoreCase{"forwarding", forwarding},
                                           BlobStoreCase{"handed_over", handed_over}),
                         [](const auto& info) { return info.param.name; });

template <class T>
T now(Reply<T> reply) {
  asio::io_context loop(1);
  return run_task(loop, std::move(reply).wait());
}

Result<> put(BlobStore& store, BlobName name, std::string_view value) {
  UNBOLT_ASSIGN(auto writer, now(store.write(name)));
  UNBOLT_TRY(now(writer->write(as_bytes(value))));
  return now(writer->finish());
}
std::optional<std::string> get(BlobStore& store, BlobName name) {
  auto reader = now(store.read(name, {}));
  if (!reader) return std::nullopt;
  std::string text;
  while (true) {
    auto piece = now((*reader)->next(SIZE_MAX));
    EXPECT_TRUE(piece);
    if (!piece || piece->empty()) return text;
    text += as_text(*piece);
  }
}

TEST(BlobHandover, CarriesContainersAndObjectsAndRemovesWhatIsStale) {
  auto old = memory(), next = memory();
  for (const char* container : {"a", "b", "empty"})
    ASSERT_TRUE(now(old->create_container(container)));
  const std::string large(1 << 20, 'v');
  for (int i = 0; i < 30; ++i) ASSERT_TRUE(put(*old, {"a", std::to_string(i)}, large));
  ASSERT_TRUE(put(*old, {"b", "nothing"}, ""));
  for (const char* container : {"b", "stale"}) ASSERT_TRUE(now(next->create_container(container)));
  ASSERT_TRUE(put(*next, {"b", "stale"}, "v"));
  ASSERT_TRUE(put(*next, {"stale", "k"}, "v"));
  BlobHandover handover(old, next);
  auto refused = copy(handover);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Conflict);
  auto report = copy(handover, Existing::Mirror);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->carried.buckets, 3u);
  EXPECT_EQ(report->carried.keys, 31u);
  EXPECT_EQ(report->carried.bytes, 30u << 20);
  EXPECT_EQ(report->carried.removed, 2u);
  EXPECT_EQ(get(*next, {"a", "7"}), large);
  EXPECT_EQ(get(*next, {"b", "nothing"}), "");
  EXPECT_EQ(get(*next, {"b", "stale"}), std::nullopt);
  EXPECT_TRUE(*now(next->container_exists("empty")));
  EXPECT_FALSE(*now(next->container_exists("stale")));
  BlobHandover same(old, old);
  EXPECT_FALSE(copy(same, Existing::Mirror));
}

TEST(BlobHandover, AWriterFromBeforeTheCutOverDoesNotHoldItUp) {
  auto old = memory(), next = memory();
  BlobHandover handover(old, next);
  ASSERT_TRUE(now(handover.create_container("c")));
  ASSERT_TRUE(put(handover, {"c", "k"}, "before"));
  auto writer = now(handover.write({"c", "k"}));
  ASSERT_TRUE(writer);
  auto reader = now(handover.read({"c", "k"}, {}));
  ASSERT_TRUE(reader);
  ASSERT_TRUE(now((*writer)->write(as_bytes("af"))));
  auto report = copy(handover);
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(get(handover, {"c", "k"}), "before");
  ASSERT_TRUE(now((*writer)->write(as_bytes("ter"))));
  EXPECT_EQ(get(handover, {"c", "k"}), "before");
  ASSERT_TRUE(now((*writer)->finish()));
  EXPECT_EQ(get(handover, {"c", "k"}), "after");
  EXPECT_EQ(get(*next, {"c", "k"}), "after");
  auto piece = now((*reader)->next(100));
  ASSERT_TRUE(piece);
  EXPECT_EQ(as_text(*piece), "before");
}

// Each thread has containers and objects of its own and knows what they hold.
TEST(BlobHandover, ManyTimesUnderLoadLosesNothing) {
  constexpr int kTimes = 8, kThreads = 3;
  using Contents = std::map<std::string, std::optional<std::map<std::string, std::string>>>;
  const files::testing::Scratch scratch;
  BlockingPool pool(2);
  auto in_files = providers::make_blob_files(
      {(scratch / "blobs").string(), providers::blob_files::Durability::Crash}, pool);
  ASSERT_TRUE(in_files) << in_files.error().message;
  const std::vector<std::shared_ptr<BlobStore>> stores = {memory(), *in_files};
  std::mutex mutex;
  auto link = std::make_shared<std::shared_ptr<BlobStore>>(stores[0]);
  std::atomic<bool> stop = false;
  std::vector<Contents> known(kThreads);
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      std::minstd_rand random(static_cast<unsigned>(thread) + 1);
      Contents& contents = known[thread];
      while (!stop) {
        std::shared_ptr<std::shared_ptr<BlobStore>> pin;
        {
          const std::lock_guard lock(mutex);
          pin = link;
        }
        BlobStore& store = **pin;
        const std::string container = std::to_string(thread) + std::to_string(random() % 3);
        auto& inside = contents[container];
        if (!inside) {
          ASSERT_TRUE(now(store.create_container(container)));
          inside.emplace();
        }
        const std::string name = std::to_string(random() % 20), other = name + "x";
        const std::string value(random() % 3000, static_cast<char>('a' + random() % 26));
        switch (random() % 40) {
          case 0:
            ASSERT_TRUE(now(store.delete_container(container)));
            inside.reset();
            break;
          case 1:
            ASSERT_TRUE(now(store.clear(container)));
            inside->clear();
            break;
          case 2:
          case 3:
            ASSERT_TRUE(now(store.remove({container, name})));
            inside->erase(name);
            break;
          case 4:
          case 5: {
            const bool there = inside->contains(name);
            ASSERT_EQ(now(store.move({container, name}, {container, other})).has_value(), there);
            if (!there) break;
            (*inside)[other] = (*inside)[name];
            inside->erase(name);
            break;
          }
          case 6: {
            auto found = get(store, {container, name});
            ASSERT_EQ(found.has_value(), inside->contains(name));
            if (found) ASSERT_EQ(*found, (*inside)[name]);
            break;
          }
          default: ASSERT_TRUE(put(store, {container, name}, value)); (*inside)[name] = value;
        }
      }
    });
  }
  const auto publish = [&](std::shared_ptr<BlobStore> next) {
    auto pin = std::make_shared<std::shared_ptr<BlobStore>>(std::move(next));
    const std::lock_guard lock(mutex);
    link.swap(pin);
    return std::weak_ptr(pin);
  };
  const auto drain = [](const auto& pin) {
    while (!pin.expired()) std::this_thread::sleep_for(50us);
  };
  for (int i = 0; i < kTimes; ++i) {
    auto handover = std::make_shared<BlobHandover>(stores[i % 2], stores[(i + 1) % 2]);
    drain(publish(handover));
    auto report = copy(*handover, Existing::Mirror);
    ASSERT_TRUE(report) << report.error().message;
    drain(publish(stores[(i + 1) % 2]));
  }
  stop = true;
  threads.clear();
  BlobStore& last = *stores[kTimes % 2];
  for (const Contents& contents : known) {
    for (const auto& [container, inside] : contents) {
      ASSERT_EQ(*now(last.container_exists(container)), inside.has_value()) << container;
      if (!inside) continue;
      auto page = now(last.list_objects(container, std::nullopt));
      ASSERT_TRUE(page);
      EXPECT_EQ(page->names.size(), inside->size());
      for (const auto& [name, value] : *inside) EXPECT_EQ(get(last, {container, name}), value);
    }
  }
}

}  // namespace
}  // namespace unbolt::contracts
