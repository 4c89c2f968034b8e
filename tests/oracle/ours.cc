#include "ours.h"

#include <stdexcept>

#include <fmt/format.h>

#include "codec.h"
#include "shape.h"
#include "unbolt/component/value_call.h"

namespace unbolt::oracle {
namespace {

using component::BorrowValue;
using component::Call;
using component::kResourceTag;
using component::OwnValue;
using component::Type;
using component::Value;
using component::ValueFunction;
using component::Values;

// Of the case under way: what its instance's host functions find.
struct Running {
  const RawCase& one;
  Outcome outcome = {};
  bool later = false;  // the guest is parked until the host answers
  std::vector<std::unique_ptr<struct Thing>> lent = {};
};

// The host's resources; those that guests own are counted.
struct Thing {
  Thing(Running& running, std::uint32_t number, bool with_guest)
      : running(running), number(number), with_guest(with_guest) {
    if (with_guest) ++running.outcome.live;
  }
  ~Thing() {
    if (with_guest) --running.outcome.live;
  }
  Thing(const Thing&) = delete;

  Running& running;
  std::uint32_t number;
  bool with_guest;
};

MakeHandle make_handle(Running& running) {
  return [&running](const Type& type, std::uint32_t number) -> Value {
    if (type.kind == TypeKind::Own)
      return {OwnValue(std::make_unique<Thing>(running, number, true))};
    running.lent.push_back(std::make_unique<Thing>(running, number, false));
    return {BorrowValue{&kResourceTag<Thing>, running.lent.back().get()}};
  };
}
std::uint32_t read_handle(Value& value) {
  if (auto* own = std::get_if<OwnValue>(&value.of)) return own->take<Thing>()->number;
  return std::get<BorrowValue>(value.of).get<Thing>()->number;
}

Reply<ValueFunction::Answer> host_function(Call& call, Values arguments) {
  auto& running = call.host<Running>();
  Bytes& seen = running.outcome.calls.emplace_back();
  for (std::size_t i = 0; i < arguments.size(); ++i)
    encode(*call.type().params[i].type, arguments[i], read_handle, seen);
  std::optional<Value> result;
  if (const Type* type = call.type().result)
    result = Decoder(running.one.result, make_handle(running)).value(*type);
  if (!running.later) return ValueFunction::Answer(std::move(result));
  return [](std::optional<Value> value) -> Task<ValueFunction::Answer> {
    co_return ValueFunction::Answer(std::move(value));
  }(std::move(result));
}

}  // namespace

Ours::Ours() {
  host_.interfaces.add("test:oracle/host")
      .resource<Thing>("thing")
      .func("f", ValueFunction{&host_function});
}

Outcome Ours::run_one(const std::shared_ptr<const component::LinkedComponent>& linked,
                      const RawCase& one) {
  Running running{.one = one, .later = one.arguments.size() % 8 == 0};
  {
    component::Instance instance(linked, host_.fibers, &running, {});
    if (auto fault = run_task(host_.loop, instance.start()))
      throw std::runtime_error(fault->describe());
    const auto call = [&](const std::string& name, Values arguments) -> std::optional<Value> {
      const component::ExportedFunc* func = linked->find_export("", name);
      if (!func) throw std::runtime_error("no export " + name);
      component::ValueCall called(instance, *func, std::move(arguments));
      if (!called.begin()) run_task(host_.loop, instance.store().settle());
      if (auto fault = instance.store().take_fault()) {
        running.outcome.trap = std::move(fault->reason);
        return std::nullopt;
      }
      return std::move(called.result());
    };
    for (const Step& step : one.steps) {
      Values words;
      for (const std::uint32_t word : {step.op, step.a, step.b, step.c})
        words.push_back({std::uint64_t{word}});
      call(fmt::format("plan{}", step.guest), std::move(words));
      if (running.outcome.trap) return std::move(running.outcome);
    }
    const component::ExportedFunc* run = linked->find_export("", "run");
    Decoder in(one.arguments, make_handle(running));
    Values arguments;
    for (const auto& param : run->type->params) arguments.push_back(in.value(*param.type));
    if (!in.at_end()) throw std::runtime_error("too many arguments");
    auto result = call("run", std::move(arguments));
    if (result) encode(*run->type->result, *result, read_handle, running.outcome.result);
    for (int i = 0; !running.outcome.trap && linked->find_export("", fmt::format("count{}", i));
         ++i) {
      if (auto count = call(fmt::format("count{}", i), {}))
        put_u32(running.outcome.result,
                static_cast<std::uint32_t>(std::get<std::uint64_t>(count->of)));
    }
    return Outcome(running.outcome);  // as it is before the instance takes its handles with it
  }
}

std::vector<Outcome> Ours::run(ByteView component, const std::vector<RawCase>& cases) {
  auto file = component::ComponentFile::load(Bytes(component.begin(), component.end()),
                                             component::ComponentFile::Checked::Before);
  if (!file) throw std::runtime_error(file.error().message);
  auto linked =
      component::LinkedComponent::link(std::move(*file), host_.engine, host_.interfaces, {});
  if (!linked) throw std::runtime_error(linked.error().message);
  std::vector<Outcome> outcomes;
  for (const RawCase& one : cases) outcomes.push_back(run_one(*linked, one));
  return outcomes;
}

}  // namespace unbolt::oracle
