// `nats://`, key-value in JetStream.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "unbolt/contracts/key_value.h"
#include "unbolt/contracts/provider_table.h"
#include "unbolt/nats/options.h"

namespace unbolt::providers {

struct KvNatsOptions {
  nats::Options server;
  std::string store = "unbolt";
  // Of a store that is made; one that is there stays as it is.
  bool memory_storage = false;
  std::uint32_t replicas = 1;
  std::uint64_t max_bytes = 0;  // 0: no limit
};

// Connects; blocks.
Result<std::shared_ptr<contracts::KeyValue>> make_kv_nats(
    const KvNatsOptions& options, const contracts::ProviderContext& context);

// The factory for `nats://HOST[:PORT][/STORE][?storage=file|memory][&replicas=N][&max_bytes=SIZE]`
// and the options of `nats::read_url`.
Result<std::shared_ptr<contracts::KeyValue>> open_kv_nats(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
