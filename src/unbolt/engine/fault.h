// Why a guest stopped: what the engine says of a trap, in our words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/engine/capi.h"

namespace unbolt::engine {

// A value. Its instance is gone; nothing of it may be called again.
struct Fault {
  enum class Kind : std::uint8_t {
    Trap,       // the guest's own doing
    Deadline,   // it ran or waited for too long
    Cancelled,  // its caller left
    Limit,      // no room for it: instances, memories, tables, stacks
    Exit,       // wasi:cli/exit was called; no failure of itself
    Internal,   // a bug of ours
  };

  Kind kind = Kind::Trap;
  std::string reason;               // "wasm trap: wasm `unreachable` instruction executed"
  std::vector<std::string> frames;  // innermost first, with function names where the file has them

  Error to_error() const;
  // `reason` and the frames, one a line.
  std::string describe() const;
};

// Both take what they are given.
Fault fault_from(wasm_trap_t* trap);
Fault fault_from(wasmtime_error_t* error);

// A trap to be returned from a host function.
[[nodiscard]] Trap* make_trap(std::string_view message);

}  // namespace unbolt::engine
