// `sqlite:PATH`, key-value in a file.
#pragma once

#include <memory>

#include "unbolt/contracts/key_value.h"
#include "unbolt/contracts/provider_table.h"
#include "unbolt/sqlite/file.h"

namespace unbolt::providers {

using KvDurability = unbolt::sqlite::Durability;
using KvSqliteOptions = unbolt::sqlite::FileOptions;

// Opens or creates the file; blocks. Reads run in `blocking`, which outlives the provider, on
// connections of their own.
Result<std::shared_ptr<contracts::KeyValue>> make_kv_sqlite(const KvSqliteOptions& options,
                                                            BlockingPool& blocking);

// The factory for `sqlite:PATH[?synchronous=full|normal][&busy_timeout=5s][&max_bytes=SIZE]`.
Result<std::shared_ptr<contracts::KeyValue>> open_kv_sqlite(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
