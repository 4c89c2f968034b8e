// The providers that this program has.
#pragma once

#include <string>

#include "unbolt/contracts/provider_set.h"
#include "unbolt/plugin/probe.h"

namespace unbolt::cli {

contracts::ProviderTables provider_tables();

// `CONTRACT=URL` as people type it: a scheme alone, `wasi:keyvalue=memory`, gets its colon, as in a
// manifest. Anything else stays as it is.
std::string with_whole_url(std::string link);

// How this program tries a plug-in out in a process of its own.
inline constexpr const char* kProbeCommand = "plugin-probe";
plugin::ProbeCommand plugin_probe();

}  // namespace unbolt::cli
