// Whole components: what the validator takes must be decoded, planned and linked to an end,
// whatever it is; a link to a host that offers nothing never needs the compiler; and what is linked
// to a host that offers everything may be started and called.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "unbolt/component/decoder.h"
#include "unbolt/component/testing/guest.h"
#include "unbolt/component/value_call.h"

namespace {

using namespace unbolt;
using namespace unbolt::component;

// Stands for every resource that is imported.
int live_objects = 0;
constexpr ResourceTag kAnything{[](void* object) noexcept {
  delete static_cast<int*>(object);
  --live_objects;
}};

constexpr std::size_t kMaxParts = 10'000;  // of all the values of one call

// Some value of the type; nothing where it would be too large, or there is none.
std::optional<Value> some_value(const Type& type, std::size_t& parts) {
  if (++parts > kMaxParts) return std::nullopt;
  const auto many = [&](auto count, auto type_of) -> std::optional<Value> {
    Values values;
    for (std::size_t i = 0; i < count; ++i) {
      auto value = some_value(type_of(i), parts);
      if (!value) return std::nullopt;
      values.push_back(std::move(*value));
    }
    return Value{std::move(values)};
  };
  using enum TypeKind;
  switch (type.kind) {
    case Bool: return Value{true};
    case S8:
    case S16:
    case S32:
    case S64: return Value{std::int64_t{1}};
    case U8:
    case U16:
    case U32:
    case U64: return Value{std::uint64_t{1}};
    case F32: return Value{1.f};
    case F64: return Value{1.};
    case Char: return Value{U'é'};
    case String: return Value{std::string("hé")};
    case Flags: return Value{FlagsValue{1}};
    case List:
      if (!type.length && type.children[0]->kind == U8) return Value{Bytes{1, 2, 3}};
      return many(type.length.value_or(2), [&](std::size_t) -> auto& { return *type.children[0]; });
    case Map: return many(2u, [&](std::size_t) -> auto& { return *type.children[2]; });
    case Record:
    case Tuple:
      return many(type.children.size(), [&](std::size_t i) -> auto& { return *type.children[i]; });
    case Variant:
    case Enum:
    case Option:
    case Result: {
      CaseValue chosen;
      chosen.index = static_cast<std::uint32_t>(type.children.size() - 1);
      if (const Type* payload = type.children.back()) {
        auto value = some_value(*payload, parts);
        if (!value) return std::nullopt;
        chosen.payload = std::make_unique<Value>(std::move(*value));
      }
      return Value{std::move(chosen)};
    }
    case TypeKind::Own:
      if (!type.resource->imported) return std::nullopt;
      ++live_objects;
      return Value{OwnValue(kAnything, new int(1))};
    default: return std::nullopt;
  }
}

Reply<ValueFunction::Answer> answer(Call& call, Values) {
  const Type* type = call.type().result;
  if (!type) return ValueFunction::Answer(std::optional<Value>());
  std::size_t parts = 0;
  auto value = some_value(*type, parts);
  if (!value) return ValueFunction::Answer(fail(ErrorCode::Unsupported, "no value of this type"));
  return ValueFunction::Answer(std::move(value));
}

// Offers whatever the component imports.
HostInterfaces everything_for(const Plan& plan) {
  HostInterfaces host;
  host.add("").otherwise({&answer});
  for (const auto& import : plan.imports) {
    auto& interface = host.add(import.name).otherwise({&answer});
    for (const ResourceType* resource : import.resources)
      interface.resource(resource->name, kAnything);
  }
  return host;
}

void call(TestHost& host, Instance& instance, const ExportedFunc& func) {
  Values arguments;
  std::size_t parts = 0;
  for (const auto& param : func.type->params) {
    auto value = some_value(*param.type, parts);
    if (!value) return;
    arguments.push_back(std::move(*value));
  }
  ValueCall call(instance, func, std::move(arguments));
  if (!call.begin()) run_task(host.loop, instance.store().settle());
  if (instance.store().take_fault()) return;
  if (func.type->result &&
      !has_shape(*func.type->result, call.result().value(), instance.component().resource_ids()))
    std::abort();
}

void run(TestHost& host, const std::shared_ptr<const ComponentFile>& file) {
  const HostInterfaces everything = everything_for(file->plan());
  const auto linked = LinkedComponent::link(
      file, host.engine, everything, {.unsupported = CompileOptions::Unsupported::TrapWhenReached});
  if (!linked) {
    if (linked.error().message.empty()) std::abort();
    return;
  }
  {
    Instance instance(*linked, host.fibers, nullptr, {.memory_bytes = 1 << 20});
    instance.store().set_deadline(std::chrono::steady_clock::now() + std::chrono::milliseconds(50));
    if (run_task(host.loop, instance.start())) return;
    for (const auto& func : file->plan().exports) {
      if (instance.store().faulted()) break;
      if (check_callable(func)) call(host, instance, func);
    }
  }
  if (live_objects != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static TestHost host;
  const HostInterfaces nothing;
  for (const auto checked : {ComponentFile::Checked::Before, ComponentFile::Checked::No}) {
    const auto file = ComponentFile::load(Bytes(data, data + size), checked);
    if (!file) {
      if (file.error().message.empty()) std::abort();
      continue;
    }
    for (const auto& unmet : unmet_imports((*file)->plan(), nothing)) {
      if (unmet.problem.empty()) std::abort();
    }
    for (const auto& item : (*file)->plan().exports) (void)to_wit(*item.type);
    // Run only what has been seen to be valid.
    if (checked == ComponentFile::Checked::No) run(host, *file);
  }
  return 0;
}
