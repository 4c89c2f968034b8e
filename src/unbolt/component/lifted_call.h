// Entering a component through one of its exports (CanonicalABI.md, "canon lift"): what a call with
// C++ types (bind.h) and one with values (value.h) share.
#pragma once

#include "unbolt/component/lift_lower.h"

namespace unbolt::component {

// False, with the context's trap set, where the component instance has been entered already.
bool may_enter(LiftLowerContext& cx);

// Calls the core function with the lowered arguments in `raw`, which holds its results afterwards.
// A trap, too, where the guest still has borrow handles of this call then.
// `raw` has kMaxFlatParams + 1 values. Ask `may_enter` before anything is lowered.
[[nodiscard]] engine::Trap* call_lifted(LiftLowerContext& cx, const Lift& lift, engine::Raw* raw);

// Once the results have been lifted: the guest frees them. It is called with the flat results, and
// may not leave the instance.
[[nodiscard]] engine::Trap* call_post_return(LiftLowerContext& cx, const Lift& lift,
                                             engine::Raw* raw);

}  // namespace unbolt::component
