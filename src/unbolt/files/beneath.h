// Paths that cannot leave a folder.
//
// A path is resolved below an open folder: whatever `..`, absolute paths, symbolic links (absolute,
// relative, chained, or into /proc) and concurrent renames do, the result lies below that folder,
// or the answer is EPERM. Thread: any; every call may block.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "unbolt/files/descriptor.h"

namespace unbolt::files {

// Kernel: openat2 with RESOLVE_BENEATH. Walk: the same in steps of one name, for kernels and
// sandboxes without it; each folder on the way is held open.
enum class Method { Kernel, Walk };
// What this machine has.
Method best_method();

// `open(2)` below `folder`. `flags` are its own, with O_NOFOLLOW for a last name that must not be a
// symbolic link; O_CLOEXEC is added.
Outcome<Descriptor> open_beneath(int folder, std::string_view path, int flags, mode_t mode = 0,
                                 Method method = best_method());

// Where a name stands: for operations that take a folder and a name in it.
struct Place {
  Descriptor opened;
  int folder;  // `opened`, or the caller's own
  // One name, never `.`, `..` or empty; with a slash at the end where the path has some, which
  // means a folder.
  std::string name;
};
// Resolves all of `path` but its last name. EINVAL where the last name is `.`, EPERM where it is
// `..` or the path is absolute, ENOENT where it is empty.
Outcome<Place> place_beneath(int folder, std::string_view path, Method method = best_method());

}  // namespace unbolt::files
