// What this machine has to build components with.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace unbolt::project {

// One language's tools, as they were found. Looking runs them: it takes a tenth of a second each.
struct Toolchain {
  std::string language;  // "cpp"
  std::string found;     // "clang-19 19.1.7", or "" where something is missing
  std::string missing;   // one line: what, and the command that installs it
  // For templates: how the tools are called here. Filled where they are missing, too.
  std::map<std::string, std::string> words;
};

// "c", "cpp", "go", "js", "python", "rust", "zig"
std::vector<std::string> known_languages();
Toolchain find_toolchain(std::string_view language);

}  // namespace unbolt::project
