// A project: a manifest with the builds of its components, and the folder that it stands in.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/control/manifest.h"

namespace unbolt::cli {

struct Project {
  std::filesystem::path manifest;  // absolute, as the folder
  std::filesystem::path folder;
  control::DesiredState desired;
  std::map<std::string, control::Build> builds;

  // Where a component's image is made, what it was before is no source of anything.
  std::vector<std::filesystem::path> outputs() const;
};

// Of a manifest, or the unbolt.yaml of a folder.
Result<Project> read_project(const std::string& file_or_folder);

// What is shown of a command: "make", "npm install …".
std::string first_line_of(const std::string& command);

// What build commands find in their environment: UNBOLT, this program.
std::map<std::string, std::string> build_environment(bool colours);

// After a build command that ended well: what it left at `image` is made a component where it is a
// core module. Conflict where nothing is there.
Result<> finish_build(const std::string& image);

}  // namespace unbolt::cli
