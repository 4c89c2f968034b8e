// How names of containers and objects are written as paths, and read again.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace unbolt::providers::blob_files {

// The path of a name below its folder: letters, digits, `-`, `_` and `.` stand as they are, every
// other byte as %XX, and so does a `.` where a file name begins. No file name is longer than 240
// bytes: what is left goes on in the next, below a folder whose name ends in `+`. So no two names
// have one path, none is the folder of another's, and none leads anywhere else. `name` is not
// empty.
std::string to_path(std::string_view name);

// Nothing for a path that no name has.
std::optional<std::string> from_path(std::string_view path);

}  // namespace unbolt::providers::blob_files
