// Subscriptions of JetStream: what is not acknowledged comes again.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "unbolt/contracts/messaging.h"
#include "unbolt/nats/connection.h"
#include "unbolt/providers/messaging_nats/messaging_nats.h"

namespace unbolt::providers::nats_messaging {

// Carries a message's own reply-to through a stream, whose messages have none.
inline constexpr char kReplyToHeader[] = "Unbolt-Reply-To";

// Of one consumer: the messages that were handled lately. The server gives some of them again where
// an acknowledgement was lost with it. Thread-safe.
class Handled {
 public:
  // A message's place in the stream, and when it came there: a stream that was made anew has the
  // same places.
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  bool contains(Key key) const;
  void add(Key key);

 private:
  static constexpr std::size_t kRemembered = 20'000;
  mutable std::mutex mutex_;
  std::set<Key> known_;
  std::deque<Key> order_;
};

// Those of a provider, by consumer; so that a subscription knows what the one before it handled.
class HandledMessages {
 public:
  std::shared_ptr<Handled> of(const std::string& consumer);

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Handled>> consumers_;
};

// Blocks. Those with the same durable name, or the same group on the same subject, share the
// messages; without either the consumer is gone with its subscription.
Result<std::unique_ptr<contracts::Subscription>> subscribe_stream(
    std::shared_ptr<nats::Connection> connection, const MessagingNatsOptions& provider,
    HandledMessages& handled, const contracts::SubscribeOptions& options,
    contracts::Receiver receiver);

}  // namespace unbolt::providers::nats_messaging
