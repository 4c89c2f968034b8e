// A call from one component of a file to another: out of one's canonical ABI and into the other's
// (transfer.h).
#pragma once

#include "unbolt/engine/capi.h"

namespace unbolt::component {

// An engine callback for a lowered function whose target is a lift; `env` is a `LoweredFunc`
// (linked_component.h).
engine::Trap* call_component(void* lowered_func, engine::Caller*, engine::Raw*,
                             std::size_t) noexcept;

}  // namespace unbolt::component
