// `redis://HOST`, key-value in a Redis server.
#pragma once

#include <memory>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/contracts/key_value.h"
#include "unbolt/contracts/provider_table.h"
#include "unbolt/providers/kv_redis/options.h"

namespace unbolt::providers {

// Blocks until the server has answered. Unavailable where it cannot be reached, Denied where it
// does not let us in, NotFound where it does not have the database. The log and the pool outlive
// the provider.
Result<std::shared_ptr<contracts::KeyValue>> make_kv_redis(const KvRedisOptions& options, Log& log,
                                                           BlockingPool& blocking);

// The factory for `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE][?timeout=5s][&prefix=TEXT]
// [&connections=2]`, and for `rediss:` with the same and `ca=FILE`: over TLS.
Result<std::shared_ptr<contracts::KeyValue>> open_kv_redis(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
