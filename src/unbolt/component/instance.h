// A live component: its store, its core instances, its handles. One invocation at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "unbolt/component/handle_table.h"
#include "unbolt/component/linked_component.h"
#include "unbolt/engine/store.h"

namespace unbolt::component {

struct LiftedTask;  // lifted_call.h

// Bound to the loop it is made on. `host` is what host functions find with `Call::host<T>()`; it
// outlives the instance. After a fault nothing of the instance may be called again.
class Instance {
 public:
  Instance(std::shared_ptr<const LinkedComponent> component, const engine::FiberSupport& support,
           void* host, const engine::StoreLimits& limits);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  static Instance& of(engine::Caller* caller) {
    return *static_cast<Instance*>(engine::Store::of(caller).owner());
  }

  // Instantiates the core modules in order; their start functions run, and may wait. Once, first.
  Task<std::optional<engine::Fault>> start();

  const LinkedComponent& component() const { return *component_; }
  const std::shared_ptr<const LinkedComponent>& shared_component() const { return component_; }
  engine::Store& store() { return store_; }
  void* host() const { return host_; }

  // One component instance of the file (a file may hold several, each with its own handles).
  struct State {
    HandleTable handles;
    // CanonicalABI.md, "may_leave": false while the canonical ABI itself calls the guest (realloc,
    // post-return).
    bool may_leave = true;
    bool entered = false;
    LiftedTask* task = nullptr;  // while it is entered
    // The storage of the thread that the call runs on (`context.get`), and `backpressure.inc`.
    std::array<std::uint64_t, kContextSlots> context{};
    std::uint32_t backpressure = 0;
    // Borrow handles that the call under way was given and has not dropped.
    std::uint32_t borrowed = 0;
    // A memory that never moves, by its slot, as it was last seen: it may have grown since.
    struct SeenMemory {
      std::uint32_t slot = ~0u;
      std::uint8_t* base = nullptr;
      std::uint64_t size = 0;
    } memory;
  };
  State& state(std::uint32_t component_instance) { return states_[component_instance]; }

  const engine::Func& func(std::uint32_t slot) const { return slots_[slot].of.func; }
  const engine::Memory& memory(std::uint32_t slot) const { return slots_[slot].of.memory; }
  // Whether the core instance that a slot belongs to is there: while the component comes into
  // being, it may not be.
  bool filled(std::uint32_t slot) const { return slots_[slot].kind != kUnfilled; }

  // Handles that are live now, over all component instances.
  std::uint32_t live_handles() const;

 private:
  static constexpr std::uint8_t kUnfilled = 0xff;

  std::shared_ptr<const LinkedComponent> component_;
  void* host_;
  // The store goes first, the handles (which own the host's objects) after it.
  std::unique_ptr<State[]> states_;
  engine::Store store_;
  std::vector<engine::Extern> slots_;
};

}  // namespace unbolt::component
