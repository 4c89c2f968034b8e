// `postgres://HOST/DATABASE`, key-value in a table of a PostgreSQL server.
#pragma once

#include <memory>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/log.h"
#include "unbolt/contracts/key_value.h"
#include "unbolt/contracts/provider_table.h"
#include "unbolt/providers/kv_postgres/options.h"

namespace unbolt::providers {

// Blocks until the server has answered and the table is there; it is made where it is not.
// Unavailable where the server cannot be reached, Denied where it does not let us in, NotFound
// where it does not have the database, Conflict where the table is another program's. The log and
// the pool outlive the provider.
Result<std::shared_ptr<contracts::KeyValue>> make_kv_postgres(const KvPostgresOptions& options,
                                                              Log& log, BlockingPool& blocking);

// The factory for `postgres://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE][?table=unbolt_kv]
// [&timeout=5s][&connections=8]` and `postgresql:`, with libpq's own options (sslmode=…) besides.
Result<std::shared_ptr<contracts::KeyValue>> open_kv_postgres(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
