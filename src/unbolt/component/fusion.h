// Which core modules of a component are compiled as one (engine/fused_module.h). Toolchains make a
// component of several: a main module and an adapter, or each library of a language's runtime by
// itself. As one module they cost one instance, call each other directly, and take nothing from
// each other while a component comes into being: most of what an instance of many modules costs.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "unbolt/component/plan.h"
#include "unbolt/engine/fused_module.h"

namespace unbolt::component {

// Steps that follow each other, where nobody can tell whether they are taken in turn or at once: no
// guest code runs between them, and all that they import is the host's or each other's.
struct Fusion {
  std::vector<std::uint32_t> steps;
  // Of those that are left: a shim whose jumps all lead to other members (Step::jumps) is not
  // needed, nor is what its fixup puts into its table. The host's functions are numbered as in
  // Plan::host_funcs. Looks into the plan.
  engine::FuseRecipe recipe;
  std::map<CoreRef, std::uint32_t> exports;  // by what others take: its position in the recipe
  std::set<std::uint32_t> unneeded_fixups;   // steps
};

std::vector<Fusion> plan_fusions(const Plan& plan);

}  // namespace unbolt::component
