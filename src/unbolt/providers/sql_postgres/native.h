// `postgres://HOST/DATABASE` for wasmcloud:postgres.
#pragma once

#include <memory>

#include "unbolt/contracts/postgres.h"
#include "unbolt/contracts/provider_table.h"

namespace unbolt::providers {

// The factory for `postgres://` and `postgresql://`, as `open_sql_postgres`.
Result<std::shared_ptr<contracts::Postgres>> open_postgres(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
