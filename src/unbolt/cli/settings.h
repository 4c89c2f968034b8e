// What the flags of `unbolt run` mean, checked before anything is started.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "unbolt/base/error.h"
#include "unbolt/cli/run.h"
#include "unbolt/contracts/config.h"
#include "unbolt/contracts/grants.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/contracts/provider_table.h"
#include "unbolt/host/component_pool.h"
#include "unbolt/http/server.h"

namespace unbolt::cli {

struct Settings {
  asio::ip::tcp::endpoint listen;
  contracts::ConfigValues config;
  contracts::Grants grants;
  host::Isolation isolation;
  std::map<std::string, contracts::ProviderUrl> links;  // by contract: "wasi:keyvalue"
  unsigned threads = 1;
};

// InvalidArgument names the flag.
Result<Settings> read_settings(const RunOptions& options);

// Opens the folders that were granted; NotFound, Denied… name the folder.
Result<std::vector<wasi::Preopen>> open_directories(const contracts::Grants& grants);

// Opens the providers of the links, and the defaults of those that are not given. May block.
Result<contracts::Links> open_links(const Settings& settings,
                                    const contracts::ProviderContext& context);

}  // namespace unbolt::cli
