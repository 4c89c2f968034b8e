// Interfaces that link and are denied: no descriptor and no socket can come into being, so of their
// functions only those that would make one can be reached with good arguments, and these answer the
// contract's own error for it.
#include <algorithm>

#include "unbolt/component/bind.h"
#include "unbolt/wasi/interfaces.h"

namespace unbolt::wasi {
namespace {

using component::Call;
using component::FuncType;
using component::LiftLowerContext;
using component::LoweredFunc;
using component::Own;
using component::Type;
using component::TypeKind;

// Of an enum's labels, the one that says no.
constexpr std::string_view kRefusals[] = {"access-denied", "access", "not-permitted",
                                          "not-supported"};

std::uint32_t refusal_of(const Type& error) {
  for (const auto wanted : kRefusals) {
    const auto found = std::find(error.labels.begin(), error.labels.end(), wanted);
    if (found != error.labels.end())
      return static_cast<std::uint32_t>(found - error.labels.begin());
  }
  return 0;
}

// Answers `err(access-denied)` by the function's own type; a function that cannot fail traps.
engine::Trap* deny(void* env, engine::Caller* caller, engine::Raw* raw, std::size_t) noexcept {
  const auto& func = *static_cast<const LoweredFunc*>(env);
  auto& instance = component::Instance::of(caller);
  LiftLowerContext cx(instance, func.lowered->options, func.lowered->instance);
  const FuncType& type = *func.lowered->type;
  const Type* result = type.result;
  const Type* error = result && result->kind == TypeKind::Result ? result->children[1] : nullptr;
  if (!error || error->kind != TypeKind::Enum) {
    cx.fail("denied: nothing of this interface was granted");
    return cx.trap();
  }
  const auto signature = component::flatten(type, component::Context::Lower);
  if (!signature.result_in_memory) {
    raw[0].i64 = 1;
    return nullptr;
  }
  const auto at = static_cast<std::uint32_t>(raw[signature.core.params.size() - 1].i32);
  if (!cx.aligned(at, result->alignment) || !cx.in_bounds(at, result->size)) return cx.trap();
  cx.store<std::uint8_t>(at, 1);
  cx.store<std::uint8_t>(at + component::payload_offset(*result),
                         static_cast<std::uint8_t>(refusal_of(*error)));
  return nullptr;
}

bool accepts_anything(const FuncType&, const component::ResourceIds&) { return true; }

class Network {};

Own<Network> instance_network(Call&) { return std::make_unique<Network>(); }

}  // namespace

void add_denied(component::HostInterfaces& host) {
  const component::HostFunction denied{&deny, &accepts_anything};
  host.add("wasi:sockets/network@0.2.12").resource<Network>("network").otherwise(denied);
  host.add("wasi:sockets/instance-network@0.2.12").func<&instance_network>("instance-network");
  for (const auto* name : {"wasi:sockets/tcp@0.2.12", "wasi:sockets/tcp-create-socket@0.2.12",
                           "wasi:sockets/udp@0.2.12", "wasi:sockets/udp-create-socket@0.2.12",
                           "wasi:sockets/ip-name-lookup@0.2.12"}) {
    host.add(name).otherwise(denied);
  }
}

}  // namespace unbolt::wasi
