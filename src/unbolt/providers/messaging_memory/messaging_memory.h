// `memory:`, a broker in this process.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "unbolt/contracts/messaging.h"
#include "unbolt/contracts/provider_table.h"

namespace unbolt::providers {

struct MessagingMemoryOptions {
  // What may wait in one queue; where it is full, publishers wait.
  std::size_t queue = 10'000;
  std::uint64_t queue_bytes = 64 << 20;
  // How often a message is given to a receiver that fails, in all; then it is dropped, with a line
  // in the log.
  std::uint64_t attempts = 5;
  // How long a publisher waits for a queue that is full; then LimitExceeded, and nobody got the
  // message.
  std::chrono::milliseconds publish_timeout{5000};
};

// Each is a broker of its own. `log` outlives it and its subscriptions.
std::shared_ptr<contracts::Messaging> make_messaging_memory(Log& log,
                                                            MessagingMemoryOptions options = {});

// The factory for `memory:[NAME][?queue=N][&queue_bytes=SIZE][&attempts=N]`.
Result<std::shared_ptr<contracts::Messaging>> open_messaging_memory(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
