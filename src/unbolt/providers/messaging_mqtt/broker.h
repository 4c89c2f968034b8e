// What a provider's subscriptions and its publisher share: a loop on a thread of its own.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/io_thread.h"
#include "unbolt/mqtt/session.h"
#include "unbolt/providers/messaging_mqtt/publisher.h"

namespace unbolt::providers::mqtt_messaging {

struct BrokerOptions {
  mqtt::Options server;
  PublisherOptions publisher;
  // Between a failure and the next attempt: so long after the first, doubled each time, to a
  // minute.
  std::chrono::milliseconds retry_delay{1000};
  std::uint64_t max_deliver = 0;  // attempts at a message; 0: for ever
  // How long the broker keeps what comes for a durable name while nobody listens.
  std::uint32_t session_expiry = 7 * 86'400;  // seconds
  bool share = false;  // those of other clients with the same durable name share its messages
};

class Subscriber;

// Let go in the blocking pool, for it gives the sessions a moment to say goodbye.
class Broker {
 public:
  // Blocks until the broker lets us in, or an error.
  static Result<std::shared_ptr<Broker>> open(BrokerOptions options, Log& log,
                                              BlockingPool& blocking);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  const BrokerOptions& options() const { return options_; }
  const std::shared_ptr<const mqtt::Shared>& shared() const { return shared_; }
  asio::io_context& loop() { return io_.loop(); }
  Log& log() const { return shared_->log; }
  Publisher& publisher() { return *publisher_; }
  // Held by every session until it has ended.
  std::shared_ptr<void> place() const { return place_; }
  Time deadline() const { return std::chrono::steady_clock::now() + options_.server.timeout; }

  // The subscribers that more subscriptions may join, by their keys.
  std::mutex mutex;
  std::map<std::string, std::weak_ptr<Subscriber>> subscribers;
  std::map<std::string, std::string> durables;  // name: subject

 private:
  Broker(BrokerOptions options, std::shared_ptr<const mqtt::Shared> shared);

  const BrokerOptions options_;
  const std::shared_ptr<const mqtt::Shared> shared_;
  std::shared_ptr<void> place_ = std::make_shared<int>(0);
  IoThread io_{"mqtt"};
  std::shared_ptr<Publisher> publisher_;
};

}  // namespace unbolt::providers::mqtt_messaging
