// The manifest that a command was given.
#pragma once

#include <string>

#include "unbolt/base/error.h"
#include "unbolt/control/manifest.h"

namespace unbolt::cli {

// What manifests may refer to in this program; variables are those of this process where a manifest
// is the user's own.
enum class Variables : std::uint8_t { None, Environment };
control::ManifestContext manifest_context(Variables variables);

// Reads a manifest, or the unbolt.yaml of a folder, with the variables of this process's
// environment.
Result<control::DesiredState> read_manifest(const std::string& file_or_folder);

}  // namespace unbolt::cli
