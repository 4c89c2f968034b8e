#include "unbolt/component/builtins.h"

#include <algorithm>

#include "unbolt/component/lift_lower.h"
#include "unbolt/component/transfer.h"

namespace unbolt::component {

using engine::Caller;
using engine::Fault;
using engine::Raw;
using engine::Trap;

namespace {

constexpr std::size_t kRawValues = kMaxFlatParams + 1;

Trap* trap(Instance& instance, std::string_view reason) {
  return instance.store().fail(Fault::Kind::Trap, reason);
}

ResourceId id_of(const BuiltinFunc& func) {
  return func.component->resource_ids()[func.builtin->resource->index];
}

Trap* either_trap(LiftLowerContext& a, LiftLowerContext& b) {
  if (Trap* first = a.trap()) {
    if (Trap* second = b.trap()) wasm_trap_delete(second);
    return first;
  }
  return b.trap();
}

}  // namespace

Trap* resource_new(void* env, Caller* caller, Raw* raw, std::size_t) noexcept {
  const auto& func = *static_cast<const BuiltinFunc*>(env);
  Instance& instance = Instance::of(caller);
  auto& state = instance.state(func.builtin->instance);
  if (!state.may_leave) return trap(instance, "cannot leave component instance");
  const auto handle =
      state.handles.add({.type = id_of(func), .rep = static_cast<std::uint32_t>(raw[0].i32)});
  if (handle == 0) return trap(instance, "too many handles");
  raw[0].i32 = static_cast<std::int32_t>(handle);
  return nullptr;
}

Trap* resource_rep(void* env, Caller* caller, Raw* raw, std::size_t) noexcept {
  const auto& func = *static_cast<const BuiltinFunc*>(env);
  Instance& instance = Instance::of(caller);
  const HandleEntry* entry =
      instance.state(func.builtin->instance).handles.find(static_cast<std::uint32_t>(raw[0].i32));
  if (!entry) return trap(instance, "unknown handle index");
  if (entry->type != id_of(func)) return trap(instance, "a handle is of another resource type");
  raw[0].i32 = static_cast<std::int32_t>(entry->rep);
  return nullptr;
}

Trap* resource_drop(void* env, Caller* caller, Raw* raw, std::size_t) noexcept {
  const auto& func = *static_cast<const BuiltinFunc*>(env);
  Instance& instance = Instance::of(caller);
  auto& state = instance.state(func.builtin->instance);
  if (!state.may_leave) return trap(instance, "cannot leave component instance");
  const auto handle = static_cast<std::uint32_t>(raw[0].i32);
  const HandleEntry* found = state.handles.find(handle);
  if (!found) return trap(instance, "unknown handle index");
  if (found->type != id_of(func)) return trap(instance, "a handle is of another resource type");
  if (found->lends != 0) return trap(instance, "a handle cannot be dropped while it is lent");
  const HandleEntry entry = *found;
  const auto* tag = entry.host ? static_cast<const ResourceTag*>(entry.type) : nullptr;
  if (tag && entry.own && tag->has_children &&
      tag->has_children(reinterpret_cast<void*>(entry.rep))) {
    return trap(instance, "a resource cannot be dropped before its children");
  }
  state.handles.remove(handle);
  if (!entry.own) {
    --state.borrowed;
    return nullptr;
  }
  if (tag) {
    tag->destroy(reinterpret_cast<void*>(entry.rep));
    return nullptr;
  }
  const ResourceType& resource = *func.builtin->resource;
  if (!resource.destructor) return nullptr;
  auto& owner = instance.state(resource.instance);
  if (resource.instance != func.builtin->instance && owner.entered) {
    return trap(instance, "cannot enter component instance");
  }
  Raw values[1];
  values[0].i32 = static_cast<std::int32_t>(entry.rep);
  return instance.store().call(instance.func(*resource.destructor), values, 1);
}

Trap* call_lifted(void* env, Caller* caller, Raw* raw, std::size_t) noexcept {
  const auto& func = *static_cast<const LoweredFunc*>(env);
  Instance& instance = Instance::of(caller);
  const Lowered& lowered = *func.lowered;
  const Lift& lift = func.component->plan().lifts[std::get<std::uint32_t>(lowered.target)];
  const FuncType& type = *lowered.type;
  const FlatSignature signature = flatten(type, Context::Lower);

  LiftLowerContext outer(instance, lowered.options, lowered.instance);
  LiftLowerContext inner(instance, lift.options, lift.instance);
  if (!outer.state().may_leave) return trap(instance, "cannot leave component instance");
  if (inner.state().entered || lift.instance == lowered.instance) {
    return trap(instance, "cannot enter component instance");
  }

  Raw values[kRawValues];
  const std::uint32_t result_pointer =
      signature.result_in_memory
          ? static_cast<std::uint32_t>(raw[signature.core.params.size() - 1].i32)
          : 0;
  Transfer in(outer, inner, lift.instance);
  if (signature.params_in_memory) {
    std::uint32_t pointer;
    if (!in.params_in_memory(type, static_cast<std::uint32_t>(raw[0].i32), pointer))
      return either_trap(outer, inner);
    values[0].i32 = static_cast<std::int32_t>(pointer);
  } else {
    FlatReader from(raw);
    FlatWriter to(values);
    for (const Param& param : type.params) {
      if (!in.flat(*param.type, from, to)) return either_trap(outer, inner);
    }
  }

  inner.state().entered = true;
  Trap* trapped = instance.store().call(instance.func(lift.core_func), values, kRawValues);
  inner.state().entered = false;
  if (trapped) return trapped;
  if (inner.state().borrowed != 0)
    return trap(instance, "borrow handles still remain at the end of the call");
  outer.guest_ran();
  inner.guest_ran();

  if (type.result) {
    Transfer out(inner, outer, lowered.instance);
    if (signature.result_in_memory) {
      const auto from = static_cast<std::uint32_t>(values[0].i32);
      if (!inner.aligned(from, type.result->alignment) ||
          !inner.in_bounds(from, type.result->size) ||
          !outer.aligned(result_pointer, type.result->alignment) ||
          !outer.in_bounds(result_pointer, type.result->size) ||
          !out.memory(*type.result, from, result_pointer)) {
        return either_trap(inner, outer);
      }
    } else {
      FlatReader from(values);
      FlatWriter to(raw);
      if (!out.flat(*type.result, from, to)) return either_trap(inner, outer);
    }
  }
  if (lift.options.post_return) {
    inner.state().may_leave = false;
    trapped = instance.store().call(instance.func(*lift.options.post_return), values, kRawValues);
    inner.state().may_leave = true;
  }
  return trapped;
}

}  // namespace unbolt::component
