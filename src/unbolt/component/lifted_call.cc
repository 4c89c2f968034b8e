#include "unbolt/component/lifted_call.h"

namespace unbolt::component {

bool may_enter(LiftLowerContext& cx) {
  return !cx.state().entered || cx.fail("cannot enter component instance");
}

engine::Trap* call_lifted(LiftLowerContext& cx, const Lift& lift, engine::Raw* raw) {
  Instance& instance = cx.instance();
  cx.state().entered = true;
  engine::Trap* trap =
      instance.store().call(instance.func(lift.core_func), raw, kMaxFlatParams + 1);
  cx.state().entered = false;
  if (trap) return trap;
  if (cx.state().borrowed != 0) {
    cx.fail("borrow handles still remain at the end of the call");
    return cx.trap();
  }
  cx.guest_ran();
  return nullptr;
}

engine::Trap* call_post_return(LiftLowerContext& cx, const Lift& lift, engine::Raw* raw) {
  if (!lift.options.post_return) return nullptr;
  Instance& instance = cx.instance();
  cx.state().may_leave = false;
  engine::Trap* trap =
      instance.store().call(instance.func(*lift.options.post_return), raw, kMaxFlatParams + 1);
  cx.state().may_leave = true;
  return trap;
}

}  // namespace unbolt::component
