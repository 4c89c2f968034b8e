// The resource `bucket` of wasi:keyvalue/store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace unbolt::contracts {

// A handle names its bucket, and by it the link; the provider is looked up for each operation.
struct Bucket {
  static constexpr std::size_t kMaxCursors = 64;
  std::string name;
  std::map<std::uint64_t, std::string> cursors;  // of listings through this handle
};

}  // namespace unbolt::contracts
