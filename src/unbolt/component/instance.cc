#include "unbolt/component/instance.h"

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
      slots_(component_->slot_count_, engine::Extern{.kind = kUnfilled}) {}

Task<std::optional<engine::Fault>> Instance::start() {
  wasmtime_instance_t core;  // its exports are in the slots
  if (const auto& host_funcs = component_->host_funcs_) {
    if (!store_.begin_instantiate(*host_funcs, core, slots_.data())) co_await store_.settle();
    if (auto fault = store_.take_fault()) co_return fault;
  }
  for (const auto& step : component_->steps_) {
    if (step.module) {
      if (!store_.begin_instantiate(*step.module, core, slots_.data())) co_await store_.settle();
      if (step.image) {
        if (auto fault = store_.take_fault()) co_return fault;
        if (!store_.begin_instantiate(*step.image, core, slots_.data())) co_await store_.settle();
      }
    } else {
      for (const auto& [entry, slot] : step.entries)
        store_.set_table(slots_[step.table_slot], entry, func(slot));
      if (step.start_slot) {
        StartCall call(func(*step.start_slot));
        if (!store_.begin(call)) co_await store_.settle();
      }
    }
    if (auto fault = store_.take_fault()) co_return fault;
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
