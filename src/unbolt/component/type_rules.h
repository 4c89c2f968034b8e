// What the canonical ABI says of single values by their type (CanonicalABI.md, "Loading" and
// "Storing"): shared by those who walk types at run time, from component to component (transfer.cc)
// and to values (value.cc). abi_values.h has the same for types that are known when it is compiled.
#pragma once

#include <cstddef>
#include <cstdint>

#include "unbolt/component/lift_lower.h"
#include "unbolt/component/types.h"

namespace unbolt::component {

inline bool valid_char(std::uint32_t c) { return c < 0x110000 && (c < 0xd800 || c > 0xdfff); }

// Bits beyond the labels are ignored.
inline std::uint32_t flag_mask(const Type& flags) {
  return flags.labels.size() >= 32 ? ~0u : (1u << flags.labels.size()) - 1;
}

// An unsigned integer of 1, 2 or 4 bytes at a checked offset.
inline std::uint32_t load_sized(LiftLowerContext& cx, std::uint64_t at, std::uint32_t size) {
  return size == 1   ? cx.load<std::uint8_t>(at)
         : size == 2 ? cx.load<std::uint16_t>(at)
                     : cx.load<std::uint32_t>(at);
}
inline void store_sized(LiftLowerContext& cx, std::uint64_t at, std::uint32_t size,
                        std::uint32_t value) {
  if (size == 1) {
    cx.store(at, static_cast<std::uint8_t>(value));
  } else if (size == 2) {
    cx.store(at, static_cast<std::uint16_t>(value));
  } else {
    cx.store(at, value);
  }
}

// A case's payload takes as many flat values as the largest: so many are left.
inline std::size_t unused_values(const Type& variant, const Type* payload, Width width) {
  return variant.in(width).flat.size() - 1 - (payload ? payload->in(width).flat.size() : 0);
}

// The parameters one after the other; offsets are those of the tuple that they are in memory.
// Visits (type, index, offset) until one answers false.
template <class F>
bool each_param(const FuncType& type, Width width, F visit) {
  std::uint32_t offset = 0;
  for (std::size_t i = 0; i < type.params.size(); ++i) {
    const Type& param = *type.params[i].type;
    offset = align_to(offset, param.in(width).alignment);
    if (!visit(param, i, offset)) return false;
    offset += param.in(width).size;
  }
  return true;
}

}  // namespace unbolt::component
