// A store: the memory, tables and instances of one live component, and the fiber its guest code
// runs on.
//
// Guest code runs only between `begin…` and the end of `settle`. It is entered on a fiber, and a
// host function that must wait *parks*: it suspends the whole fiber, its own C++ frames included,
// while the loop goes on. The engine aborts the process when the rules of parking are broken; this
// file is the one place that parks and enters guests, and asserts them:
//   - a guest is entered (`call`) only from its own fiber, never from the loop while it is parked;
//   - after a cancelled park every later park and call of that invocation traps at once;
//   - before each nested call at least kMaxWasmStack + kHostStack of the fiber's stack is left;
//   - no `call` and no `park` inside a catch block or a destructor (exceptions are counted per
//   thread, not per fiber);
//   - the pending future is deleted before its store.
#pragma once

#include <boost/asio/cancellation_type.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>

#include "unbolt/base/task.h"
#include "unbolt/engine/engine.h"
#include "unbolt/engine/fault.h"
#include "unbolt/engine/module.h"

namespace unbolt::engine {

// The two functions of the engine's that fibers need, made once for each engine. Outlives its
// stores.
class FiberSupport {
 public:
  explicit FiberSupport(const Engine& engine);
  const Engine& engine() const { return engine_; }

 private:
  friend class Store;
  const Engine& engine_;
  Handle<wasmtime_linker_t, wasmtime_linker_delete> linker_;
};

struct StoreLimits {
  std::uint64_t memory_bytes = 256ull << 20;  // of each memory
};

using Deadline = std::chrono::steady_clock::time_point;

class Store {
 public:
  static constexpr std::size_t kHostStack = 256 * 1024;

  // `owner` is what host functions find again with `owner()`. Bound to the loop it is made on.
  Store(const FiberSupport& support, void* owner, const StoreLimits& limits);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  static Store& of(Caller* caller) {
    return *static_cast<Store*>(wasmtime_context_get_data(wasmtime_caller_context(caller)));
  }
  void* owner() const { return owner_; }
  wasmtime_context_t* context() const { return context_; }

  // ---- On the loop.

  // What the guest may use of wall-clock time until the next `set_deadline`; it ends with
  // Fault::Kind::Deadline.
  void set_deadline(Deadline deadline) { deadline_ = deadline; }
  std::optional<Deadline> deadline() const { return deadline_; }

  // Each starts one thing and says whether it has ended at once; if not, await `settle`. One at a
  // time. Arguments live until the end. Afterwards `take_fault` says how it went.
  // `slots`: this store's, as the module was prepared with.
  bool begin_instantiate(const PreparedModule& module, wasmtime_instance_t& out,
                         Extern* slots = nullptr);
  // Runs `body` on a fiber: host code that may `call` and `park`.
  struct Body {
    virtual Trap* run(Store& store) = 0;

   protected:
    ~Body() = default;
  };
  bool begin(Body& body);
  // Awaits what the guest waits for, again and again, until it has ended. Cancelling it (Asio's
  // signal) cancels what the guest waits for; the guest then traps with Fault::Kind::Cancelled, and
  // `settle` ends.
  Task<> settle();
  std::optional<Fault> take_fault();
  // Whether there has been a fault: nothing of the store's may be entered again.
  bool faulted() const { return faulted_; }

  Extern export_of(const wasmtime_instance_t& instance, const unbolt_module_export_t* handle) const;
  // Puts a function into a table of functions that has this entry.
  void set_table(const Extern& table, std::uint32_t entry, const Func& function);

  // ---- On the fiber, from host functions and from `Body::run`.

  // Calls a core function: arguments in, results out, both in `values` (as large as the larger of
  // the two). A trap comes back as such and has to be returned.
  [[nodiscard]] Trap* call(const Func& function, Raw* values, std::size_t count) noexcept;
  // Suspends the guest until `task` has ended, on the loop. Null: go on; else a trap to be
  // returned. A task that throws ends the call with Fault::Kind::Internal.
  [[nodiscard]] Trap* park(Task<> task) noexcept;
  // A trap with a reason of our own: the first one given is what `take_fault` reports.
  [[nodiscard]] Trap* fail(Fault::Kind kind, std::string_view reason) noexcept;

  std::uint8_t* memory_data(const Memory& memory) const {
    return wasmtime_memory_data(context_, &memory);
  }
  std::size_t memory_size(const Memory& memory) const {
    return wasmtime_memory_data_size(context_, &memory);
  }

 private:
  static Trap* enter(void*, Caller*, Raw*, std::size_t) noexcept;
  static void begin_park(void*, Caller*, const wasmtime_val_t*, std::size_t, wasmtime_val_t*,
                         std::size_t, wasm_trap_t**, wasmtime_async_continuation_t*) noexcept;
  static bool park_is_over(void*) noexcept;
  static wasmtime_error_t* on_epoch(wasmtime_context_t*, void*, std::uint64_t*,
                                    wasmtime_update_deadline_kind_t*) noexcept;
  friend class FiberSupport;

  void starting();
  bool poll();
  void ended();
  Trap* stopped() noexcept;
  void note(Fault fault);
  void wait_failed(const std::exception_ptr& failure, asio::cancellation_type cancelled);
  Task<> drive();

  const FiberSupport& support_;
  void* owner_;
  Handle<wasmtime_store_t, wasmtime_store_delete> store_;
  wasmtime_context_t* context_;
  std::optional<Deadline> deadline_;

  // The one thing under way: a call or an instantiation.
  Handle<wasmtime_call_future_t, wasmtime_call_future_delete> call_;
  Handle<unbolt_instantiation_t, unbolt_instantiation_delete> instantiation_;
  wasm_trap_t* trap_ = nullptr;
  wasmtime_error_t* error_ = nullptr;
  Body* body_ = nullptr;
  bool running_ = false;

  std::optional<Func> park_;    // found when it is first needed
  std::optional<Task<>> wait_;  // what the parked guest waits for
  bool wait_over_ = false;
  bool cancelled_ = false;
  bool expired_ = false;
  std::uintptr_t stack_base_ = 0;  // the highest address of the fiber's stack that is known
  std::optional<Fault> fault_;
  bool faulted_ = false;
};

}  // namespace unbolt::engine
