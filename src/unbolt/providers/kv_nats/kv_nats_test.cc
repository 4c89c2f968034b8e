#include "unbolt/providers/kv_nats/kv_nats.h"

#include <gtest/gtest.h>

#include "unbolt/contracts/testing/key_value_suite.h"
#include "unbolt/nats/testing/nats_server.h"
#include "unbolt/providers/kv_nats/listing.h"
#include "unbolt/providers/kv_nats/names.h"

namespace unbolt::contracts {
namespace {

nats::NatsServer& server() {
  static nats::NatsServer one;
  return one;
}

std::shared_ptr<KeyValue> open(const std::string& url, BlockingPool& pool) {
  auto opened =
      providers::open_kv_nats(*parse_provider_url(url), {stderr_log(LogLevel::Error), pool});
  EXPECT_TRUE(opened) << opened.error().message;
  return opened ? *opened : nullptr;
}

// A store of its own on one server.
KeyValueCase fresh() {
  return {.name = "nats",
          .make =
              [](BlockingPool& pool) {
                static int stores = 0;
                return open(server().url("/store" + std::to_string(++stores)), pool);
              },
          .transactions = false};
}

INSTANTIATE_TEST_SUITE_P(Nats, KeyValueSuite, ::testing::Values(fresh()));

}  // namespace
}  // namespace unbolt::contracts

namespace unbolt::providers {
namespace {

using contracts::KeyValue;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

TEST(KvNatsNames, TokensHoldAnyBytes) {
  for (const std::string bytes : {"", "a", "=", "a.b", "*", ">", " ", "\xff", "ü", "a=2E"}) {
    const auto token = nats_kv::encode(bytes);
    EXPECT_EQ(nats_kv::decode(token), bytes);
    EXPECT_EQ(token.find_first_of(".*> \xff"), token.npos) << token;
  }
  EXPECT_EQ(nats_kv::encode("a.b"), "a=2Eb");
  for (const std::string token : {"=2", "=h", "a=", "=zz"})
    EXPECT_EQ(nats_kv::decode(token), std::nullopt) << token;
  EXPECT_TRUE(nats_kv::is_digest(nats_kv::key_token(std::string(4096, 'x'))));
  EXPECT_TRUE(nats_kv::is_digest(nats_kv::key_token(std::string(500, '.'))));
}

TEST(KvNatsListings, ThePageAfterACursorComesFromTheSameReading) {
  nats_kv::OpenListings listings;
  const auto names = std::make_shared<const std::set<std::string>>();
  EXPECT_EQ(listings.take("b", "k"), nullptr);
  listings.keep("b", "k", names);
  EXPECT_EQ(listings.take("b", "other"), nullptr);
  EXPECT_EQ(listings.take("other", "k"), nullptr);
  EXPECT_EQ(listings.take("b", "k"), names);
  EXPECT_EQ(listings.take("b", "k"), nullptr) << "it is taken once";
  for (const char* cursor : {"1", "2", "3", "4", "5"}) listings.keep("b", cursor, names);
  EXPECT_EQ(listings.take("b", "1"), nullptr) << "only a few are kept";
  EXPECT_EQ(listings.take("b", "2"), names);
}

class KvNats : public ::testing::Test {
 protected:
  std::shared_ptr<KeyValue> open(const std::string& url) {
    auto opened =
        open_kv_nats(*contracts::parse_provider_url(url), {stderr_log(LogLevel::Critical), pool});
    EXPECT_TRUE(opened) << opened.error().message;
    return opened ? *opened : nullptr;
  }
  template <class T>
  T now(Reply<T> reply) {
    if (reply.ready()) return std::move(reply).take();
    return run_task(loop, std::move(reply).task());
  }

  asio::io_context loop{1};
  BlockingPool pool{4};
};

TEST_F(KvNats, AServerThatHangsOrDiesMeetsTheDeadlines) {
  nats::NatsServer server;
  auto store = open(server.url("?timeout=300ms"));
  ASSERT_TRUE(now(store->set("b", "k", as_bytes("v"))));
  ASSERT_EQ(*now(store->increment("b", "n", 5)), 5u);
  contracts::SeenChanges seen;
  auto watching = now(store->watch("b", seen.callback()));
  ASSERT_TRUE(watching);
  server.suspend();
  auto begin = Clock::now();
  EXPECT_FALSE(now(store->get("b", "k")));
  EXPECT_FALSE(now(store->set("b", "k", as_bytes("w"))));
  EXPECT_FALSE(now(store->increment("b", "m", 1)));
  EXPECT_FALSE(now(store->list_keys("b", std::nullopt)));
  EXPECT_LT(Clock::now() - begin, 8s);
  server.resume();
  server.kill();
  begin = Clock::now();
  EXPECT_FALSE(now(store->get("b", "k")));
  EXPECT_LT(Clock::now() - begin, 3s);
  server.start();
  const auto patience = Clock::now() + 30s;
  while (!now(store->get("b", "k")) && Clock::now() < patience) {
  }
  EXPECT_TRUE(now(store->get("b", "k"))->has_value());
  EXPECT_EQ(*now(store->increment("b", "n", 1)), 6u);
  ASSERT_TRUE(now(store->set("b", "after", as_bytes("v"))));
  EXPECT_TRUE(seen.has("missed"));
  EXPECT_TRUE(seen.has("set b/after=v"));
}

// Every increment that was answered is counted once, though the server dies meanwhile and two
// programs add.
TEST_F(KvNats, IncrementsSurviveTheServer) {
  nats::NatsServer server;
  auto one = open(server.url("?timeout=20s")), two = open(server.url("?timeout=20s"));
  std::atomic<int> answered = 0, failed = 0;
  std::jthread adding([&] {
    asio::io_context own{1};
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it outlives them
    auto worker = [&](std::shared_ptr<KeyValue> store) -> Task<> {
      for (int i = 0; i < 100; ++i) {
        auto sum = co_await store->increment("b", "n", 1).wait();
        ++(sum ? answered : failed);
      }
    };
    for (int i = 0; i < 16; ++i)
      asio::co_spawn(own, worker(i % 2 ? one : two), [](std::exception_ptr) {});
    own.run();
  });
  while (answered < 400) std::this_thread::sleep_for(1ms);
  server.kill();
  server.start();
  adding.join();
  EXPECT_EQ(failed, 0);
  const auto sum = now(one->increment("b", "n", 0));
  ASSERT_TRUE(sum) << sum.error().message;
  EXPECT_EQ(*sum, 1600u);
}

TEST_F(KvNats, OpensByUrl) {
  nats::NatsServer server;
  contracts::ProviderTable<KeyValue> table({{"nats", open_kv_nats}});
  contracts::ProviderContext context{stderr_log(LogLevel::Critical), pool};
  EXPECT_TRUE(table.open(server.url(), context));
  EXPECT_TRUE(table.open(server.url("/store?storage=memory&max_bytes=1M"), context));
  EXPECT_EQ(table.open(server.url("/a.b"), context).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(table.open(server.url("/a/b"), context).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(table.open(server.url("?storage=disk"), context).error().code,
            ErrorCode::InvalidArgument);

  auto small = *table.open(server.url("/small?max_bytes=10K"), context);
  EXPECT_EQ(now(small->set("b", "k", Bytes(20'000))).error().code, ErrorCode::LimitExceeded);
}

}  // namespace
}  // namespace unbolt::providers
