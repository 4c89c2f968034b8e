// Core functions that the canonical ABI itself provides (CanonicalABI.md, "canon resource.new" and
// on), and the call from one component of a file to another. Engine callbacks; their `env` is in
// linked_component.h.
#pragma once

#include "unbolt/engine/capi.h"

namespace unbolt::component {

engine::Trap* resource_new(void* builtin_func, engine::Caller*, engine::Raw*, std::size_t) noexcept;
engine::Trap* resource_drop(void* builtin_func, engine::Caller*, engine::Raw*,
                            std::size_t) noexcept;
engine::Trap* resource_rep(void* builtin_func, engine::Caller*, engine::Raw*, std::size_t) noexcept;

// A lowered function whose target is a lift: out of one component's ABI and into another's
// (transfer.h).
engine::Trap* call_lifted(void* lowered_func, engine::Caller*, engine::Raw*, std::size_t) noexcept;

}  // namespace unbolt::component
