// `sqlite:PATH`, SQL in a file.
#pragma once

#include <memory>

#include "unbolt/contracts/provider_table.h"
#include "unbolt/contracts/sql.h"
#include "unbolt/providers/sql_sqlite/database.h"

namespace unbolt::providers {

using SqlSqliteOptions = sql_sqlite::DatabaseOptions;

// Opens or creates the file; blocks. Closed in `blocking`, which outlives the provider.
Result<std::shared_ptr<contracts::Sql>> make_sql_sqlite(const SqlSqliteOptions& options,
                                                        BlockingPool& blocking);

// The factory for `sqlite:PATH[?timeout=30s][&idle_transaction=60s][&connections=8]` with the
// options of `sqlite::FileOptions`.
Result<std::shared_ptr<contracts::Sql>> open_sql_sqlite(const contracts::ProviderUrl& url,
                                                        const contracts::ProviderContext& context);

}  // namespace unbolt::providers
