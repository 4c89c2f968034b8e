// `env:PREFIX`, configuration in the environment of this program.
#pragma once

#include "unbolt/contracts/config.h"
#include "unbolt/contracts/provider_table.h"

namespace unbolt::providers {

// The factory for `env:PREFIX`: of each variable whose name begins with the prefix, what follows it
// is the name of a value. Read once: the environment of a program does not change.
Result<std::shared_ptr<contracts::Config>> open_config_env(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
