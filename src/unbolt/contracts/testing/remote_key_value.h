// What every provider of `KeyValue` that has a server does where the server fails. Beside the
// contract suite:
//   INSTANTIATE_TEST_SUITE_P(Redis, RemoteKeyValueSuite, ::testing::Values(
//       RemoteKeyValueCase{"redis", make_remote_server<RedisServer>, open_kv_redis}));
#pragma once

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/contracts/provider_table.h"
#include "unbolt/contracts/testing/key_value_suite.h"

namespace unbolt::contracts {

// A server of the test's own, whose writes survive a kill.
class RemoteServer {
 public:
  virtual ~RemoteServer() = default;
  virtual std::string url(std::string_view rest) const = 0;
  virtual void kill() = 0;   // -9
  virtual void start() = 0;  // on the same port, with the same data
  virtual void suspend() = 0;
  virtual void resume() = 0;
};

template <class Server>
std::unique_ptr<RemoteServer> make_remote_server() {
  class Wrapped final : public RemoteServer {
   public:
    std::string url(std::string_view rest) const override { return server_.url(rest); }
    void kill() override { server_.kill(); }
    void start() override { server_.start(); }
    void suspend() override { server_.suspend(); }
    void resume() override { server_.resume(); }

   private:
    Server server_;
  };
  return std::make_unique<Wrapped>();
}

class RemoteKeyValueTest : public ::testing::Test {
 protected:
  using Opened = Result<std::shared_ptr<KeyValue>>;

  template <class T>
  T now(Reply<T> reply) {
    if (reply.ready()) return std::move(reply).take();
    return run_task(loop, std::move(reply).task());
  }
  Opened open(ProviderFactory<KeyValue> make, const std::string& text) {
    auto url = parse_provider_url(text);
    if (!url) return std::unexpected(std::move(url.error()));
    return make(*url, ProviderContext{stderr_log(LogLevel::Critical), pool});
  }

  asio::io_context loop{1};
  BlockingPool pool{4};
};

struct RemoteKeyValueCase {
  std::string name;
  std::unique_ptr<RemoteServer> (*make_server)();
  ProviderFactory<KeyValue> open;
};
inline void PrintTo(const RemoteKeyValueCase& provider, std::ostream* out) {
  *out << provider.name;
}

class RemoteKeyValueSuite : public RemoteKeyValueTest,
                            public ::testing::WithParamInterface<RemoteKeyValueCase> {
 protected:
  using Clock = std::chrono::steady_clock;

  void SetUp() override { server = GetParam().make_server(); }
  std::shared_ptr<KeyValue> store(std::string_view rest) {
    auto opened = open(GetParam().open, server->url(rest));
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? *opened : nullptr;
  }
  static bool passing(ErrorCode code) {
    return code == ErrorCode::Unavailable || code == ErrorCode::Timeout;
  }
  // Until the call works again.
  void await_service(KeyValue& store) {
    auto end = Clock::now() + std::chrono::seconds(30);
    Result<std::optional<Bytes>> found;
    while (!(found = now(store.get("b", "k"))) && Clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_TRUE(found) << found.error().message;
  }

  std::unique_ptr<RemoteServer> server;
};

TEST_P(RemoteKeyValueSuite, ComesBackWithTheServer) {
  auto store = this->store("?timeout=1s");
  ASSERT_TRUE(store);
  ASSERT_TRUE(now(store->set("b", "k", as_bytes("before"))));
  ASSERT_TRUE(now(store->increment("b", "n", 41)));
  server->kill();
  for (int i = 0; i < 3; ++i) {
    auto begin = Clock::now();
    auto failed = now(store->get("b", "k"));
    ASSERT_FALSE(failed);
    EXPECT_TRUE(passing(failed.error().code)) << failed.error().message;
    EXPECT_LT(Clock::now() - begin, std::chrono::seconds(4));
  }
  server->start();
  await_service(*store);
  EXPECT_EQ(as_text(**now(store->get("b", "k"))), "before");
  EXPECT_EQ(*now(store->increment("b", "n", 1)), 42u);
}

// A call that began while the server was away is answered when it returns in time.
TEST_P(RemoteKeyValueSuite, AShortAbsenceIsWaitedFor) {
  auto store = this->store("?timeout=20s");
  ASSERT_TRUE(store);
  ASSERT_TRUE(now(store->set("b", "k", as_bytes("before"))));
  server->kill();
  // The server lives as long as the thread that started it.
  std::jthread reader([&store] {
    asio::io_context own(1);
    auto found = run_task(own, store->get("b", "k").wait());
    // The first may have found the connection broken.
    if (!found) found = run_task(own, store->get("b", "k").wait());
    EXPECT_TRUE(found) << found.error().message;
    if (found) EXPECT_EQ(as_text(**found), "before");
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  server->start();
}

// No increment that was answered is lost, and none that was not is counted more than once, while
// the server is killed and comes back.
TEST_P(RemoteKeyValueSuite, AnsweredIncrementsSurviveKills) {
  auto store = this->store("?timeout=2s");
  ASSERT_TRUE(store);
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> good = 0, unknown = 0;
  auto task = [](KeyValue& store, std::atomic<bool>& stop, std::atomic<std::uint64_t>& good,
                 std::atomic<std::uint64_t>& unknown) -> Task<> {
    while (!stop) {
      auto sum = co_await store.increment("b", "n", 1).wait();
      ++(sum ? good : unknown);
      if (sum) continue;
      EXPECT_TRUE(passing(sum.error().code)) << sum.error().message;
      Timer pause(co_await asio::this_coro::executor, std::chrono::milliseconds(5));
      co_await pause.async_wait(use_task);
    }
  };
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      asio::io_context own(1);
      for (int t = 0; t < 8; ++t) {
        asio::co_spawn(own, task(*store, stop, good, unknown),
                       [](std::exception_ptr failure) { EXPECT_FALSE(failure); });
      }
      own.run();
    });
  }
  for (int i = 0; i < 2; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    server->kill();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    server->start();
  }
  await_service(*store);
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  stop = true;
  threads.clear();
  std::uint64_t sum = *now(store->increment("b", "n", 0));
  EXPECT_GT(good, 0u);
  EXPECT_GE(sum, good);
  EXPECT_LE(sum, good + unknown);
}

TEST_P(RemoteKeyValueSuite, AServerThatHangsMeetsTheDeadline) {
  auto store = this->store("?timeout=500ms");
  ASSERT_TRUE(store);
  ASSERT_TRUE(now(store->set("b", "k", as_bytes("v"))));
  server->suspend();
  auto begin = Clock::now();
  std::vector<Result<>> outcomes;
  auto write = [](KeyValue& store, std::vector<Result<>>& outcomes) -> Task<> {
    outcomes.push_back(co_await store.set("b", "other", as_bytes("v")).wait());
  };
  for (int i = 0; i < 100; ++i) {
    asio::co_spawn(loop, write(*store, outcomes),
                   [](std::exception_ptr failure) { EXPECT_FALSE(failure); });
  }
  loop.restart();
  loop.run();
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(5));
  auto watch = now(store->watch("b", [](const KeyChange&) {}));
  ASSERT_FALSE(watch);
  EXPECT_TRUE(passing(watch.error().code)) << watch.error().message;
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(10));
  EXPECT_EQ(outcomes.size(), 100u);
  for (const Result<>& outcome : outcomes) {
    ASSERT_FALSE(outcome);
    EXPECT_TRUE(passing(outcome.error().code)) << outcome.error().message;
  }
  server->resume();
  await_service(*store);
}

TEST_P(RemoteKeyValueSuite, WhatWaitsIsBounded) {
  auto store = this->store("?timeout=1s");
  ASSERT_TRUE(store);
  ASSERT_TRUE(now(store->set("b", "k", as_bytes("v"))));
  server->suspend();
  const Bytes value(48 << 20, 'v');
  std::vector<ErrorCode> codes;
  auto write = [](KeyValue& store, ByteView value, std::vector<ErrorCode>& codes) -> Task<> {
    auto done = co_await store.set("b", "large", value).wait();
    EXPECT_FALSE(done);
    if (!done) codes.push_back(done.error().code);
  };
  for (int i = 0; i < 8; ++i) {
    asio::co_spawn(loop, write(*store, value, codes),
                   [](std::exception_ptr failure) { EXPECT_FALSE(failure); });
  }
  loop.restart();
  loop.run();
  EXPECT_EQ(codes.size(), 8u);
  EXPECT_GE(std::ranges::count(codes, ErrorCode::LimitExceeded), 2);
  server->resume();
  await_service(*store);
}

TEST_P(RemoteKeyValueSuite, TheLargestValue) {
  auto store = this->store("?timeout=60s");
  ASSERT_TRUE(store);
  Bytes value(KeyValueLimits::kValue);
  for (std::size_t i = 0; i < value.size(); ++i)
    value[i] = static_cast<std::uint8_t>(i * 2654435761u >> 13);
  auto written = now(store->set("b", "large", value));
  ASSERT_TRUE(written) << written.error().message;
  auto found = now(store->get("b", "large"));
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_TRUE(*found == value);
}

// Who watches hears that it may have missed changes, and then of those that follow.
TEST_P(RemoteKeyValueSuite, AWatchComesBackWithTheServer) {
  auto store = this->store("?timeout=2s");
  ASSERT_TRUE(store);
  SeenChanges seen;
  auto watch = now(store->watch("b", seen.callback()));
  ASSERT_TRUE(watch) << watch.error().message;
  ASSERT_TRUE(now(store->set("b", "k", as_bytes("1"))));
  EXPECT_TRUE(seen.has("set b/k=1"));
  server->kill();
  server->start();
  EXPECT_TRUE(seen.has("missed"));
  await_service(*store);
  ASSERT_TRUE(now(store->set("b", "k", as_bytes("2"))));
  EXPECT_TRUE(seen.has("set b/k=2"));
}

TEST_P(RemoteKeyValueSuite, ManyStoresShareOneServer) {
  constexpr int kStores = 4, kRounds = 200;
  std::vector<std::shared_ptr<KeyValue>> stores;
  for (int i = 0; i < kStores; ++i) stores.push_back(this->store("?timeout=20s"));
  std::vector<std::jthread> threads;
  for (auto& store : stores) {
    threads.emplace_back([&store] {
      asio::io_context own(1);
      auto task = [](KeyValue& store) -> Task<> {
        for (int i = 0; i < kRounds; ++i) {
          auto sum = co_await store.increment("b", "n", 1).wait();
          EXPECT_TRUE(sum) << sum.error().message;
        }
      };
      for (int t = 0; t < 4; ++t) {
        asio::co_spawn(own, task(*store),
                       [](std::exception_ptr failure) { EXPECT_FALSE(failure); });
      }
      own.run();
    });
  }
  threads.clear();
  EXPECT_EQ(*now(stores[0]->increment("b", "n", 0)),
            static_cast<std::uint64_t>(kStores * 4 * kRounds));
}

}  // namespace unbolt::contracts
