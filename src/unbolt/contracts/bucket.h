// The resource `bucket` of wasi:keyvalue/store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "unbolt/contracts/guarded.h"

namespace unbolt::contracts {

// A handle names its bucket, and by it the link; the provider is looked up for each operation.
struct Bucket : Guarded {
  static constexpr std::size_t kMaxCursors = 64;
  std::map<std::uint64_t, std::string> cursors;  // of listings through this handle
};

}  // namespace unbolt::contracts
