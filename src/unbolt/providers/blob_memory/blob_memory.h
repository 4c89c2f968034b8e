// `memory:`, blobs in this process.
#pragma once

#include <cstdint>
#include <memory>

#include "unbolt/contracts/blob_store.h"
#include "unbolt/contracts/provider_table.h"

namespace unbolt::providers {

struct BlobMemoryOptions {
  // Of objects, names and what keeping them costs; beyond it a write is LimitExceeded.
  std::uint64_t max_bytes = 256 << 20;
};

std::shared_ptr<contracts::BlobStore> make_blob_memory(BlobMemoryOptions options = {});

// The factory for `memory:[NAME][?max_bytes=SIZE]`.
Result<std::shared_ptr<contracts::BlobStore>> open_blob_memory(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
