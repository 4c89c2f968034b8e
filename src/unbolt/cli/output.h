// How the command line speaks: errors on stderr as `error: what happened: why`, and the exit status
// that goes with them.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"

namespace unbolt::cli {

inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kBadUsage = 2;

// Print the error; return the status. InvalidArgument is bad usage, all else is a failure.
int report(const Error& error);
int usage_error(std::string_view message);

// The program's own arguments, last first as CLI11 takes them, and those after `--`.
std::pair<std::vector<std::string>, std::vector<std::string>> split_arguments(int argc,
                                                                              char** argv);

Result<Bytes> read_file(const std::string& path);

}  // namespace unbolt::cli
