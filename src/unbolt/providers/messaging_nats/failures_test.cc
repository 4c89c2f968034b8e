// What goes wrong: servers that are away, hang or refuse, and messages that must not be lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <map>
#include <set>
#include <thread>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/contracts/testing/collector.h"
#include "unbolt/nats/jetstream.h"
#include "unbolt/nats/testing/nats_server.h"
#include "unbolt/providers/messaging_nats/messaging_nats.h"

namespace unbolt::providers {
namespace {

using contracts::Collector;
using contracts::Messaging;
using contracts::Subscription;
using nats::NatsServer;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class MessagingNatsFailures : public ::testing::Test {
 protected:
  Result<std::shared_ptr<Messaging>> open(const std::string& url) {
    UNBOLT_ASSIGN(auto parsed, contracts::parse_provider_url(url));
    return open_messaging_nats(parsed, {log, pool});
  }
  Error error_of(const std::string& url) {
    auto opened = open(url);
    EXPECT_FALSE(opened) << url;
    return opened ? Error{} : opened.error();
  }
  template <class T>
  T now(Reply<T> reply) {
    if (reply.ready()) return std::move(reply).take();
    return run_task(loop, std::move(reply).task());
  }
  std::unique_ptr<Subscription> subscribe(Messaging& broker, contracts::SubscribeOptions options,
                                          contracts::Receiver receiver) {
    auto made = now(broker.subscribe(std::move(options), std::move(receiver)));
    EXPECT_TRUE(made) << made.error().message;
    return std::move(*made);
  }

  Log& log = stderr_log(LogLevel::Critical);
  asio::io_context loop{1};
  BlockingPool pool{4};
};

TEST_F(MessagingNatsFailures, OpeningSaysWhatIsWrong) {
  EXPECT_EQ(error_of("nats://127.0.0.1:" + std::to_string(free_port())).code,
            ErrorCode::Unavailable);
  EXPECT_EQ(error_of("nats://no-such-host.invalid").code, ErrorCode::Unavailable);
  EXPECT_EQ(error_of("nats:").code, ErrorCode::InvalidArgument);
  EXPECT_EQ(error_of("nats://h/path").code, ErrorCode::InvalidArgument);
  EXPECT_EQ(error_of("nats://h?subjects=a").code, ErrorCode::InvalidArgument);
  EXPECT_EQ(error_of("nats://h?jetstream=a.b").code, ErrorCode::InvalidArgument);
  EXPECT_EQ(error_of("nats://h?jetsream=A").hint, "did you mean jetstream=?");
  EXPECT_EQ(error_of("nats://h?tls_ca=/no/such/file").code, ErrorCode::InvalidArgument);

  NatsServer server("authorization { users: [{user: bob, password: \"sesame street\"}] }");
  for (const std::string who : {"", "bob:wrong@", "token@", "eve:sesame%20street@"}) {
    const auto error = error_of(server.url("?timeout=2s", who));
    EXPECT_EQ(error.code, ErrorCode::Denied) << who;
    EXPECT_THAT(error.message, Not(HasSubstr("wrong")));
    EXPECT_THAT(error.message, Not(HasSubstr("sesame")));
    EXPECT_THAT(error.message, HasSubstr("password"));
  }
  EXPECT_TRUE(open(server.url("", "bob:sesame%20street@")));
  const auto absent = error_of(server.url("?jetstream=ORDERS", "bob:sesame%20street@"));
  EXPECT_EQ(absent.code, ErrorCode::NotFound);
  EXPECT_THAT(absent.hint, HasSubstr("subjects="));
  EXPECT_TRUE(open(server.url("?jetstream=ORDERS&subjects=orders.>", "bob:sesame%20street@")));
  EXPECT_TRUE(open(server.url("?jetstream=ORDERS", "bob:sesame%20street@")));
  EXPECT_EQ(error_of(server.url("?jetstream=ORDERS&subjects=other", "bob:sesame%20street@")).code,
            ErrorCode::Conflict);
}

TEST_F(MessagingNatsFailures, ATokenOpens) {
  NatsServer server("authorization { token: \"s3cr3t\" }");
  EXPECT_TRUE(open(server.url("", "s3cr3t@")));
  EXPECT_THAT(error_of(server.url("", "wr0ng@")).message, Not(HasSubstr("wr0ng")));
}

TEST_F(MessagingNatsFailures, SpeaksTlsWithWhomItTrusts) {
  TemporaryFolder folder;
  const auto file = [&](std::string_view name) {
    return fmt::format("{}/{}", folder.path(), name);
  };
  const std::string make =
      "openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -addext "
      "subjectAltName=DNS:localhost -keyout '" +
      file("key") + "' -out '" + file("cert") + "' 2>/dev/null";
  ASSERT_EQ(std::system(make.c_str()), 0);
  NatsServer server("tls { cert_file: \"" + file("cert") + "\", key_file: \"" + file("key") +
                    "\" }");
  const auto url = [&](std::string_view host, std::string_view query) {
    return fmt::format("nats://{}:{}{}", host, server.port(), query);
  };
  auto broker = open(url("localhost", "?tls_ca=" + file("cert")));
  ASSERT_TRUE(broker) << broker.error().message;
  Collector received;
  auto subscription = subscribe(**broker, {.subject = "a"}, received.receiver());
  ASSERT_TRUE(now((*broker)->publish({"a", as_bytes("over TLS"), {}})));
  ASSERT_TRUE(received.wait_for(1));
  for (const std::string& stranger :
       {url("localhost", "?tls=yes&connect_timeout=3s"),
        url("127.0.0.1", "?connect_timeout=3s&tls_ca=" + file("cert"))}) {
    const auto error = error_of(stranger);
    EXPECT_THAT(error.message, HasSubstr("TLS")) << stranger;
  }
}

TEST_F(MessagingNatsFailures, MoreThanTheServerTakes) {
  NatsServer server("max_payload: 1000");
  auto broker = *open(server.url());
  auto refused = now(broker->publish({"a", Bytes(2000), {}}));
  EXPECT_EQ(refused.error().code, ErrorCode::LimitExceeded);
  EXPECT_THAT(refused.error().message, HasSubstr("max_payload"));
  EXPECT_TRUE(now(broker->publish({"a", Bytes(1000), {}})));
}

TEST_F(MessagingNatsFailures, AServerThatHangsMeetsTheDeadlines) {
  NatsServer server;
  auto broker = *open(server.url("?jetstream=S&subjects=kept.>&timeout=300ms"));
  server.suspend();
  // More than sockets and buffers take, so that the sending thread hangs too.
  std::vector<std::jthread> writers;
  for (int i = 0; i < 4; ++i) {
    writers.emplace_back([&] {
      asio::io_context own{1};
      auto done = run_task(own, broker->publish({"a", Bytes(8 << 20), {}}).wait());
      EXPECT_FALSE(done);
    });
  }
  const auto begin = Clock::now();
  // Unavailable once the connection is given up.
  const auto hangs = AnyOf(ErrorCode::Timeout, ErrorCode::Unavailable);
  EXPECT_THAT(now(broker->publish({"kept.a", {}, {}})).error().code, hangs);
  EXPECT_THAT(now(broker->publish({"a", {}, {}})).error().code, hangs);
  EXPECT_THAT(now(broker->request("a", {}, 200ms)).error().code, hangs);
  EXPECT_FALSE(now(broker->subscribe({"kept.a", "g"}, [](contracts::Delivery) {})));
  EXPECT_LT(Clock::now() - begin, 5s);
  writers.clear();
  server.resume();
  const auto patience = Clock::now() + 30s;
  while (!now(broker->publish({"kept.a", {}, {}})) && Clock::now() < patience) {
  }
  EXPECT_TRUE(now(broker->publish({"kept.a", {}, {}})));

  server.suspend();
  EXPECT_EQ(error_of(server.url("?connect_timeout=300ms")).code, ErrorCode::Timeout);
  server.resume();
}

TEST_F(MessagingNatsFailures, AServerThatGoesAndComesBack) {
  NatsServer server;
  auto broker = *open(server.url("?timeout=300ms"));
  Collector got;
  auto subscription = subscribe(*broker, {"a"}, got.receiver());
  server.kill();
  auto lost = now(broker->publish({"a", as_bytes("lost"), {}}));
  EXPECT_EQ(lost.error().code, ErrorCode::Unavailable);
  EXPECT_EQ(now(broker->request("a", {}, 100ms)).error().code, ErrorCode::Unavailable);
  server.start();
  const auto patience = Clock::now() + 30s;
  while (!now(broker->publish({"a", as_bytes("again"), {}})) && Clock::now() < patience) {
  }
  // What could not be sent may come too, before it: the error says that nobody knows.
  const auto came = [&got] {
    const auto bodies = got.bodies();
    return std::find(bodies.begin(), bodies.end(), "again") != bodies.end();
  };
  while (!came() && Clock::now() < patience) std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(came());
}

// Every message that was acknowledged to its publisher is handled, though the server dies, and the
// subscription is swapped meanwhile.
TEST_F(MessagingNatsFailures, JetStreamLosesNothingWhenTheServerDies) {
  constexpr int kMessages = 10'000, kPublishers = 64;
  NatsServer server;
  auto broker =
      *open(server.url("?jetstream=S&subjects=kept.>&timeout=20s&ack_wait=2s&retry_delay=10ms"));
  std::mutex mutex;
  std::map<std::string, int> handled;
  auto receiver = [&](contracts::Delivery delivery) {
    std::lock_guard lock(mutex);
    ++handled[std::string(as_text(delivery.message().body))];
    delivery.handled();
  };
  auto current = subscribe(*broker, {"kept.a", "workers", {}, 100}, receiver);
  std::set<std::string> acknowledged;
  std::atomic<int> next = 0;
  std::jthread publisher([&] {
    asio::io_context own{1};
    // NOLINTNEXTLINE(cppcoreguidelines-avoid-capturing-lambda-coroutines): it outlives its tasks.
    auto one = [&]() -> Task<> {
      for (int i; (i = next++) < kMessages;) {
        const auto text = std::to_string(i);
        auto done = co_await broker->publish({"kept.a", as_bytes(text), {}}).wait();
        EXPECT_TRUE(done) << done.error().message;
        if (done) acknowledged.insert(text);
      }
    };
    for (int i = 0; i < kPublishers; ++i) asio::co_spawn(own, one(), asio::detached);
    own.run();
  });
  for (int round = 1; round <= 3; ++round) {
    while (next < round * kMessages / 5) std::this_thread::sleep_for(1ms);
    server.kill();
    std::this_thread::sleep_for(50ms);
    server.start();
    auto fresh = subscribe(*broker, {"kept.a", "workers", {}, 100}, receiver);
    std::swap(current, fresh);
    auto drained = run_task(loop, fresh->drain(20s));
    EXPECT_TRUE(drained) << drained.error().message;
  }
  publisher.join();
  EXPECT_EQ(acknowledged.size(), static_cast<std::size_t>(kMessages));
  const auto patience = Clock::now() + 30s;
  auto count = [&] {
    std::lock_guard lock(mutex);
    return handled.size();
  };
  while (count() < kMessages && Clock::now() < patience) std::this_thread::sleep_for(10ms);
  std::this_thread::sleep_for(100ms);
  std::lock_guard lock(mutex);
  int twice = 0;
  for (const auto& [body, times] : handled) twice += times > 1;
  RecordProperty("handled_more_than_once", twice);
  EXPECT_EQ(handled.size(), static_cast<std::size_t>(kMessages));
  EXPECT_LT(twice, kMessages / 100);  // only while the acknowledgement is on its way
}

// Somebody takes the consumer away at the server: it is made anew, and goes on where it was.
TEST_F(MessagingNatsFailures, AConsumerThatWasTakenAwayIsMadeAnew) {
  NatsServer server;
  auto broker = *open(server.url("?jetstream=S&subjects=kept.>"));
  Collector got;
  auto subscription = subscribe(*broker, {"kept.a", {}, "workers", 8}, got.receiver());
  const auto publish = [&](std::string_view text) {
    ASSERT_TRUE(now(broker->publish({"kept.a", as_bytes(text), {}})));
  };
  publish("before");
  ASSERT_TRUE(got.wait_for(1));
  auto connection = *nats::Connection::open(
      *nats::read_url(*contracts::parse_provider_url(server.url()), {}), log, pool);
  auto gone = nats::run_here(
      nats::api(connection, "CONSUMER.DELETE.S.workers", nullptr, connection->deadline()));
  ASSERT_TRUE(gone && gone->error.empty()) << gone->error;
  for (int i = 0; i < 10; ++i) publish(std::to_string(i));
  EXPECT_TRUE(got.wait_for(11));
  const auto bodies = got.bodies();
  EXPECT_EQ(bodies.size(), 11u);
  EXPECT_EQ(std::set<std::string>(bodies.begin(), bodies.end()).size(), 11u);
}

TEST_F(MessagingNatsFailures, ADrainDoesNotWaitForAServerThatIsAway) {
  NatsServer server;
  auto broker = *open(server.url("?jetstream=S&subjects=kept.>"));
  Collector got;
  auto stream = subscribe(*broker, {"kept.a", {}, "workers", 8}, got.receiver());
  auto core = subscribe(*broker, {"other"}, got.receiver());
  server.kill();
  const auto begun = Clock::now();
  EXPECT_TRUE(run_task(loop, stream->drain(30s)));
  EXPECT_TRUE(run_task(loop, core->drain(30s)));
  EXPECT_LT(Clock::now() - begun, 20s);
}

}  // namespace
}  // namespace unbolt::providers
