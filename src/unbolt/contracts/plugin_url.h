// Links that lead to a plug-in: `plugin:PATH.so[?NAME=VALUE&…]`.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unbolt/contracts/provider_url.h"

namespace unbolt::contracts {

inline constexpr std::string_view kPluginScheme = "plugin";

inline bool leads_to_plugin(std::string_view url) { return url.starts_with("plugin:"); }

// The file, and what its `open` is given.
struct PluginUrl {
  std::string path;
  std::vector<std::pair<std::string, std::string>> options;
};
inline Result<PluginUrl> plugin_of(const ProviderUrl& url) {
  UNBOLT_ASSIGN(auto path, url.local_path("plug-in's file", "plugin:./libpricing.so"));
  return PluginUrl{std::move(path), {url.query.begin(), url.query.end()}};
}

}  // namespace unbolt::contracts
