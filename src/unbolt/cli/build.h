// `unbolt build`: carries out the builds of a manifest.
#pragma once

#include <string>
#include <vector>

namespace unbolt::cli {

struct BuildOptions {
  std::string project = ".";
  std::vector<std::string> components;  // none: all that have a build
};

int build_command(const BuildOptions& options);

}  // namespace unbolt::cli
