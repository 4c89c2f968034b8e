// Entering a component through one of its exports (CanonicalABI.md, "canon lift"): what a call with
// C++ types (bind.h), one with values (value.h) and one from another component (component_call.cc)
// share.
#pragma once

#include "unbolt/component/abi_values.h"
#include "unbolt/component/lift_lower.h"

namespace unbolt::component {

// What becomes of a result, as soon as the guest has returned it. Lives on the fiber for one call.
class ResultTaker {
 public:
  // `in` reads the flat values; where they are `in_memory`, one pointer to them, not checked yet.
  // False: the context's trap is set.
  virtual bool take(LiftLowerContext& cx, FlatReader in, bool in_memory) = 0;

 protected:
  ~ResultTaker() = default;
};

// CanonicalABI.md, "Task State": the call that a component instance is in.
struct LiftedTask {
  const Lift* lift;
  ResultTaker* results;
  bool returned = false;
};

// False, with the context's trap set, where the component instance has been entered already, or has
// trapped before. To be asked before anything is lowered.
bool may_enter(LiftLowerContext& cx);

// Calls the core function with the lowered arguments in `raw`, which has kMaxFlatParams + 1 values;
// hands the result on; lets the guest free it (`post-return`).
[[nodiscard]] engine::Trap* call_lifted(LiftLowerContext& cx, const Lift& lift, engine::Raw* raw,
                                        ResultTaker& results);

// Calls the destructor of a resource that this component defines, as a call of the component
// instance that does. One without a destructor is done with at once.
[[nodiscard]] engine::Trap* call_destructor(Instance& instance, const ResourceType& resource,
                                            std::uint32_t rep);

// `task.return` (CanonicalABI.md, "canon task.return"), with the flat values in `raw`.
[[nodiscard]] engine::Trap* return_from_task(Instance& instance, const TaskReturnBuiltin& builtin,
                                             const engine::Raw* raw);

}  // namespace unbolt::component
