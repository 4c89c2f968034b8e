// The manifest of an application, `unbolt.yaml`: text in, desired state out, with every mistake
// that can be seen without opening the components. docs/manifest.md is for its authors.
#pragma once

#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/control/desired_state.h"
#include "unbolt/control/diagnostic.h"

namespace unbolt::control {

// What a manifest may refer to.
struct ManifestContext {
  // The providers there are: the schemes of each contract (a WIT package without its version), as
  // contracts::ProviderTables::schemes() has them. `component:NAME` meets a contract that is not in
  // the map; one in the map only where its schemes have `component`.
  std::map<std::string, std::vector<std::string_view>, std::less<>> schemes;
  // Schemes whose path is a file or folder, and relative to the manifest's.
  std::vector<std::string_view> file_schemes = {"sqlite", "file", "plugin"};
  // The value of ${NAME}. Without a function there are no variables.
  std::function<std::optional<std::string>(std::string_view name)> variable;
};

// `file_name` is for the diagnostics; relative paths are looked for in `base_folder`, an absolute
// path, whose name is the application's where the manifest has none.
std::expected<DesiredState, Diagnostics> parse_manifest(std::string_view text,
                                                        std::string_view file_name,
                                                        const std::filesystem::path& base_folder,
                                                        const ManifestContext& context);

// How a component's image is made. No part of the desired state: a host takes what it finds.
struct Build {
  std::string command;  // of the shell
  std::string folder;   // where it runs, absolute: the component's sources lie there
};
// Of the components that have one, by their names.
std::expected<std::map<std::string, Build>, Diagnostics> parse_builds(
    std::string_view text, std::string_view file_name, const std::filesystem::path& base_folder,
    const ManifestContext& context);

// A manifest from which `parse_manifest` makes an equal state, whatever the folder and the
// variables are. It holds the passwords that the state holds.
std::string to_yaml(const DesiredState& state);

// JSON Schema (draft 2020-12) of the manifest, for editors.
std::string manifest_schema();

}  // namespace unbolt::control
