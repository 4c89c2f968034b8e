// For tests: modules and components from their text.
#pragma once

#include <stdexcept>
#include <string_view>

#include <wasmtime.h>

#include "unbolt/base/bytes.h"
#include "unbolt/engine/fault.h"

namespace unbolt::engine {

// The binary form of a module or component; throws where the text is wrong, which is a mistake in
// the test.
inline Bytes wat(std::string_view text) {
  wasm_byte_vec_t out;
  if (auto* error = wasmtime_wat2wasm(text.data(), text.size(), &out)) {
    throw std::runtime_error(fault_from(error).reason);
  }
  Bytes bytes(out.data, out.data + out.size);
  wasm_byte_vec_delete(&out);
  return bytes;
}

}  // namespace unbolt::engine
