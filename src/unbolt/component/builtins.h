// Core functions that the canonical ABI itself provides (CanonicalABI.md, "canon resource.new" and
// on).
#pragma once

#include "unbolt/component/plan.h"
#include "unbolt/engine/capi.h"

namespace unbolt::component {

CoreFuncType builtin_type(const Builtin& builtin);
// The engine callback that carries it out; its `env` is a `BuiltinFunc` (linked_component.h).
engine::HostCallback builtin_callback(const Builtin& builtin);

}  // namespace unbolt::component
