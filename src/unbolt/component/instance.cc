#include "unbolt/component/instance.h"

#include <array>
#include <string>

namespace unbolt::component {
namespace {

// A function without parameters, called while the component comes into being.
class StartCall final : public engine::Store::Body {
 public:
  explicit StartCall(const engine::Func& func) : func_(func) {}
  engine::Trap* run(engine::Store& store) override {
    engine::Raw none[1];
    return store.call(func_, none, 1);
  }

 private:
  const engine::Func& func_;
};

}  // namespace

Instance::Instance(std::shared_ptr<const LinkedComponent> component,
                   const engine::FiberSupport& support, void* host,
                   const engine::StoreLimits& limits)
    : component_(std::move(component)),
      host_(host),
      states_(std::make_unique<State[]>(component_->plan().component_instances)),
      store_(support, this, limits),
      cores_(component_->plan().steps.size()),
      slots_(component_->plan().slots.size(), engine::Extern{.kind = kUnfilled}) {}

void Instance::fill_slots(const std::vector<std::uint32_t>& slots, std::uint32_t step) {
  for (const std::uint32_t slot : slots) {
    slots_[slot] = store_.export_of(cores_[step], component_->slot_exports_[slot].get());
  }
}

Task<std::optional<engine::Fault>> Instance::start() {
  const Plan& plan = component_->plan();
  for (const std::uint32_t slot : component_->host_slots_) {
    slots_[slot] = component_->host_funcs_->get(
        store_.context(), "host", std::to_string(std::get<HostFuncRef>(plan.slots[slot]).index));
  }
  for (std::uint32_t i = 0; i < plan.steps.size(); ++i) {
    const auto& step = component_->steps_[i];
    if (!step.module) {
      if (step.start_slot) {
        StartCall call(func(*step.start_slot));
        if (!store_.begin(call)) co_await store_.settle();
        if (auto fault = store_.take_fault()) co_return fault;
      }
      continue;
    }
    if (step.prepared) {
      if (!store_.begin_instantiate(*step.prepared, cores_[i])) co_await store_.settle();
    } else {
      std::vector<engine::Extern> imports;
      imports.reserve(step.imports.size());
      for (const auto& import : step.imports) {
        imports.push_back(
            import.slot ? slots_[*import.slot]
                        : component_->host_funcs_->get(store_.context(), "host", import.host_name));
      }
      if (!store_.begin_instantiate(*step.module, imports, cores_[i])) co_await store_.settle();
    }
    if (auto fault = store_.take_fault()) co_return fault;
    fill_slots(step.slots_after, i);
  }
  co_return std::nullopt;
}

std::uint32_t Instance::live_handles() const {
  std::uint32_t count = 0;
  for (std::uint32_t i = 0; i < component_->plan().component_instances; ++i)
    count += states_[i].handles.live();
  return count;
}

}  // namespace unbolt::component
