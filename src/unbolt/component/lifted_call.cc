#include "unbolt/component/lifted_call.h"

#include <algorithm>
#include <utility>

namespace unbolt::component {
namespace {

using engine::Raw;
using engine::Trap;

// The component instance is entered while this lives.
class Entered {
 public:
  Entered(Instance::State& state, LiftedTask& task) : state_(state) {
    state_.entered = true;
    state_.context = {};
    state_.task = &task;
  }
  ~Entered() {
    state_.entered = false;
    state_.task = nullptr;
  }
  Entered(const Entered&) = delete;
  Entered& operator=(const Entered&) = delete;

 private:
  Instance::State& state_;
};

Trap* call_slot(LiftLowerContext& cx, std::uint32_t slot, Raw* raw) {
  Instance& instance = cx.instance();
  Trap* trap = instance.store().call(instance.func(slot), raw, kMaxFlatParams + 1);
  if (!trap) cx.guest_ran();
  return trap;
}

Trap* failed(LiftLowerContext& cx, std::string_view reason) {
  cx.fail(reason);
  return cx.trap();
}

// What an async core function with a callback answers: a code, and for some of them a waitable set
// (CanonicalABI.md, `unpack_callback_result`).
enum class CallbackCode : std::uint8_t { Exit = 0, Yield = 1, Wait = 2 };

Trap* run_callbacks(LiftLowerContext& cx, const Lift& lift, Raw* raw) {
  for (;;) {
    const auto packed = static_cast<std::uint32_t>(raw[0].i32);
    switch (packed & 0xf) {
      case static_cast<std::uint32_t>(CallbackCode::Exit): return nullptr;
      case static_cast<std::uint32_t>(CallbackCode::Yield): {
        // Nobody else runs in this store: it is its turn again, with the event `NONE`.
        FlatWriter event(raw);
        event.zeros(3);
        if (Trap* trap = call_slot(cx, *lift.options.callback, raw)) return trap;
        break;
      }
      case static_cast<std::uint32_t>(CallbackCode::Wait):
        return failed(cx, "waiting in an asynchronous function is not supported yet (WASI 0.3)");
      default: return failed(cx, "unsupported callback code");
    }
  }
}

// CanonicalABI.md, `Task.return_`.
bool hand_on(LiftLowerContext& cx, LiftedTask& task, FlatReader values, bool in_memory) {
  if (cx.state().borrowed != 0)
    return cx.fail("borrow handles still remain at the end of the call");
  task.returned = true;
  return task.results->take(cx, values, in_memory);
}

Trap* finish_sync(LiftLowerContext& cx, const Lift& lift, Raw* raw, LiftedTask& task) {
  if (!hand_on(cx, task, FlatReader(raw), lift.signature.result_in_memory)) return cx.trap();
  if (!lift.options.post_return) return nullptr;
  cx.state().may_leave = false;
  Trap* trap = call_slot(cx, *lift.options.post_return, raw);
  cx.state().may_leave = true;
  return trap;
}

Trap* finish_async(LiftLowerContext& cx, const Lift& lift, Raw* raw, const LiftedTask& task) {
  if (lift.options.callback) {
    if (Trap* trap = run_callbacks(cx, lift, raw)) return trap;
  }
  return task.returned ? nullptr : failed(cx, "async-lifted export failed to produce a result");
}

}  // namespace

bool may_enter(LiftLowerContext& cx) {
  return (!cx.state().entered && !cx.instance().store().faulted()) ||
         cx.fail("cannot enter component instance");
}

Trap* call_lifted(LiftLowerContext& cx, const Lift& lift, Raw* raw, ResultTaker& results) {
  LiftedTask task{&lift, &results};
  Entered entered(cx.state(), task);
  if (Trap* trap = call_slot(cx, lift.core_func, raw)) return trap;
  return lift.options.async ? finish_async(cx, lift, raw, task) : finish_sync(cx, lift, raw, task);
}

Trap* call_destructor(Instance& instance, const ResourceType& resource, std::uint32_t rep) {
  if (!resource.destructor) return nullptr;
  engine::Store& store = instance.store();
  if (!instance.filled(*resource.destructor))
    return store.fail(engine::Fault::Kind::Trap, "this resource's destructor is not there yet");
  Instance::State& owner = instance.state(resource.instance);
  const bool entered = std::exchange(owner.entered, true);
  Raw values[1];
  values[0].i32 = static_cast<std::int32_t>(rep);
  Trap* trap = store.call(instance.func(*resource.destructor), values, 1);
  owner.entered = entered;
  return trap;
}

Trap* return_from_task(Instance& instance, const TaskReturnBuiltin& builtin, const Raw* raw) {
  LiftLowerContext cx(instance, builtin.options, builtin.instance);
  if (!cx.state().may_leave) return failed(cx, "cannot leave component instance");
  LiftedTask* task = cx.state().task;
  if (!task || !task->lift->options.async ||
      !equal_shape(builtin.result, task->lift->type->result) ||
      builtin.options.encoding != task->lift->options.encoding ||
      builtin.options.memory != task->lift->options.memory) {
    return failed(cx, "invalid `task.return` signature and/or options for current task");
  }
  if (task->returned) return failed(cx, "`task.return` was called twice");
  return hand_on(cx, *task, FlatReader(raw), builtin.signature.params_in_memory) ? nullptr
                                                                                 : cx.trap();
}

}  // namespace unbolt::component
