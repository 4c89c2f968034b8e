// Hand-overs between real providers: the contract before and after one, and many under load.
#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/contracts/key_value_handover.h"
#include "unbolt/contracts/testing/key_value_load.h"
#include "unbolt/contracts/testing/key_value_suite.h"
#include "unbolt/providers/kv_memory/kv_memory.h"
#include "unbolt/providers/kv_sqlite/kv_sqlite.h"

namespace unbolt::contracts {
namespace {

using namespace std::chrono_literals;
using Existing = HandoverOptions::Existing;

class Files {
 public:
  Files() {
    std::string name = ::testing::TempDir() + "/handover_XXXXXX";
    if (::mkdtemp(name.data())) path_ = name;
    EXPECT_FALSE(path_.empty());
  }
  ~Files() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::shared_ptr<KeyValue> open(BlockingPool& pool) {
    const std::string path = path_ + "/" + std::to_string(++number_) + ".db";
    auto store = providers::make_kv_sqlite(
        {.path = path, .durability = providers::KvDurability::Crash}, pool);
    EXPECT_TRUE(store) << store.error().message;
    return store ? *store : nullptr;
  }

 private:
  std::string path_;
  int number_ = 0;
};

std::shared_ptr<KeyValue> new_sqlite(BlockingPool& pool) {
  static Files files;
  return files.open(pool);
}

Result<CopyReport> copy(KeyValueHandover& handover, HandoverOptions options = {}) {
  asio::io_context loop(1);
  return run_task(loop, handover.copy(options));
}

std::shared_ptr<KeyValue> forwarding(BlockingPool& pool) {
  return std::make_shared<KeyValueHandover>(new_sqlite(pool), providers::make_kv_memory());
}
std::shared_ptr<KeyValue> handed_over(BlockingPool& pool) {
  auto store = std::make_shared<KeyValueHandover>(providers::make_kv_memory(), new_sqlite(pool));
  auto report = copy(*store);
  EXPECT_TRUE(report) << report.error().message;
  return store;
}
INSTANTIATE_TEST_SUITE_P(Handover, KeyValueSuite,
                         ::testing::Values(KeyValueCase{"forwarding", forwarding},
                                           KeyValueCase{"handed_over", handed_over}),
                         [](const auto& info) { return info.param.name; });

KeyValueContents contents_of(KeyValue& store) {
  asio::io_context loop(1);
  KeyValueContents contents;
  const auto now = [&](auto reply) { return run_task(loop, std::move(reply).wait()); };
  auto buckets = now(store.list_buckets(std::nullopt));
  EXPECT_TRUE(buckets && !buckets->next);
  for (const std::string& bucket : buckets->buckets) {
    std::optional<std::string> more;
    do {
      auto page = now(store.list_keys(bucket, more));
      EXPECT_TRUE(page);
      for (const std::string& key : page->keys) {
        auto value = now(store.get(bucket, key));
        EXPECT_TRUE(value && *value);
        contents[bucket][key] = std::string(as_text(**value));
      }
      more = page->next;
    } while (more);
  }
  return contents;
}

TEST(HandoverOfProviders, MemoryAndSqliteInTurnsUnderLoad) {
  constexpr int kTimes = 100, kKeys = 1000;
  BlockingPool pool(2);
  const std::vector<std::shared_ptr<KeyValue>> stores = {
      providers::make_kv_memory(), new_sqlite(pool), providers::make_kv_memory(), new_sqlite(pool)};
  asio::io_context loop(1);
  for (int i = 0; i < kKeys; ++i) {
    auto done = run_task(loop, stores[0]->set("cold", std::to_string(i), Bytes(100, 'v')).wait());
    ASSERT_TRUE(done);
  }
  LinkedStore link(stores[0]);
  KeyValueLoad load(link, {.loops = 2, .tasks = 8, .think = 2ms});
  std::chrono::microseconds held{0}, longest{0}, took{0};
  std::weak_ptr<const std::shared_ptr<KeyValue>> forwarding;
  std::uint64_t carried = 0;
  for (int i = 0; i < kTimes; ++i) {
    const auto& next = stores[(i + 1) % stores.size()];
    auto handover = std::make_shared<KeyValueHandover>(stores[i % stores.size()], next);
    link.publish_and_drain(handover);
    while (!forwarding.expired()) std::this_thread::sleep_for(100us);
    auto report = copy(*handover, {.existing = i < 3 ? Existing::Refuse : Existing::Mirror});
    ASSERT_TRUE(report) << report.error().message;
    held += report->held;
    took += report->took;
    longest = std::max(longest, report->held);
    carried += report->carried.keys;
    forwarding = link.publish(next);
  }
  load.stop();
  auto contents = contents_of(*stores[kTimes % stores.size()]);
  EXPECT_EQ(contents["cold"].size(), std::size_t{kKeys});
  contents.erase("cold");
  load.check(contents);
  std::printf(
      "%d hand-overs of %lld us, %llu keys carried, %llu calls: writes held for %lld us, at"
      " most %lld us; latency p50 %u us, p99 %u us, longest %u us\n",
      kTimes, static_cast<long long>(took.count() / kTimes),
      static_cast<unsigned long long>(carried), static_cast<unsigned long long>(load.calls()),
      static_cast<long long>(held.count() / kTimes), static_cast<long long>(longest.count()),
      load.latency(0.5), load.latency(0.99), load.latency(1));
}

}  // namespace
}  // namespace unbolt::contracts
