#include "unbolt/providers/messaging_memory/messaging_memory.h"

#include <gtest/gtest.h>

#include "unbolt/contracts/testing/messaging_suite.h"

namespace unbolt::contracts {

INSTANTIATE_TEST_SUITE_P(Memory, MessagingSuite,
                         ::testing::Values(MessagingCase{"memory", [](BlockingPool&) {
                                                           return providers::make_messaging_memory(
                                                               stderr_log(LogLevel::Error));
                                                         }}));

}  // namespace unbolt::contracts

namespace unbolt::providers {
namespace {

using contracts::Collector;
using namespace std::chrono_literals;

template <class T>
T now(Reply<T> reply) {
  EXPECT_TRUE(reply.ready());
  return std::move(reply).take();
}

TEST(MessagingMemory, PublishersWaitForAFullQueue) {
  auto broker =
      make_messaging_memory(stderr_log(LogLevel::Error), {.queue = 3, .publish_timeout = 100ms});
  Collector got;
  auto subscription =
      *now(broker->subscribe({"a", "g", {}, 1}, got.receiver(Collector::Answer::Keep)));
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(now(broker->publish({"a", as_bytes("x"), {}})));
  // One is in flight, three wait: the fifth has no room until one is handled, or ever.
  asio::io_context loop{1};
  auto late = broker->publish({"a", as_bytes("late"), {}});
  ASSERT_FALSE(late.ready());
  auto refused = run_task(loop, std::move(late).task());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::LimitExceeded);

  auto waits = broker->publish({"a", as_bytes("in time"), {}});
  ASSERT_FALSE(waits.ready());
  asio::post(loop, [&] { got.take().handled(); });
  EXPECT_TRUE(run_task(loop, std::move(waits).task()));
  for (int i = 0; i < 4; ++i) got.take().handled();
  EXPECT_EQ(got.bodies().back(), "in time");
  EXPECT_EQ(got.count(), 5u);
}

TEST(MessagingMemory, AQueueIsBoundedInBytes) {
  auto broker = make_messaging_memory(
      stderr_log(LogLevel::Error),
      {.queue_bytes = 10'000, .publish_timeout = std::chrono::milliseconds(1)});
  Collector got;
  auto subscription =
      *now(broker->subscribe({"a", {}, {}, 1}, got.receiver(Collector::Answer::Keep)));
  const Bytes large(20'000);
  ASSERT_TRUE(now(broker->publish({"a", large, {}})));  // in flight
  ASSERT_TRUE(now(broker->publish({"a", large, {}})));  // alone in the queue
  EXPECT_FALSE(broker->publish({"a", as_bytes("x"), {}}).ready());
}

TEST(MessagingMemory, ThePoisonousMessageIsDropped) {
  auto broker = make_messaging_memory(stderr_log(LogLevel::Error), {.attempts = 3});
  std::vector<std::uint64_t> attempts;
  auto subscription = *now(broker->subscribe(
      {"a", "g"}, [&](contracts::Delivery d) { attempts.push_back(d.attempt()); }));
  ASSERT_TRUE(now(broker->publish({"a", as_bytes("bad"), {}})));
  EXPECT_EQ(attempts, (std::vector<std::uint64_t>{1, 2, 3}));
  EXPECT_EQ(subscription->counts().lost, 1u);
}

TEST(MessagingMemory, AChainOfMessagesDoesNotDeepenTheStack) {
  auto broker = make_messaging_memory(stderr_log(LogLevel::Error));
  int left = 100'000;
  auto subscription = *now(broker->subscribe({"a"}, [&](contracts::Delivery d) {
    if (--left > 0) EXPECT_TRUE(now(broker->publish({"a", {}, {}})));
    d.handled();
  }));
  ASSERT_TRUE(now(broker->publish({"a", {}, {}})));
  EXPECT_EQ(left, 0);
}

TEST(MessagingMemory, OpensByUrl) {
  BlockingPool pool(1);
  contracts::ProviderContext context{stderr_log(), pool};
  contracts::ProviderTable<contracts::Messaging> table({{"memory", open_messaging_memory}});
  EXPECT_TRUE(table.open("memory:", context));
  EXPECT_TRUE(table.open("memory:orders?queue=5&queue_bytes=1M&attempts=1", context));
  EXPECT_EQ(table.open("memory:?queue=0", context).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(table.open("memory:?queues=1", context).error().hint, "did you mean queue=?");
}

}  // namespace
}  // namespace unbolt::providers
