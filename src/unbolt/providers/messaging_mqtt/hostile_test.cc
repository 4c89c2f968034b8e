// Brokers that break the protocol: nothing hangs, grows or crashes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/testing/run_task.h"
#include "unbolt/mqtt/packets.h"
#include "unbolt/providers/messaging_mqtt/messaging_mqtt.h"

namespace unbolt::providers {
namespace {

using asio::ip::tcp;
using contracts::Messaging;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Clock = std::chrono::steady_clock;

const std::string kWelcome = "\x20\x03\x00\x00\x00"s;

// Serves one connection after the other: `script` has the socket after the first bytes came.
class FakeBroker {
 public:
  using Script = std::function<void(tcp::socket&)>;
  explicit FakeBroker(Script script)
      : acceptor_(loop_, {asio::ip::address_v4::loopback(), 0}), thread_([this, script] {
          while (!ended_) {
            boost::system::error_code error;
            tcp::socket socket(loop_);
            acceptor_.accept(socket, error);
            if (error || ended_) return;
            ++connections_;
            char first[1024];
            socket.read_some(asio::buffer(first), error);
            if (!error) script(socket);
          }
        }) {}
  ~FakeBroker() {
    ended_ = true;
    asio::io_context other;
    tcp::socket last(other);
    boost::system::error_code ignored;
    last.connect(acceptor_.local_endpoint(), ignored);
    thread_.join();
  }
  std::string url(const std::string& rest) const {
    return "mqtt://127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()) + rest;
  }
  int connections() const { return connections_; }

 private:
  asio::io_context loop_;
  tcp::acceptor acceptor_;
  std::atomic<bool> ended_ = false;
  std::atomic<int> connections_ = 0;
  std::thread thread_;
};

// Writes as long as anybody reads.
void flood(tcp::socket& socket, const std::string& with) {
  boost::system::error_code error;
  while (!error) asio::write(socket, asio::buffer(with), error);
}
void say(tcp::socket& socket, const std::string& bytes) {
  boost::system::error_code ignored;
  asio::write(socket, asio::buffer(bytes), ignored);
}
// Until the client has gone.
void listen_only(tcp::socket& socket) {
  boost::system::error_code error;
  char buffer[4096];
  while (!error) socket.read_some(asio::buffer(buffer), error);
}

class MessagingMqttHostile : public ::testing::Test {
 protected:
  Result<std::shared_ptr<Messaging>> open(const FakeBroker& broker,
                                          const std::string& query = "?timeout=400ms") {
    return open_messaging_mqtt(*contracts::parse_provider_url(broker.url(query)), {log, pool});
  }
  template <class T>
  T now(Reply<T> reply) {
    if (reply.ready()) return std::move(reply).take();
    return run_task(loop, std::move(reply).task());
  }

  Log& log = stderr_log(LogLevel::Critical);
  asio::io_context loop{1};
  BlockingPool pool{4};
};

TEST_F(MessagingMqttHostile, WhoIsNoBrokerIsNotOpened) {
  const std::pair<std::string, ErrorCode> answers[] = {
      {"HTTP/1.1 400 Bad Request\r\n\r\n", ErrorCode::ProtocolError},
      {std::string(100'000, '\xff'), ErrorCode::ProtocolError},
      {"\x30\xff\xff\xff\x7f", ErrorCode::ProtocolError},
      {"\xd0\x00"s, ErrorCode::ProtocolError},
      {"\x20\x02\x00\x01"s, ErrorCode::Unsupported},
      {"\x20\x03\x00\x87\x00"s, ErrorCode::Denied},
      {"\x20\x03\x00\x89\x00"s, ErrorCode::Unavailable},
      {"\x20", ErrorCode::Unavailable},
      {"", ErrorCode::Unavailable}};
  for (const auto& [answer, code] : answers) {
    FakeBroker broker([&](tcp::socket& socket) {
      say(socket, answer);
      listen_only(socket);
    });
    const auto begin = Clock::now();
    const auto opened = open(broker);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, code) << opened.error().message;
    EXPECT_LT(Clock::now() - begin, 5s);
  }
}

TEST_F(MessagingMqttHostile, ABrokerThatLiesIsLeftAndTriedAgain) {
  const std::string lies[] = {std::string(100'000, '\xff'),
                              "\x30\xff\xff\xff\x7f",   // a packet of 256 MiB
                              "\x40\x02\x00\x07"s,      // acknowledges what was not sent
                              "\xd0\x00"s,              // a pong that nobody asked for
                              "\x20\x03\x00\x00\x00"s,  // lets us in again
                              "\x30\x07\x00\x01"
                              "a\x03\x23\x00\x01"s,
                              "\xe0\x01\x8e"s,
                              "\xe0\x00"s};
  for (const auto& lie : lies) {
    FakeBroker broker([&](tcp::socket& socket) {
      say(socket, kWelcome);
      std::this_thread::sleep_for(20ms);
      say(socket, lie);
      listen_only(socket);
    });
    auto opened = open(broker);
    ASSERT_TRUE(opened) << opened.error().message;
    const auto begin = Clock::now();
    const auto done = now((*opened)->publish({"a", as_bytes("?"), {}}));
    ASSERT_FALSE(done);
    EXPECT_THAT(done.error().code, ::testing::AnyOf(ErrorCode::Unavailable, ErrorCode::Timeout));
    EXPECT_LT(Clock::now() - begin, 5s);
    if (lie != "\xe0\x01\x8e"s) {
      EXPECT_GT(broker.connections(), 1);
    }
    EXPECT_LT(broker.connections(), 50);  // with growing pauses
  }
}

TEST_F(MessagingMqttHostile, AFloodOfWhatNobodyAskedFor) {
  const auto unasked = mqtt::encode(mqtt::Publish{.topic = "a", .payload = Bytes(60'000)});
  FakeBroker broker([&](tcp::socket& socket) {
    say(socket, kWelcome);
    flood(socket, unasked);
  });
  auto opened = open(broker);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_FALSE(now((*opened)->publish({"a", as_bytes("?"), {}})));
  EXPECT_FALSE(now((*opened)->request("a", {}, 200ms)));
  opened->reset();
}

// A subscriber's broker that sends more, and larger, than it was told: it has to wait.
TEST_F(MessagingMqttHostile, MoreThanTheReceiveMaximumWaits) {
  std::atomic<int> sent = 0;
  std::atomic<int> turn = 0;
  FakeBroker broker([&](tcp::socket& socket) {
    say(socket, kWelcome);
    if (turn++ == 0) {
      // The publisher's own: a second connection is wanted beside it.
      std::thread([handle = socket.release()] {
        asio::io_context loop;
        tcp::socket kept(loop, tcp::v4(), handle);
        listen_only(kept);
      }).detach();
      return;
    }
    std::this_thread::sleep_for(50ms);
    say(socket, "\x90\x04\x00\x01\x00\x01"s);
    mqtt::Publish large{.topic = "a", .payload = Bytes(1 << 20), .qos = 1};
    for (large.id = 1; large.id < 200; ++large.id) {
      boost::system::error_code error;
      asio::write(socket, asio::buffer(mqtt::encode(large)), error);
      if (error) break;
      ++sent;
    }
    listen_only(socket);
  });
  auto opened = open(broker, "?timeout=3s");
  ASSERT_TRUE(opened) << opened.error().message;
  std::mutex mutex;
  std::deque<contracts::Delivery> kept;
  std::size_t most = 0;
  auto subscription =
      now((*opened)->subscribe({"a", {}, "workers", 2}, [&](contracts::Delivery delivery) {
        std::lock_guard lock(mutex);
        kept.push_back(std::move(delivery));
        most = std::max(most, kept.size());
      }));
  ASSERT_TRUE(subscription) << subscription.error().message;
  std::this_thread::sleep_for(700ms);
  EXPECT_LT(sent, 80);  // 48 MiB, and what the sockets hold
  const auto patience = Clock::now() + 20s;
  int handled = 0;
  while (handled < 199 && Clock::now() < patience) {
    std::optional<contracts::Delivery> next;
    {
      std::lock_guard lock(mutex);
      if (kept.empty()) continue;
      next.emplace(std::move(kept.front()));
      kept.pop_front();
    }
    next->handled();
    ++handled;
  }
  EXPECT_EQ(handled, 199);
  EXPECT_EQ(most, 2u);
  subscription->reset();
  opened->reset();
}

}  // namespace
}  // namespace unbolt::providers
