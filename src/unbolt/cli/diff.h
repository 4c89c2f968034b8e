// `unbolt diff`: what a new revision of a component imports, exports and may do that the old one
// did not. Runs and compiles nothing.
#pragma once

#include <string>

namespace unbolt::cli {

struct DiffOptions {
  std::string before, after;  // files
  // Exit status 1 where the new one needs more of its host, gives less, or may do more.
  bool strict = false;
  std::string output = "text";
};
int diff_command(const DiffOptions& options);

}  // namespace unbolt::cli
