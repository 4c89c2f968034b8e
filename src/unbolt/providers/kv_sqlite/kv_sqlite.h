// `sqlite:PATH`, key-value in a file.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "unbolt/contracts/key_value.h"
#include "unbolt/contracts/provider_table.h"

namespace unbolt::providers {

// What a write that was answered survives. Either survives a kill -9 of the program.
enum class KvDurability : std::uint8_t {
  PowerLoss,  // the log is synced to the disk with each group of writes
  Crash,      // the end of the program, not of the machine: no sync but at checkpoints
};

struct KvSqliteOptions {
  std::string path;  // absolute
  KvDurability durability = KvDurability::PowerLoss;
  // How long a statement waits for another process that has locked the file.
  std::chrono::milliseconds busy_timeout{5000};
  // Of the database file; beyond it a write is LimitExceeded. 0: no limit.
  std::uint64_t max_bytes = 0;
};

// Opens or creates the file; blocks. Reads run in `blocking`, which outlives the provider, on
// connections of their own.
Result<std::shared_ptr<contracts::KeyValue>> make_kv_sqlite(const KvSqliteOptions& options,
                                                            BlockingPool& blocking);

// The factory for `sqlite:PATH[?synchronous=full|normal][&busy_timeout=5s][&max_bytes=SIZE]`.
Result<std::shared_ptr<contracts::KeyValue>> open_kv_sqlite(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
