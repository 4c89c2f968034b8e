#include "unbolt/host/plugin_link.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "unbolt/component/names.h"
#include "unbolt/component/type_rules.h"
#include "unbolt/component/value_call.h"
#include "unbolt/contracts/guest.h"

namespace unbolt::host {
namespace {

using component::FuncType;
using component::Type;
using component::Value;
using component::Values;
using component::Width;
using plugin::Answer;

// A function that a component imports and a plug-in meets.
struct PluginFunction {
  struct Param {
    const Type* type;
    std::uint32_t offset;
  };
  std::size_t place, index;  // of the link, and in its binding
  std::string name;          // for messages
  std::shared_ptr<const component::ComponentFile> types;
  std::vector<Param> params;
};

Error failed(const plugin::Provider& provider, const PluginFunction& function, Error error) {
  error.message =
      fmt::format("plug-in {} failed in {}: {}", provider.name(), function.name, error.message);
  return error;
}

// What the plug-in says where it has not simply answered.
Error refused(const unbolt_call& call, unbolt_status status) {
  if (status == UNBOLT_FAILED)
    return {ErrorCode::Unavailable, call.failure.value_or("it does not say why"), {}};
  if (status == UNBOLT_LATER)
    return {ErrorCode::Unavailable, "it answers later, and has no ticket", {}};
  return {ErrorCode::Unavailable, fmt::format("it answered {}, which is no status", status), {}};
}

Task<Answer> await_answer(std::shared_ptr<const plugin::Binding> binding,
                          std::shared_ptr<plugin::Pending> pending, std::uint64_t ticket,
                          std::shared_ptr<const PluginFunction> function,
                          engine::Deadline deadline) {
  struct Forget {
    plugin::Provider& provider;
    std::uint64_t ticket;
    ~Forget() { provider.forget(ticket); }
  } const forget{binding->provider(), ticket};
  const bool answered = co_await pending->wakeup->wait_until(deadline);
  const std::lock_guard lock(pending->mutex);
  if (!answered && !pending->answer) {
    co_return std::unexpected(failed(binding->provider(), *function,
                                     {ErrorCode::Timeout, "it did not answer in time", {}}));
  }
  if (!*pending->answer) {
    co_return std::unexpected(
        failed(binding->provider(), *function, std::move(*pending->answer).error()));
  }
  co_return std::move(*pending->answer);
}

Reply<Answer> later(component::Call& call, unbolt_call& made,
                    std::shared_ptr<const plugin::Binding> binding,
                    std::shared_ptr<const PluginFunction> function) {
  const auto deadline = call.instance().store().deadline().value_or(engine::Deadline::max());
  return await_answer(std::move(binding), std::move(made.pending), made.ticket, std::move(function),
                      deadline);
}

// Null where the component is called without its links, as when it is only checked.
const std::shared_ptr<const plugin::Binding>* find_binding(component::Call& call,
                                                           const PluginFunction& function) {
  const auto* links = call.host<contracts::Guest>().links;
  return links && function.place < links->plugins.size() ? &links->plugins[function.place]
                                                         : nullptr;
}
Error nobody(const PluginFunction& function) {
  return {ErrorCode::Unavailable, fmt::format("{} leads nowhere here", function.name), {}};
}

// ---- Values of any type

Reply<Answer> call_with_values(component::Call& call,
                               const std::shared_ptr<const PluginFunction>& function,
                               Values arguments) {
  const FuncType& type = call.type();
  const auto* binding = find_binding(call, *function);
  if (!binding) return Answer(std::unexpected(nobody(*function)));
  plugin::Provider& provider = (*binding)->provider();
  const auto component = call.instance().shared_component();
  unbolt_call made{provider, component, type.result};
  const auto memory = [&](const component::Layout& layout) {
    void* at = made.arena.allocate(layout.size, std::min(16u, layout.alignment));
    return at ? static_cast<std::uint8_t*>(std::memset(at, 0, layout.size)) : nullptr;
  };
  std::uint8_t* const params = memory(type.wide);
  std::uint8_t* const result = type.result ? memory(type.result->wide) : nullptr;
  const auto fails = [&](Error error) {
    return Answer(std::unexpected(failed(provider, *function, std::move(error))));
  };
  if (!params || (type.result && !result))
    return fails({ErrorCode::LimitExceeded, "its types are larger than a call may be", {}});
  Result<> stored;
  component::each_param(type, Width::W64, [&](const Type& param, std::size_t i, std::uint32_t at) {
    stored = plugin::store_native(param, arguments[i], params + at, made.arena);
    return stored.has_value();
  });
  if (!stored) return fails(std::move(stored).error());
  const unbolt_binding& to = (*binding)->function(function->index);
  unbolt_status status = UNBOLT_FAILED;
  try {
    status = to.function(to.context, &made, params, result);
  } catch (const std::exception& e) {
    made.failure = fmt::format("it threw: {}", e.what());
  } catch (...) {
    made.failure = "it threw something";
  }
  if (status == UNBOLT_LATER && made.ticket) return later(call, made, *binding, function);
  if (made.ticket) provider.forget(made.ticket);
  if (status != UNBOLT_DONE) return fails(refused(made, status));
  if (!type.result) return Answer(std::nullopt);
  auto value = plugin::load_native(*type.result, result);
  if (!value) return fails(std::move(value).error());
  return Answer(std::move(*value));
}

// ---- Numbers alone: nothing is allocated

engine::Trap* lower_number(component::Instance& instance, const PluginFunction& function,
                           const Type* type, const std::uint8_t* result, engine::Raw* raw) {
  if (!type) return nullptr;
  std::uint64_t bits = 0;
  if (!plugin::load_scalar(*type, result, bits)) {
    return component::trap_for(
        instance,
        {ErrorCode::Unavailable,
         fmt::format("the plug-in's answer to {} is no value of {}", function.name, to_wit(type)),
         {}});
  }
  raw[0].i64 = static_cast<std::int64_t>(bits);
  return nullptr;
}

engine::Trap* call_with_numbers(void* env, engine::Caller* caller, engine::Raw* raw,
                                std::size_t) noexcept {
  const auto& lowered = *static_cast<const component::LoweredFunc*>(env);
  component::Instance& instance = component::Instance::of(caller);
  if (!instance.state(lowered.lowered->instance).may_leave) [[unlikely]] {
    component::LiftLowerContext cx(instance, lowered.lowered->options, lowered.lowered->instance);
    (void)component::may_leave(cx);
    return cx.trap();
  }
  const auto& function = *static_cast<const PluginFunction*>(lowered.host->context.get());
  alignas(16) std::array<std::uint8_t, 8 * component::kMaxFlatParams> params;
  for (std::size_t i = 0; i < function.params.size(); ++i) {
    const auto& param = function.params[i];
    if (!plugin::store_scalar(*param.type, static_cast<std::uint64_t>(raw[i].i64),
                              params.data() + param.offset)) [[unlikely]] {
      return instance.store().fail(engine::Fault::Kind::Trap,
                                   fmt::format("invalid value of {}", to_wit(param.type)));
    }
  }
  try {
    component::Call call(instance, lowered);
    const auto* binding = find_binding(call, function);
    if (!binding) return component::trap_for(instance, nobody(function));
    plugin::Provider& provider = (*binding)->provider();
    const Type* type = lowered.lowered->type->result;
    alignas(16) std::array<std::uint8_t, 8> result{};
    unbolt_call made{provider, instance.shared_component(), type};
    const unbolt_binding& to = (*binding)->function(function.index);
    const unbolt_status status = to.function(to.context, &made, params.data(), result.data());
    if (status == UNBOLT_DONE && !made.ticket) [[likely]]
      return lower_number(instance, function, type, result.data(), raw);
    if (status == UNBOLT_LATER && made.ticket) {
      component::LiftLowerContext cx(instance, lowered.lowered->options, lowered.lowered->instance);
      auto keep = std::static_pointer_cast<const PluginFunction>(lowered.host->context);
      return component::when_replied(
          cx, later(call, made, *binding, std::move(keep)), [&](Answer answer) -> engine::Trap* {
            if (!answer) return component::trap_for(instance, answer.error());
            if (!type) return nullptr;
            component::FlatWriter out(raw);
            return component::lower_value(cx, *type, out, **answer) ? nullptr : cx.trap();
          });
    }
    if (made.ticket) provider.forget(made.ticket);
    if (status == UNBOLT_DONE) return lower_number(instance, function, type, result.data(), raw);
    return component::trap_for(instance, failed(provider, function, refused(made, status)));
  } catch (const std::exception& e) {
    return component::trap_for(instance,
                               {ErrorCode::Unavailable,
                                fmt::format("a plug-in threw in {}: {}", function.name, e.what()),
                                {}});
  } catch (...) {
    return component::trap_for(
        instance,
        {ErrorCode::Unavailable, fmt::format("a plug-in threw in {}", function.name), {}});
  }
}

bool takes_numbers(const FuncType& type) {
  return type.params.size() <= component::kMaxFlatParams &&
         (!type.result || plugin::is_scalar(*type.result)) &&
         std::ranges::all_of(type.params,
                             [](const auto& param) { return plugin::is_scalar(*param.type); });
}

}  // namespace

Result<> offer_plugin(std::size_t place, std::shared_ptr<const component::ComponentFile> caller,
                      const std::vector<const component::ImportedInterface*>& imports,
                      component::HostInterfaces& host) {
  std::map<std::string, component::HostInterface*> by_track;
  std::size_t index = 0;
  for (const auto* import : imports) {
    auto& interface = by_track[component::track_of(import->name)];
    if (!interface) interface = &host.add(import->name);
    if (!import->resources.empty()) {
      return fail(ErrorCode::Unsupported,
                  "{}: it has the resource {}, which cannot cross to a plug-in yet: let its "
                  "functions pass what is in it (numbers, strings, records)",
                  import->name, import->resources.front()->name);
    }
    for (const auto* func : import->funcs) {
      auto function = std::make_shared<PluginFunction>(PluginFunction{
          place, index++, fmt::format("{}#{}", import->name, func->name), caller, {}});
      const FuncType& type = *func->type;
      if (auto plain = component::check_plain_values(type); !plain)
        return std::unexpected(std::move(plain).error().in(function->name));
      if (type.async) {
        return fail(ErrorCode::Unsupported,
                    "{}: a plug-in meets no asynchronous functions (WASI 0.3) yet; one that "
                    "answers later needs none",
                    function->name);
      }
      component::ValueFunction by_value{[function](component::Call& call, Values arguments) {
        return call_with_values(call, function, std::move(arguments));
      }};
      if (!takes_numbers(type)) {
        interface->func(func->name, std::move(by_value));
        continue;
      }
      component::each_param(type, Width::W64,
                            [&](const Type& param, std::size_t, std::uint32_t offset) {
                              function->params.push_back({&param, offset});
                              return true;
                            });
      interface->func(
          func->name,
          component::HostFunction{
              .callback = &call_with_numbers,
              .accepts = [](const FuncType& given,
                            const component::ResourceIds&) { return takes_numbers(given); },
              .by_value = std::make_shared<const component::ValueFunction>(std::move(by_value)),
              .context = std::move(function)});
    }
  }
  return {};
}

Result<std::vector<std::shared_ptr<const plugin::Binding>>> bind_plugins(
    const component::Plan& caller, const ComponentLinks& links, const Providers& providers) {
  std::vector<std::shared_ptr<const plugin::Binding>> bindings;
  for (const auto& [contract, to] : links) {
    if (to.callee) continue;
    const auto& provider = providers.at(contract);
    std::vector<unbolt_binding> functions;
    for (const auto* import : imports_of(caller, links, contract)) {
      for (const auto* func : import->funcs) {
        UNBOLT_ASSIGN(const auto bound, provider->bind(import->name, func->name, *func->type));
        functions.push_back(bound);
      }
    }
    bindings.push_back(std::make_shared<const plugin::Binding>(provider, std::move(functions)));
  }
  return bindings;
}

}  // namespace unbolt::host
