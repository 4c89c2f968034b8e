// `postgres://HOST/DATABASE`, SQL on a PostgreSQL server.
#pragma once

#include <memory>

#include "unbolt/contracts/provider_table.h"
#include "unbolt/contracts/sql.h"
#include "unbolt/providers/sql_postgres/pool.h"

namespace unbolt::providers {

using SqlPostgresOptions = sql_postgres::PoolOptions;

// Blocks until the server has answered. Unavailable where it cannot be reached, Denied where it
// does not let us in, NotFound where it does not have the database. The log and the pool outlive
// the provider.
Result<std::shared_ptr<contracts::Sql>> make_sql_postgres(const SqlPostgresOptions& options,
                                                          Log& log, BlockingPool& blocking);

// The factory for `postgres://` and `postgresql://`; see `PoolOptions::of`.
Result<std::shared_ptr<contracts::Sql>> open_sql_postgres(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
