// `file:PATH`, blobs in a folder.
#pragma once

#include <memory>
#include <string>

#include "unbolt/contracts/blob_store.h"
#include "unbolt/contracts/provider_table.h"
#include "unbolt/providers/blob_files/store_folder.h"

namespace unbolt::providers {

struct BlobFilesOptions {
  std::string path;
  blob_files::Durability durability = blob_files::Durability::PowerLoss;
};

// Opens or makes the folder; blocks. All else runs in `blocking`, which outlives the provider and
// everything made of it.
Result<std::shared_ptr<contracts::BlobStore>> make_blob_files(const BlobFilesOptions& options,
                                                              BlockingPool& blocking);

// The factory for `file:PATH[?sync=on|off]`.
Result<std::shared_ptr<contracts::BlobStore>> open_blob_files(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
