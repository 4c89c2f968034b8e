// wasi:clocks/wall-clock's record, which other packages use too.
#pragma once

#include <cstdint>

namespace unbolt::wasi {

struct Datetime {
  std::uint64_t seconds;
  std::uint32_t nanoseconds;
};

}  // namespace unbolt::wasi
