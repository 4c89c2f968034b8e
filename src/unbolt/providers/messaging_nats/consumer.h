// A consumer of JetStream: what the server keeps for those who share a subscription.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "unbolt/contracts/messaging.h"
#include "unbolt/nats/connection.h"
#include "unbolt/providers/messaging_nats/messaging_nats.h"

namespace unbolt::providers::nats_messaging {

struct ConsumerName {
  std::string name;
  bool kept;  // also while nobody asks it
};
ConsumerName consumer_name(const contracts::SubscribeOptions& options);

// Blocks. Makes the consumer where it is not there: it begins with the message `from` of the
// stream, or where that is 0 as the provider's options say. Conflict where it is there for another
// subject.
Result<> ensure_consumer(const std::shared_ptr<nats::Connection>& connection,
                         const ConsumerName& named, const MessagingNatsOptions& provider,
                         const contracts::SubscribeOptions& options, std::uint64_t from = 0);

}  // namespace unbolt::providers::nats_messaging
