#include "unbolt/component/value_call.h"

#include "unbolt/component/type_rules.h"

namespace unbolt::component {
namespace {

template <class F>
Result<> check_parts(const FuncType& type, const F& unwanted) {
  const Type* found = find_part(type, unwanted);
  if (!found) return {};
  return fail(ErrorCode::Unsupported,
              "its type holds {}, which has no value outside of a component", to_wit(found));
}

bool is_async(const Type& part) {
  return part.kind == TypeKind::Stream || part.kind == TypeKind::Future ||
         part.kind == TypeKind::ErrorContext;
}
bool is_handle(const Type& part) {
  return part.kind == TypeKind::Own || part.kind == TypeKind::Borrow;
}

bool lift_params(LiftLowerContext& cx, const FuncType& type, const FlatSignature& signature,
                 const engine::Raw* raw, Values& out) {
  out.resize(type.params.size());
  FlatReader in(raw);
  if (!signature.params_in_memory) {
    return each_param(type, cx.width(), [&](const Type& param, std::size_t i, std::uint32_t) {
      return lift_value(cx, param, in, out[i]);
    });
  }
  const std::uint64_t at = in.pointer(cx.width());
  const Layout& layout = type.params_in(cx.width());
  return cx.aligned(at, layout.alignment) && cx.in_bounds(at, layout.size) &&
         each_param(type, cx.width(), [&](const Type& param, std::size_t i, std::uint32_t offset) {
           return load_value(cx, param, at + offset, out[i]);
         });
}

engine::Trap* lower_answer(LiftLowerContext& cx, const FuncType& type,
                           std::optional<std::uint64_t> pointer, engine::Raw* raw,
                           ValueFunction::Answer answer) {
  engine::Store& store = cx.instance().store();
  if (!answer) return trap_for(cx.instance(), answer.error());
  std::optional<Value>& value = *answer;
  const ResourceIds& ids = cx.instance().component().resource_ids();
  if (type.result ? !value || !has_shape(*type.result, *value, ids) : value.has_value())
    return store.fail(engine::Fault::Kind::Internal, "a host function answered another type");
  if (!type.result) return nullptr;
  FlatWriter out(raw);
  const bool lowered = pointer ? cx.aligned(*pointer, type.result->in(cx.width()).alignment) &&
                                     cx.in_bounds(*pointer, type.result->in(cx.width()).size) &&
                                     store_value(cx, *type.result, *pointer, *value)
                               : lower_value(cx, *type.result, out, *value);
  return lowered ? nullptr : cx.trap();
}

// The engine callback of every function by value; HostThunk (bind.h) is the same by C++ type.
engine::Trap* call_value_function(void* env, engine::Caller* caller, engine::Raw* raw,
                                  std::size_t) noexcept {
  const auto& func = *static_cast<const LoweredFunc*>(env);
  Instance& instance = Instance::of(caller);
  LiftLowerContext cx(instance, func.lowered->options, func.lowered->instance);
  if (!may_leave(cx)) [[unlikely]]
    return cx.trap();
  try {
    const FuncType& type = *func.lowered->type;
    const FlatSignature& signature = func.lowered->signature;
    std::optional<std::uint64_t> pointer;
    if (signature.result_in_memory)
      pointer = FlatReader(raw + signature.core.params.size() - 1).pointer(cx.width());
    Values arguments;
    if (!lift_params(cx, type, signature, raw, arguments)) return cx.trap();
    Call call(instance, func);
    return when_replied(cx, func.host->by_value->answer(call, std::move(arguments)),
                        [&](ValueFunction::Answer answer) {
                          return lower_answer(cx, type, pointer, raw, std::move(answer));
                        });
  } catch (...) {
    return internal_error(instance, std::current_exception());
  }
}

}  // namespace

HostFunction host_function(ValueFunction function) {
  return {.callback = &call_value_function,
          .accepts = [](const FuncType& type,
                        const ResourceIds& ids) { return check_values(type, ids).has_value(); },
          .by_value = std::make_shared<const ValueFunction>(std::move(function))};
}

HostInterface& HostInterface::func(std::string_view name, ValueFunction function) {
  funcs_.emplace(name, host_function(std::move(function)));
  return *this;
}

HostInterface& HostInterface::otherwise(ValueFunction function) {
  otherwise_ = host_function(std::move(function));
  return *this;
}

Result<> check_values(const FuncType& type, const ResourceIds& ids) {
  return check_parts(type, [&](const Type& part) {
    return is_async(part) || (is_handle(part) && !ids[part.resource->index]);
  });
}

Result<> check_plain_values(const FuncType& type) {
  return check_parts(type, [](const Type& part) { return is_async(part) || is_handle(part); });
}

Result<> check_callable(const ExportedFunc& func) {
  if (!std::holds_alternative<std::uint32_t>(func.target))
    return fail(ErrorCode::Unsupported, "it is an import that is exported again");
  return check_plain_values(*func.type);
}

ValueCall::ValueCall(Instance& instance, const ExportedFunc& func, Values arguments)
    : instance_(instance),
      lift_(instance.component().plan().lifts[std::get<std::uint32_t>(func.target)]),
      arguments_(std::move(arguments)) {}

bool ValueCall::lower_arguments(LiftLowerContext& cx, std::span<engine::Raw> raw) {
  FlatWriter out(raw.data());
  if (!lift_.signature.params_in_memory) {
    return each_param(*lift_.type, cx.width(),
                      [&](const Type& param, std::size_t i, std::uint32_t) {
                        return lower_value(cx, param, out, arguments_[i]);
                      });
  }
  const Layout& layout = lift_.type->params_in(cx.width());
  std::uint64_t at;
  if (!cx.allocate(layout.size, layout.alignment, at)) return false;
  out.u64(at);
  return each_param(*lift_.type, cx.width(),
                    [&](const Type& param, std::size_t i, std::uint32_t offset) {
                      return store_value(cx, param, at + offset, arguments_[i]);
                    });
}

bool ValueCall::take(LiftLowerContext& cx, FlatReader in, bool in_memory) {
  const Type* type = lift_.type->result;
  if (!type) return true;
  Value& value = result_.emplace();
  if (!in_memory) return lift_value(cx, *type, in, value);
  const auto at = in.pointer(cx.width());
  const Layout& layout = type->in(cx.width());
  return cx.aligned(at, layout.alignment) && cx.in_bounds(at, layout.size) &&
         load_value(cx, *type, at, value);
}

engine::Trap* ValueCall::run(engine::Store&) {
  LiftLowerContext cx(instance_, lift_.options, lift_.instance);
  if (!may_enter(cx)) return cx.trap();
  engine::Raw raw[kMaxFlatParams + 1];
  if (!lower_arguments(cx, raw)) return cx.trap();
  return call_lifted(cx, lift_, raw, *this);
}

engine::Trap* ResourceDrop::run(engine::Store& store) {
  if (instance_.state(resource_.instance).entered || store.faulted())
    return store.fail(engine::Fault::Kind::Trap, "cannot enter component instance");
  return call_destructor(instance_, resource_, rep_);
}

}  // namespace unbolt::component
