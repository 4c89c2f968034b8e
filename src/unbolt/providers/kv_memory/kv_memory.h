// `memory:`, key-value in this process.
#pragma once

#include <cstdint>
#include <memory>

#include "unbolt/contracts/key_value.h"
#include "unbolt/contracts/provider_table.h"

namespace unbolt::providers {

struct KvMemoryOptions {
  // Of keys, values and what keeping them costs; beyond it a write is LimitExceeded.
  std::uint64_t max_bytes = 256 << 20;
};

std::shared_ptr<contracts::KeyValue> make_kv_memory(KvMemoryOptions options = {});

// The factory for `memory:[NAME][?max_bytes=SIZE]`; the name tells stores apart where providers are
// shared by their URLs.
Result<std::shared_ptr<contracts::KeyValue>> open_kv_memory(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
