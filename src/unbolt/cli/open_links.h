// Links that have one possible answer while one develops: made without being asked for.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "unbolt/base/error.h"
#include "unbolt/control/desired_state.h"

namespace unbolt::cli {

// What a component's file imports: "wasi:keyvalue", "wasi:http".
Result<std::set<std::string>> imported_packages(const std::string& image);

// A provider on this machine for each contract among `packages` that this program has providers
// for: one that keeps its data below `folder` where there is such a one, else one that holds it
// while the host runs. Contracts that need a server have none.
std::map<control::LinkKey, std::string> local_links(const std::set<std::string>& packages,
                                                    const std::string& component,
                                                    const std::filesystem::path& folder);

}  // namespace unbolt::cli
