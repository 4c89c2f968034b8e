#include "unbolt/component/builtins.h"

#include <utility>

#include <fmt/format.h>

#include "unbolt/component/error_context.h"
#include "unbolt/component/lifted_call.h"
#include "unbolt/component/lowered_call.h"

namespace unbolt::component {
namespace {

using engine::Caller;
using engine::Fault;
using engine::Raw;
using engine::Trap;

Trap* trap(Instance& instance, std::string_view reason) {
  return instance.store().fail(Fault::Kind::Trap, reason);
}

// A call of one of them: what is asked for, and by whom.
template <class Of>
struct BuiltinCall {
  BuiltinCall(void* env, Caller* caller)
      : func(*static_cast<const BuiltinFunc*>(env)),
        builtin(std::get<Of>(*func.builtin)),
        instance(Instance::of(caller)),
        state(instance.state(builtin.instance)) {}

  const BuiltinFunc& func;
  const Of& builtin;
  Instance& instance;
  Instance::State& state;
};

struct ResourceCall : BuiltinCall<ResourceBuiltin> {
  using BuiltinCall::BuiltinCall;
  ResourceId id() const { return func.component->resource_ids()[builtin.resource->index]; }
  // Null, with what is wrong in `problem`, where there is no such handle of this type.
  HandleEntry* find(std::uint32_t handle, std::string& problem) const {
    HandleEntry* entry = state.handles.find(handle);
    if (!entry) {
      problem = unknown_handle(handle);
    } else if (entry->type != id()) {
      problem = wrong_handle(handle, *entry, builtin.resource->imported);
      entry = nullptr;
    }
    return entry;
  }
};

Trap* resource_new(void* env, Caller* caller, Raw* raw, std::size_t) noexcept {
  const ResourceCall call(env, caller);
  if (!call.state.may_leave) return trap(call.instance, "cannot leave component instance");
  const auto handle =
      call.state.handles.add({.type = call.id(), .rep = static_cast<std::uint32_t>(raw[0].i32)});
  if (handle == 0) return trap(call.instance, "too many handles");
  raw[0].i32 = static_cast<std::int32_t>(handle);
  return nullptr;
}

Trap* resource_rep(void* env, Caller* caller, Raw* raw, std::size_t) noexcept {
  const ResourceCall call(env, caller);
  std::string problem;
  const HandleEntry* entry = call.find(static_cast<std::uint32_t>(raw[0].i32), problem);
  if (!entry) return trap(call.instance, problem);
  raw[0].i32 = static_cast<std::int32_t>(entry->rep);
  return nullptr;
}

Trap* drop_host_object(Instance& instance, const ResourceTag& tag, void* object) noexcept {
  if (!tag.drop) {
    tag.destroy(object);
    return nullptr;
  }
  try {
    return when_replied(instance, tag.drop(object), [&](Result<> dropped) -> Trap* {
      return dropped ? nullptr : trap_for(instance, dropped.error());
    });
  } catch (...) {
    return internal_error(instance, std::current_exception());
  }
}

Trap* resource_drop(void* env, Caller* caller, Raw* raw, std::size_t) noexcept {
  const ResourceCall call(env, caller);
  Instance& instance = call.instance;
  if (!call.state.may_leave) return trap(instance, "cannot leave component instance");
  const auto handle = static_cast<std::uint32_t>(raw[0].i32);
  std::string problem;
  const HandleEntry* found = call.find(handle, problem);
  if (!found) return trap(instance, problem);
  if (found->lends != 0) return trap(instance, "cannot remove owned resource while borrowed");
  const HandleEntry entry = *found;
  const auto* tag = entry.host ? static_cast<const ResourceTag*>(entry.type) : nullptr;
  if (tag && entry.own && tag->has_children &&
      tag->has_children(reinterpret_cast<void*>(entry.rep))) {
    return trap(instance, "a resource cannot be dropped before its children");
  }
  call.state.handles.remove(handle);
  if (!entry.own) {
    --call.state.borrowed;
    return nullptr;
  }
  if (tag) return drop_host_object(instance, *tag, reinterpret_cast<void*>(entry.rep));
  const ResourceType& resource = *call.builtin.resource;
  if (resource.destructor && resource.instance != call.builtin.instance &&
      instance.state(resource.instance).entered)
    return trap(instance, "cannot enter component instance");
  return call_destructor(instance, resource, static_cast<std::uint32_t>(entry.rep));
}

Trap* context_access(void* env, Caller* caller, Raw* raw, std::size_t) noexcept {
  const BuiltinCall<ContextBuiltin> call(env, caller);
  const ast::CanonContext& of = call.builtin.of;
  std::uint64_t& stored = call.state.context[of.slot];
  if (of.op == ast::CanonContext::Op::Set) {
    stored =
        of.is_64 ? static_cast<std::uint64_t>(raw[0].i64) : static_cast<std::uint32_t>(raw[0].i32);
  } else {
    FlatWriter(raw).u64(of.is_64 ? stored : static_cast<std::uint32_t>(stored));
  }
  return nullptr;
}

// Counts only: who would have to wait for it is asynchronous.
Trap* backpressure(void* env, Caller* caller, Raw*, std::size_t) noexcept {
  const BuiltinCall<BackpressureBuiltin> call(env, caller);
  const bool inc = call.builtin.op == ast::CanonBackpressure::Op::Inc;
  if (inc ? call.state.backpressure == UINT16_MAX : call.state.backpressure == 0)
    return trap(call.instance, "backpressure counter overflow");
  call.state.backpressure += inc ? 1 : -1;
  return nullptr;
}

Trap* task_return(void* env, Caller* caller, Raw* raw, std::size_t) noexcept {
  const BuiltinCall<TaskReturnBuiltin> call(env, caller);
  return return_from_task(call.instance, call.builtin, raw);
}

Trap* error_context(void* env, Caller* caller, Raw* raw, std::size_t) noexcept {
  const BuiltinCall<ErrorContextBuiltin> call(env, caller);
  if (!call.state.may_leave) return trap(call.instance, "cannot leave component instance");
  LiftLowerContext cx(call.instance, call.builtin.options, call.builtin.instance);
  FlatReader in(raw);
  if (call.builtin.op == ast::CanonErrorContext::Op::New) {
    const auto pointer = in.pointer(cx.width());
    std::string_view message;
    if (!cx.lift_string(pointer, in.pointer(cx.width()), message) || !cx.charge(message.size()))
      return cx.trap();
    const auto handle =
        add_error_context(call.state.handles, std::make_shared<const std::string>(message));
    if (handle == 0) return trap(call.instance, "too many handles");
    FlatWriter(raw).u32(handle);
    return nullptr;
  }
  const std::uint32_t handle = in.u32();
  const ErrorContext* found = find_error_context(call.state.handles, handle);
  if (!found) return trap(call.instance, unknown_handle(handle));
  if (call.builtin.op == ast::CanonErrorContext::Op::Drop) {
    delete found;
    call.state.handles.remove(handle);
    return nullptr;
  }
  const ErrorContext context = *found;  // the guest runs in between
  const auto at = in.pointer(cx.width());
  const std::uint32_t size = pointer_size(cx.width());
  std::uint64_t pointer, length;
  if (!cx.aligned(at, size) || !cx.in_bounds(at, 2 * size) ||
      !cx.lower_string(*context, pointer, length))
    return cx.trap();
  cx.store_pointer(at, pointer);
  cx.store_pointer(at + size, length);
  return nullptr;
}

Trap* unsupported(void* env, Caller* caller, Raw*, std::size_t) noexcept {
  const BuiltinCall<UnsupportedBuiltin> call(env, caller);
  if (!call.state.may_leave) return trap(call.instance, "cannot leave component instance");
  return trap(
      call.instance,
      fmt::format("the canonical built-in {} is not supported yet (WASI 0.3)", call.builtin.name));
}

}  // namespace

CoreFuncType builtin_type(const Builtin& builtin) {
  struct Visitor {
    CoreFuncType operator()(const ResourceBuiltin& b) const {
      if (b.op == ast::CanonResource::Op::Drop) return {{CoreType::I32}, {}};
      return {{CoreType::I32}, {CoreType::I32}};
    }
    CoreFuncType operator()(const ContextBuiltin& b) const {
      const CoreType type = b.of.is_64 ? CoreType::I64 : CoreType::I32;
      if (b.of.op == ast::CanonContext::Op::Get) return {{}, {type}};
      return {{type}, {}};
    }
    CoreFuncType operator()(const BackpressureBuiltin&) const { return {}; }
    CoreFuncType operator()(const TaskReturnBuiltin& b) const { return b.signature.core; }
    CoreFuncType operator()(const ErrorContextBuiltin& b) const {
      const CoreType pointer = pointer_type(b.options.width);
      switch (b.op) {
        case ast::CanonErrorContext::Op::New: return {{pointer, pointer}, {CoreType::I32}};
        case ast::CanonErrorContext::Op::DebugMessage: return {{CoreType::I32, pointer}, {}};
        case ast::CanonErrorContext::Op::Drop: return {{CoreType::I32}, {}};
      }
      return {};
    }
    CoreFuncType operator()(const UnsupportedBuiltin& b) const { return b.type; }
  };
  return std::visit(Visitor{}, builtin);
}

engine::HostCallback builtin_callback(const Builtin& builtin) {
  struct Visitor {
    engine::HostCallback operator()(const ResourceBuiltin& b) const {
      switch (b.op) {
        case ast::CanonResource::Op::New: return &resource_new;
        case ast::CanonResource::Op::Drop: return &resource_drop;
        case ast::CanonResource::Op::Rep: return &resource_rep;
      }
      return nullptr;
    }
    engine::HostCallback operator()(const ContextBuiltin&) const { return &context_access; }
    engine::HostCallback operator()(const BackpressureBuiltin&) const { return &backpressure; }
    engine::HostCallback operator()(const TaskReturnBuiltin&) const { return &task_return; }
    engine::HostCallback operator()(const ErrorContextBuiltin&) const { return &error_context; }
    engine::HostCallback operator()(const UnsupportedBuiltin&) const { return &unsupported; }
  };
  return std::visit(Visitor{}, builtin);
}

}  // namespace unbolt::component
