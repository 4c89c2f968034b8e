#include "unbolt/contracts/claims_guard.h"

#include <algorithm>
#include <array>
#include <string>

#include "unbolt/component/bind.h"
#include "unbolt/component/value_call.h"
#include "unbolt/contracts/guarded.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/contracts/text.h"

namespace unbolt::contracts {
namespace {

using component::Call;
using component::CaseValue;
using component::FuncType;
using component::HandleEntry;
using component::HostFunction;
using component::ImportedFunc;
using component::Instance;
using component::LiftLowerContext;
using component::LoweredFunc;
using component::Type;
using component::TypeKind;
using component::Value;
using component::ValueFunction;
using component::Values;

constexpr std::size_t kShown = 200;
// A handle remembers so many functions.
constexpr std::size_t kMostOnHandles = 64;

// How contracts call it, the best first.
constexpr std::array<std::string_view, 4> kDeniedLabels{"access-denied", "HTTP-request-denied",
                                                        "not-permitted", "access"};

// The value of an error type that says that access is denied; nothing where it has none.
std::optional<Value> denied_value(const Type& type, const std::string& reason, unsigned depth = 0) {
  if (type.kind == TypeKind::String) return Value{reason};
  if (type.kind != TypeKind::Variant && type.kind != TypeKind::Enum) return std::nullopt;
  const auto payload = [&](std::size_t i) -> const Type* {
    return type.kind == TypeKind::Enum ? nullptr : type.children[i];
  };
  for (const std::string_view label : kDeniedLabels) {
    for (std::size_t i = 0; i < type.labels.size(); ++i) {
      if (type.labels[i] == label && !payload(i))
        return Value{CaseValue{static_cast<std::uint32_t>(i), nullptr}};
    }
  }
  // As `cas-error`, whose `store-error` is the store's own.
  for (std::size_t i = 0; depth == 0 && i < type.labels.size(); ++i) {
    const Type* inner = payload(i);
    if (!inner || inner->kind != TypeKind::Variant) continue;
    if (auto value = denied_value(*inner, reason, depth + 1)) {
      return Value{
          CaseValue{static_cast<std::uint32_t>(i), std::make_unique<Value>(std::move(*value))}};
    }
  }
  return std::nullopt;
}

// What a component's functions have in common.
struct Guard {
  std::vector<std::shared_ptr<const ClaimedGrants>> grants;
  // Calls on handles, by their numbers; they grow while the component is linked.
  std::vector<CallName> on_handles;

  bool allows(const CallName& call, std::optional<std::string_view> about) const {
    return std::ranges::all_of(grants, [&](const auto& one) { return one->allows(call, about); });
  }
  std::string reason(std::string_view package) const {
    for (const auto& one : grants) {
      // The narrowest is not known; the claims come first.
      return "its claims grant " + one->granted_of(package);
    }
    return "nothing is granted";
  }
};

// One function, as the `context` of what is bound.
struct GuardedFunction {
  std::shared_ptr<Guard> guard;
  CallName call;
  GuardedCall::About about;
  HostFunction host, refusal;
  std::size_t number = 0;                   // of those on handles
  std::array<std::size_t, 2> strings = {};  // where the flat parameters begin that are strings
};

void tell(const Call& call, const Guard& guard, const CallName& name, std::string_view about) {
  const Guest& guest = call.host<Guest>();
  if (!guest.audit) return;
  const std::string function = name.resource.empty()
                                   ? std::string(name.function)
                                   : fmt::format("{}.{}", name.resource, name.function);
  guest.audit->refused({guest.component, guest.revision, call.interface_name(), function, about,
                        guard.reason(name.package)});
}

// What a call is about, for the audit: the first string among its arguments, or a handle's name.
std::string about_of(const Values& arguments) {
  for (const Value& argument : arguments) {
    if (const auto* text = std::get_if<std::string>(&argument.of)) return printable(*text, kShown);
    if (const auto* fields = std::get_if<Values>(&argument.of)) return about_of(*fields);
    const auto of_handle = [](const component::ResourceTag& tag, void* object) -> std::string {
      if (!tag.guarded || !object) return "";
      return printable(static_cast<const Guarded*>(tag.guarded(object))->name, kShown);
    };
    if (const auto* lent = std::get_if<component::BorrowValue>(&argument.of))
      return of_handle(*lent->tag, lent->object);
    if (const auto* own = std::get_if<component::OwnValue>(&argument.of))
      return of_handle(own->tag(), own->object());
  }
  return "";
}

ValueFunction refusing(std::shared_ptr<Guard> guard, CallName name) {
  return {[guard = std::move(guard), name](Call& call,
                                           Values arguments) -> Reply<ValueFunction::Answer> {
    tell(call, *guard, name, about_of(arguments));
    const std::string reason = fmt::format("access denied: {}#{}: {}", call.interface_name(),
                                           call.name(), guard->reason(name.package));
    const Type* result = call.type().result;
    if (result && result->kind == TypeKind::Result && result->children[1]) {
      if (auto value = denied_value(*result->children[1], reason)) {
        return ValueFunction::Answer(
            Value{CaseValue{1, std::make_unique<Value>(std::move(*value))}});
      }
    }
    return ValueFunction::Answer(fail(ErrorCode::Denied, "{}", reason));
  }};
}

// Whether the handle that comes first is one of something that may be used so. Where there is no
// such handle, the function itself says so.
bool allowed_on_handle(const GuardedFunction& function, Instance::State& state,
                       const engine::Raw* raw) {
  const HandleEntry* entry = state.handles.find(static_cast<std::uint32_t>(raw[0].i32));
  if (!entry || !entry->host) return true;
  const auto* tag = static_cast<const component::ResourceTag*>(entry->type);
  if (!tag->guarded) return true;
  auto& opened = *static_cast<Guarded*>(tag->guarded(reinterpret_cast<void*>(entry->rep)));
  if (!opened.granted) [[unlikely]] {
    std::uint64_t granted = 0;
    const auto& calls = function.guard->on_handles;
    for (std::size_t i = 0; i < calls.size(); ++i) {
      if (function.guard->allows(calls[i], opened.name)) granted |= std::uint64_t{1} << i;
    }
    opened.granted = granted;
  }
  return *opened.granted >> function.number & 1;
}

// Nothing where a string could not be read; the context's trap says why.
std::optional<bool> allowed_by_name(const GuardedFunction& function, LiftLowerContext& cx,
                                    const engine::Raw* raw) {
  const std::size_t count = function.about == GuardedCall::About::TwoParameters ? 2 : 1;
  for (std::size_t i = 0; i < count; ++i) {
    component::FlatReader in(raw + function.strings[i]);
    std::string name;
    if (!component::Abi<std::string>::lift(cx, in, name)) return std::nullopt;
    if (!function.guard->allows(function.call, name)) return false;
  }
  return true;
}

// The engine callback of a function whose calls may or may not be granted.
engine::Trap* call_guarded(void* env, engine::Caller* caller, engine::Raw* raw,
                           std::size_t count) noexcept {
  const auto& func = *static_cast<const LoweredFunc*>(env);
  const auto& guarded = *static_cast<const GuardedFunction*>(func.host->context.get());
  Instance& instance = Instance::of(caller);
  try {
    if (guarded.about == GuardedCall::About::Handle) {
      if (!allowed_on_handle(guarded, instance.state(func.lowered->instance), raw))
        return guarded.refusal.callback(env, caller, raw, count);
    } else {
      LiftLowerContext cx(instance, func.lowered->options, func.lowered->instance);
      if (!may_leave(cx)) [[unlikely]]
        return cx.trap();
      const auto allowed = allowed_by_name(guarded, cx, raw);
      if (!allowed) return cx.trap();
      if (!*allowed) return guarded.refusal.callback(env, caller, raw, count);
    }
  } catch (...) {
    return component::internal_error(instance, std::current_exception());
  }
  return guarded.host.callback(env, caller, raw, count);
}

// Where the string of a parameter begins: the parameter itself, or its first field.
std::optional<std::size_t> place_of_string(const FuncType& type, std::size_t parameter,
                                           component::Width width) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < parameter; ++i) at += type.params[i].type->in(width).flat.size();
  const Type* part = type.params[parameter].type;
  while (part->kind == TypeKind::Record) part = part->children.front();
  if (part->kind != TypeKind::String) return std::nullopt;
  return at;
}

}  // namespace

component::Substitute guard_calls(std::vector<std::shared_ptr<const ClaimedGrants>> grants) {
  auto guard = std::make_shared<Guard>(Guard{std::move(grants), {}});
  return [guard](const ImportedFunc& import, const HostFunction& host,
                 const component::ResourceIds&) -> std::optional<HostFunction> {
    const CallName call = call_name(import.interface_name, import.name);
    auto verdict = ClaimedGrants::Verdict::Granted;
    for (const auto& one : guard->grants) verdict = std::min(verdict, one->verdict(call));
    if (verdict == ClaimedGrants::Verdict::Granted) return std::nullopt;
    HostFunction refusal = component::host_function(refusing(guard, call));
    if (verdict == ClaimedGrants::Verdict::Refused) return refusal;
    const GuardedCall& known = *find_guarded(call);
    auto guarded =
        std::make_shared<GuardedFunction>(GuardedFunction{guard, call, known.about, host, refusal});
    const std::size_t strings = known.about == GuardedCall::About::TwoParameters ? 2
                                : known.about == GuardedCall::About::Parameter   ? 1
                                                                                 : 0;
    // A contract of another shape than the one that is known, or more than a handle remembers:
    // what cannot be told apart is refused.
    if (host.context || host.by_value ||
        import.type->params.size() < std::max<std::size_t>(strings, 1))
      return refusal;
    for (std::size_t i = 0; i < strings; ++i) {
      const auto place = place_of_string(*import.type, i, component::Width::W32);
      if (!place) return refusal;
      guarded->strings[i] = *place;
    }
    if (known.about == GuardedCall::About::Handle) {
      // A composed component may import the same function several times.
      auto& known_calls = guard->on_handles;
      guarded->number =
          static_cast<std::size_t>(std::ranges::find(known_calls, call) - known_calls.begin());
      if (guarded->number == kMostOnHandles) return refusal;
      if (guarded->number == known_calls.size()) known_calls.push_back(call);
    }
    return HostFunction{&call_guarded, host.accepts, refusal.by_value, guarded};
  };
}

}  // namespace unbolt::contracts
