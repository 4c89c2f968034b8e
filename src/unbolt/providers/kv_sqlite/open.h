// Opening a key-value file: its checks, its settings and its schema.
#pragma once

#include <memory>

#include "unbolt/providers/kv_sqlite/connection.h"
#include "unbolt/providers/kv_sqlite/kv_sqlite.h"

namespace unbolt::providers::sqlite {

// The connection that writes, to a file that exists and has our tables afterwards.
Result<std::unique_ptr<Connection>> open_for_writing(const KvSqliteOptions& options);
// One of those that read; the file is there already.
Result<std::unique_ptr<Connection>> open_for_reading(const KvSqliteOptions& options);

}  // namespace unbolt::providers::sqlite
