// What the flags of `unbolt run` mean, checked before anything is started.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "unbolt/base/error.h"
#include "unbolt/claims/admission.h"
#include "unbolt/cli/run.h"
#include "unbolt/contracts/config.h"
#include "unbolt/contracts/grants.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/contracts/provider_set.h"
#include "unbolt/host/component_pool.h"
#include "unbolt/http/server.h"

namespace unbolt::cli {

struct Settings {
  asio::ip::tcp::endpoint listen;
  contracts::ConfigValues config;
  std::map<std::string, std::string> secrets;  // by name: where it comes from
  contracts::Grants grants;
  claims::Admission admission;
  host::Isolation isolation;
  std::map<std::string, contracts::ProviderUrl> links;    // by contract: "wasi:keyvalue"
  std::map<std::string, contracts::ProviderUrl> plugins;  // the same for links to plug-ins
  unsigned threads = 1;
};

// InvalidArgument names the flag.
Result<Settings> read_settings(const RunOptions& options);

// Opens the providers of the links, and the defaults of those that are not given. May block.
Result<contracts::Links> open_links(const Settings& settings, contracts::ProviderSet& providers,
                                    Log& log);

}  // namespace unbolt::cli
