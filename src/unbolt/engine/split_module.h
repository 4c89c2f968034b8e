// A core module's code apart from the data that it begins with, so that what changes only its data
// is compiled no more.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "unbolt/base/bytes.h"

namespace unbolt::engine {

struct SplitModule {
  Bytes code;
  // Writes what memories and globals of an instance of `code` are before any code runs; nothing
  // else. Instantiated right behind it.
  Bytes image;
  // The exports of `code` that `image` imports, in its order.
  std::vector<std::string> shared;
};

// Nothing where it is better left whole: it has less than a megabyte of data, or one could tell.
// The module is valid. An instance costs the copy of its data, which that of a whole module does
// not.
std::optional<SplitModule> split(ByteView module);

}  // namespace unbolt::engine
