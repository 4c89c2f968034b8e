// `nats://`, messaging over a NATS server.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "unbolt/contracts/messaging.h"
#include "unbolt/contracts/provider_table.h"
#include "unbolt/nats/options.h"

namespace unbolt::providers {

struct MessagingNatsOptions {
  nats::Options server;
  // Empty: core NATS alone.
  std::string stream;
  // The stream is made with these where it is not there; else it must have them.
  std::vector<std::string> subjects;
  bool memory_storage = false;
  std::uint32_t replicas = 1;
  // How long the server waits for an answer to a delivery before it gives it to another; the
  // receiver may take longer, for it is told that work goes on.
  std::chrono::milliseconds ack_wait{30'000};
  // Between a failure and the next attempt: so long after the first, doubled each time, to a
  // minute.
  std::chrono::milliseconds retry_delay{1000};
  // Attempts at a message; 0: for ever.
  std::uint64_t max_deliver = 0;
  // Whether a new durable name begins with what the stream holds.
  bool deliver_all = true;
};

// Connects; blocks.
Result<std::shared_ptr<contracts::Messaging>> make_messaging_nats(
    const MessagingNatsOptions& options, const contracts::ProviderContext& context);

// The factory for `nats://HOST[:PORT][?jetstream=STREAM][&subjects=A,B][&storage=file|memory]
// [&replicas=N][&ack_wait=30s][&retry_delay=1s][&max_deliver=N][&deliver=all|new]` and the options
// of `nats::read_url`.
Result<std::shared_ptr<contracts::Messaging>> open_messaging_nats(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
