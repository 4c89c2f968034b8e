// Seeing through the modules that `wit-component` puts around a main module to break a cycle: its
// imports need its own memory, so it imports from a *shim* whose functions jump through a table,
// which a *fixup* module fills afterwards with the real functions. Where those are the host's, the
// main module can import them directly: that spares an indirect call for each call, and the shim
// where all are. What the fixup does can be done without an instance of it, for the entries that
// are left.
#pragma once

#include "unbolt/component/plan.h"

namespace unbolt::component {

// Rewrites the imports of the plan's steps, and marks steps that nobody needs any more as skipped.
// Recognises shim and fixup by what they do, not by their names; leaves alone whatever does
// anything else.
void see_through_shims(Plan& plan);

}  // namespace unbolt::component
