// The contract suite of `Messaging`: a provider is done when it passes. Include it in the
// provider's test and write
//   INSTANTIATE_TEST_SUITE_P(Memory, MessagingSuite,
//                            ::testing::Values(MessagingCase{"memory", make}));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/testing/run_task.h"
#include "unbolt/contracts/messaging.h"
#include "unbolt/contracts/testing/collector.h"

namespace unbolt::contracts {

struct MessagingCase {
  std::string name;
  // A provider with nothing in it. Messages to `test.>` go the way that is to be tested.
  std::function<std::shared_ptr<Messaging>(BlockingPool&)> make;
  // Whether a message that failed is given again.
  bool redelivers = true;
  // Whether it keeps messages under a durable name.
  bool durable = true;
  std::size_t largest_body = MessagingLimits::kBody;
};
inline void PrintTo(const MessagingCase& provider, std::ostream* out) { *out << provider.name; }

class MessagingSuite : public ::testing::TestWithParam<MessagingCase> {
 protected:
  using Subscribed = std::unique_ptr<Subscription>;

  void SetUp() override { messaging = GetParam().make(pool); }

  template <class T>
  static T now(asio::io_context& loop, Reply<T> reply) {
    if (reply.ready()) return std::move(reply).take();
    return run_task(loop, std::move(reply).task());
  }
  template <class T>
  T now(Reply<T> reply) {
    return now(loop, std::move(reply));
  }
  template <class T>
  std::optional<ErrorCode> code(Reply<Result<T>> reply) {
    Result<T> result = now(std::move(reply));
    if (result) return std::nullopt;
    EXPECT_FALSE(result.error().message.empty());
    return result.error().code;
  }

  void publish(std::string_view subject, std::string_view body) {
    auto done = now(messaging->publish({subject, as_bytes(body), {}}));
    EXPECT_TRUE(done) << done.error().message;
  }
  Subscribed subscribe(SubscribeOptions options, Receiver receiver) {
    auto made = now(messaging->subscribe(std::move(options), std::move(receiver)));
    EXPECT_TRUE(made) << made.error().message;
    return made ? std::move(*made) : nullptr;
  }
  Result<> drain(Subscription& subscription, std::chrono::milliseconds timeout) {
    return run_task(loop, subscription.drain(timeout));
  }
  void drained(Subscription& subscription) {
    auto done = drain(subscription, std::chrono::seconds(20));
    EXPECT_TRUE(done) << done.error().message;
  }

  asio::io_context loop{1};
  BlockingPool pool{4};
  std::shared_ptr<Messaging> messaging;
};

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

TEST_P(MessagingSuite, DeliversWhatWasPublished) {
  Collector got;
  auto subscription = subscribe({"test.a"}, got.receiver());
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  ASSERT_TRUE(now(messaging->publish({"test.a", as_bytes(bytes), "test.answers"})));
  publish("test.b", "not for us");
  publish("test.a.b", "nor this");
  publish("test.a", "");
  ASSERT_TRUE(got.wait_for(2));
  const auto messages = got.messages();
  EXPECT_EQ(messages[0].subject, "test.a");
  EXPECT_EQ(as_text(messages[0].body), bytes);
  EXPECT_EQ(messages[0].reply_to, "test.answers");
  EXPECT_EQ(messages[1].body, Bytes());
  EXPECT_EQ(messages[1].reply_to, std::nullopt);
  EXPECT_THAT(got.attempts(), ElementsAre(1u, 1u));
  drained(*subscription);
  EXPECT_EQ(subscription->counts().delivered, 2u);
  EXPECT_EQ(subscription->counts().handled, 2u);
  EXPECT_EQ(subscription->counts().lost, 0u);
}

TEST_P(MessagingSuite, Wildcards) {
  Collector one, rest;
  auto a = subscribe({"test.*.new"}, one.receiver());
  auto b = subscribe({"test.orders.>"}, rest.receiver());
  publish("test.orders.new", "1");
  publish("test.users.new", "2");
  publish("test.orders.new.eu", "3");
  publish("test.orders", "4");
  ASSERT_TRUE(one.wait_for(2));
  ASSERT_TRUE(rest.wait_for(2));
  drained(*a);
  drained(*b);
  EXPECT_THAT(one.bodies(), UnorderedElementsAre("1", "2"));
  EXPECT_THAT(rest.bodies(), UnorderedElementsAre("1", "3"));
}

TEST_P(MessagingSuite, OneOfAGroupGetsAMessage) {
  Collector all, first, second, other;
  auto everyone = subscribe({"test.a"}, all.receiver());
  auto one = subscribe({"test.a", "workers"}, first.receiver());
  auto two = subscribe({"test.a", "workers"}, second.receiver());
  auto three = subscribe({"test.a", "others"}, other.receiver());
  for (int i = 0; i < 40; ++i) publish("test.a", std::to_string(i));
  ASSERT_TRUE(all.wait_for(40));
  ASSERT_TRUE(other.wait_for(40));
  for (auto* subscription : {&everyone, &one, &two, &three}) drained(**subscription);
  auto bodies = first.bodies();
  auto more = second.bodies();
  bodies.insert(bodies.end(), more.begin(), more.end());
  std::ranges::sort(bodies);
  auto expected = all.bodies();
  std::ranges::sort(expected);
  EXPECT_EQ(bodies, expected);
  EXPECT_EQ(bodies.size(), 40u);
}

TEST_P(MessagingSuite, RequestAndReply) {
  for (const std::string subject : {"rpc.echo", "rpc.a.b"}) {
    asio::io_context other{1};
    auto work = asio::make_work_guard(other);
    std::thread thread([&] { other.run(); });
    auto subscription = subscribe({subject, "servers"}, [&](Delivery delivery) {
      const Message& message = delivery.message();
      auto copy = std::make_shared<Message>(message);
      asio::post(other, [this, &other, copy] {
        copy->body.push_back('!');
        auto reply = messaging->publish({*copy->reply_to, copy->body, {}});
        if (!reply.ready()) {
          asio::co_spawn(other, std::move(reply).task(), [](std::exception_ptr, Result<>) {});
        }
      });
      delivery.handled();
    });
    for (int i = 0; i < 5; ++i) {
      auto answer = now(messaging->request(subject, as_bytes(std::to_string(i)), 20s));
      ASSERT_TRUE(answer) << answer.error().message;
      EXPECT_EQ(as_text(answer->body), std::to_string(i) + "!");
    }
    drained(*subscription);
    work.reset();
    thread.join();
  }
}

TEST_P(MessagingSuite, ARequestThatNobodyAnswers) {
  EXPECT_EQ(code(messaging->request("rpc.nobody", as_bytes("?"), 20s)), ErrorCode::Unavailable);
  Collector silent;
  auto subscription = subscribe({"rpc.silent"}, silent.receiver());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(code(messaging->request("rpc.silent", as_bytes("?"), 200ms)), ErrorCode::Timeout);
  const auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, 200ms);
  EXPECT_LT(took, 10s);
  EXPECT_TRUE(silent.wait_for(1));
}

TEST_P(MessagingSuite, ManyRequestsAtOnce) {
  auto subscription = subscribe({"rpc.echo"}, [this](Delivery delivery) {
    // Answered from wherever it came; the reply is not awaited.
    auto reply = messaging->publish({*delivery.message().reply_to, delivery.message().body, {}});
    if (!reply.ready()) asio::co_spawn(loop, std::move(reply).task(), asio::detached);
    delivery.handled();
  });
  constexpr int kRequests = 200;
  int right = 0;
  for (int i = 0; i < kRequests; ++i) {
    auto one = [](std::shared_ptr<Messaging> via, int number, int& good) -> Task<> {
      const auto text = std::to_string(number);
      auto answer = co_await via->request("rpc.echo", as_bytes(text), 20s).wait();
      if (answer && as_text(answer->body) == text) ++good;
    };
    asio::co_spawn(loop, one(messaging, i, right), asio::detached);
  }
  loop.restart();
  loop.run();
  EXPECT_EQ(right, kRequests);
}

TEST_P(MessagingSuite, WhatFailedComesAgain) {
  Collector got;
  auto subscription = subscribe({"test.a", "workers"}, got.receiver(Collector::Answer::Keep));
  publish("test.a", "precious");
  got.take().failed();
  if (!GetParam().redelivers) {
    drained(*subscription);
    EXPECT_EQ(got.count(), 1u);
    EXPECT_EQ(subscription->counts().failed, 1u);
    return;
  }
  {
    auto dropped = got.take();
  }
  got.take().handled();
  drained(*subscription);
  EXPECT_THAT(got.bodies(), ElementsAre("precious", "precious", "precious"));
  EXPECT_THAT(got.attempts(), ElementsAre(1u, 2u, 3u));
  EXPECT_EQ(subscription->counts().failed, 2u);
  EXPECT_EQ(subscription->counts().handled, 1u);
}

TEST_P(MessagingSuite, DeliveriesInFlightAreBounded) {
  Collector got;
  auto subscription =
      subscribe({"test.a", "workers", {}, 4}, got.receiver(Collector::Answer::Keep));
  for (int i = 0; i < 50; ++i) publish("test.a", std::to_string(i));
  ASSERT_TRUE(got.wait_for(4));
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(got.kept(), 4u);
  for (int i = 0; i < 50; ++i) got.take().handled();
  drained(*subscription);
  EXPECT_EQ(got.most_kept(), 4u);
  EXPECT_EQ(got.count(), 50u);
}

TEST_P(MessagingSuite, ADroppedSubscriptionIsCalledNoMore) {
  Collector got;
  auto subscription = subscribe({"test.a"}, got.receiver(Collector::Answer::Keep));
  publish("test.a", "1");
  auto delivery = got.take();
  subscription.reset();
  publish("test.a", "2");
  std::this_thread::sleep_for(50ms);
  EXPECT_EQ(got.count(), 1u);
  delivery.handled();  // and nothing breaks
}

TEST_P(MessagingSuite, DrainWaitsForAnswers) {
  Collector got;
  auto subscription = subscribe({"test.a", "workers"}, got.receiver(Collector::Answer::Keep));
  publish("test.a", "1");
  publish("test.a", "2");
  ASSERT_TRUE(got.wait_for(2));
  std::thread worker([&] {
    std::this_thread::sleep_for(100ms);
    got.take().handled();
    got.take().handled();
  });
  const auto begin = std::chrono::steady_clock::now();
  drained(*subscription);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 80ms);
  worker.join();
  EXPECT_EQ(subscription->counts().handled, 2u);

  auto next = subscribe({"test.b", "workers"}, got.receiver(Collector::Answer::Keep));
  publish("test.b", "3");
  auto held = got.take();
  auto done = drain(*next, 100ms);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::Timeout);
}

// The hand-over of a revision or provider: set up anew, then drain the old.
TEST_P(MessagingSuite, NothingIsLostOrHandledTwiceWhileSubscriptionsAreSwapped) {
  constexpr int kMessages = 2000, kSwaps = 20, kPublishers = 2;
  asio::io_context working{1};
  auto work = asio::make_work_guard(working);
  std::map<std::string, int> handled;  // on `working` alone
  // Each takes a moment, so that there are always some in flight.
  auto receiver = [&](Delivery delivery) {
    auto task = [](Delivery held, std::map<std::string, int>& seen) -> Task<> {
      Timer timer(co_await asio::this_coro::executor, 1ms);
      co_await timer.async_wait(use_task);
      ++seen[std::string(as_text(held.message().body))];
      held.handled();
    };
    asio::co_spawn(working, task(std::move(delivery), handled), asio::detached);
  };
  std::thread worker([&] { working.run(); });
  auto current = subscribe({"test.swap", "workers", {}, 16}, receiver);
  std::vector<std::thread> publishers;
  for (int publisher = 0; publisher < kPublishers; ++publisher) {
    publishers.emplace_back([&, publisher] {
      asio::io_context own{1};
      for (int i = publisher; i < kMessages; i += kPublishers) {
        auto text = std::to_string(i);
        auto done = now(own, messaging->publish({"test.swap", as_bytes(text), {}}));
        EXPECT_TRUE(done) << done.error().message;
      }
    });
  }
  for (int swap = 0; swap < kSwaps; ++swap) {
    auto next = subscribe({"test.swap", "workers", {}, 16}, receiver);
    std::swap(current, next);
    drained(*next);
    EXPECT_EQ(next->counts().lost, 0u);
  }
  for (auto& publisher : publishers) publisher.join();
  const auto patience = std::chrono::steady_clock::now() + 30s;
  for (std::size_t count = 0; count < kMessages && std::chrono::steady_clock::now() < patience;) {
    std::this_thread::sleep_for(10ms);
    std::promise<std::size_t> size;
    asio::post(working, [&] { size.set_value(handled.size()); });
    count = size.get_future().get();
  }
  drained(*current);
  work.reset();
  worker.join();
  EXPECT_EQ(handled.size(), static_cast<std::size_t>(kMessages));
  for (const auto& [body, times] : handled) EXPECT_EQ(times, 1) << body;
}

TEST_P(MessagingSuite, ADurableNameKeepsWhatNobodyTook) {
  Collector got;
  SubscribeOptions options{"test.a", {}, "keeper"};
  if (!GetParam().durable) {
    EXPECT_EQ(code(messaging->subscribe(options, got.receiver())), ErrorCode::Unsupported);
    return;
  }
  auto subscription = subscribe(options, got.receiver());
  publish("test.a", "1");
  ASSERT_TRUE(got.wait_for(1));
  drained(*subscription);
  publish("test.a", "2");
  publish("test.a", "3");
  subscription = subscribe(options, got.receiver());
  ASSERT_TRUE(got.wait_for(3));
  drained(*subscription);
  EXPECT_THAT(got.bodies(), ElementsAre("1", "2", "3"));
  options.subject = "test.other";
  EXPECT_EQ(code(messaging->subscribe(options, got.receiver())), ErrorCode::Conflict);
}

TEST_P(MessagingSuite, ArgumentsHoldOnlyDuringTheCall) {
  Collector got;
  auto subscription = subscribe({"test.>"}, got.receiver());
  std::string subject = "test.a.subject.that.is.long.enough.for.the.heap";
  std::string body = "a body that is long enough for the heap";
  std::string reply_to = "test.answers.that.are.long.enough.for.the.heap";
  auto reply = messaging->publish({subject, as_bytes(body), reply_to});
  for (auto* text : {&subject, &body, &reply_to}) text->assign(text->size(), '#');
  ASSERT_TRUE(now(std::move(reply)));
  ASSERT_TRUE(got.wait_for(1));
  EXPECT_EQ(got.messages()[0].subject, "test.a.subject.that.is.long.enough.for.the.heap");
  EXPECT_EQ(got.bodies()[0], "a body that is long enough for the heap");
  EXPECT_EQ(got.messages()[0].reply_to, "test.answers.that.are.long.enough.for.the.heap");

  subject = "rpc.nobody.listens.to.this.subject.at.all";
  auto request = messaging->request(subject, as_bytes(body), 20s);
  for (auto* text : {&subject, &body}) text->assign(text->size(), '#');
  EXPECT_EQ(code(std::move(request)), ErrorCode::Unavailable);
}

TEST_P(MessagingSuite, LimitsRefuse) {
  const std::string long_subject = "test." + std::string(MessagingLimits::kSubject, 'a');
  const Bytes large(MessagingLimits::kBody + 1);
  EXPECT_EQ(code(messaging->publish({long_subject, {}, {}})), ErrorCode::LimitExceeded);
  EXPECT_EQ(code(messaging->publish({"test.a", large, {}})), ErrorCode::LimitExceeded);
  EXPECT_EQ(code(messaging->request("test.a", large, 1s)), ErrorCode::LimitExceeded);
  EXPECT_EQ(code(messaging->publish({"test.*", {}, {}})), ErrorCode::InvalidArgument);
  EXPECT_EQ(code(messaging->publish({"", {}, {}})), ErrorCode::InvalidArgument);
  EXPECT_EQ(code(messaging->publish({"$JS.API.INFO", {}, {}})), ErrorCode::Denied);
  EXPECT_EQ(code(messaging->publish({"test.a", {}, "$JS.API.INFO"})), ErrorCode::Denied);
  EXPECT_EQ(code(messaging->request("test..a", {}, 1s)), ErrorCode::InvalidArgument);
  Collector got;
  EXPECT_EQ(code(messaging->subscribe({"test.>.a"}, got.receiver())), ErrorCode::InvalidArgument);
  EXPECT_EQ(code(messaging->subscribe({"test.a", "a b"}, got.receiver())),
            ErrorCode::InvalidArgument);

  auto subscription = subscribe({"test.a"}, got.receiver());
  const std::string largest(GetParam().largest_body, 'x');
  publish("test.a", largest);
  ASSERT_TRUE(got.wait_for(1));
  EXPECT_TRUE(got.bodies()[0] == largest);
}

TEST_P(MessagingSuite, ManyPublishersOnManyLoops) {
  constexpr int kThreads = 4, kEach = 200;
  Collector got;
  auto subscription = subscribe({"test.many"}, got.receiver());
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      asio::io_context own{1};
      int good = 0;
      for (int i = 0; i < kEach; ++i) {
        auto one = [](std::shared_ptr<Messaging> via, std::string body, int& count) -> Task<> {
          auto done = co_await via->publish({"test.many", as_bytes(body), {}}).wait();
          EXPECT_TRUE(done) << done.error().message;
          if (done) ++count;
        };
        asio::co_spawn(own, one(messaging, std::to_string(thread * kEach + i), good),
                       asio::detached);
      }
      own.run();
      EXPECT_EQ(good, kEach);
    });
  }
  for (auto& thread : threads) thread.join();
  ASSERT_TRUE(got.wait_for(kThreads * kEach));
  drained(*subscription);
  auto bodies = got.bodies();
  std::ranges::sort(bodies);
  EXPECT_EQ(std::ranges::unique(bodies).begin(), bodies.end());
  EXPECT_EQ(bodies.size(), static_cast<std::size_t>(kThreads * kEach));
}

}  // namespace unbolt::contracts
