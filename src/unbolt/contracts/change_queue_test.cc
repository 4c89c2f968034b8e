#include "unbolt/contracts/change_queue.h"

#include <gtest/gtest.h>

#include <thread>

#include "unbolt/base/testing/run_task.h"

namespace unbolt::contracts {
namespace {

using namespace std::chrono_literals;

KeyChange set(std::string key, std::size_t bytes = 1) {
  return {KeyChange::Kind::Set, "b", std::move(key), std::make_shared<const Bytes>(bytes)};
}

class ChangeQueueTest : public ::testing::Test {
 protected:
  std::optional<KeyChange> next(std::chrono::milliseconds within = 20s) {
    return run_task(loop, queue->next(std::chrono::steady_clock::now() + within));
  }

  asio::io_context loop{1};
  std::shared_ptr<ChangeQueue> queue = std::make_shared<ChangeQueue>();
};

TEST_F(ChangeQueueTest, KeepsTheOrderOfAnotherThread) {
  constexpr int kCount = 5000;
  auto put = queue->callback();
  std::jthread provider([&] {
    for (int i = 0; i < kCount; ++i) put(set(std::to_string(i)));
  });
  for (int i = 0; i < kCount; ++i) {
    auto change = next();
    ASSERT_TRUE(change);
    ASSERT_EQ(change->key, std::to_string(i));
  }
  EXPECT_FALSE(next(10ms));
}

TEST_F(ChangeQueueTest, IsBoundedByNumber) {
  for (std::size_t i = 0; i < 3 * ChangeQueue::kChanges; ++i) {
    queue->push(set(std::to_string(i)));
    ASSERT_LE(queue->size(), ChangeQueue::kChanges + 1);
  }
  EXPECT_EQ(next()->kind, KeyChange::Kind::Missed);
  std::string last;
  while (auto change = next(1ms)) last = change->key;
  EXPECT_EQ(last, std::to_string(3 * ChangeQueue::kChanges - 1));
}

TEST_F(ChangeQueueTest, IsBoundedByBytes) {
  queue->push(set("larger than all", ChangeQueue::kBytes + 1));
  EXPECT_EQ(next()->key, "larger than all");
  for (int i = 0; i < 5; ++i) queue->push(set(std::to_string(i), ChangeQueue::kBytes / 2));
  EXPECT_LE(queue->size(), 2u);
  EXPECT_EQ(next()->kind, KeyChange::Kind::Missed);
  EXPECT_EQ(next()->key, "4");
}

TEST_F(ChangeQueueTest, OnceClosedWhatIsInItIsTheLast) {
  queue->push(set("a"));
  queue->close();
  queue->push(set("b"));
  EXPECT_EQ(next()->key, "a");
  EXPECT_FALSE(next());  // at once
}

TEST_F(ChangeQueueTest, ClosingWakesWhoWaits) {
  std::jthread closing([&] {
    std::this_thread::sleep_for(20ms);
    queue->close();
  });
  EXPECT_FALSE(run_task(loop, queue->next(std::chrono::steady_clock::time_point::max())));
}

}  // namespace
}  // namespace unbolt::contracts
