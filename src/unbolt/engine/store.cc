#include "unbolt/engine/store.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <cassert>
#include <cstdlib>
#include <string_view>

namespace unbolt::engine {
namespace {

constexpr std::string_view kModule = "unbolt";
constexpr std::string_view kPark = "park";
constexpr std::string_view kEnter = "enter";

[[gnu::noinline]] std::uintptr_t stack_pointer() {
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

Func find(const wasmtime_linker_t* linker, wasmtime_context_t* context, std::string_view name) {
  Extern item;
  const bool found = wasmtime_linker_get(linker, context, kModule.data(), kModule.size(),
                                         name.data(), name.size(), &item);
  if (!found) std::abort();  // FiberSupport's constructor defines both
  return item.of.func;
}

}  // namespace

FiberSupport::FiberSupport(const Engine& engine)
    : engine_(engine), linker_(wasmtime_linker_new(engine.capi())) {
  wasm_valtype_vec_t params, results;
  wasm_valtype_vec_new_empty(&params);
  wasm_valtype_vec_new_empty(&results);
  Handle<wasm_functype_t, wasm_functype_delete> type(wasm_functype_new(&params, &results));
  auto* park_error = wasmtime_linker_define_async_func(
      linker_.get(), kModule.data(), kModule.size(), kPark.data(), kPark.size(), type.get(),
      &Store::begin_park, nullptr, nullptr);
  auto* enter_error = wasmtime_linker_define_func_unchecked(
      linker_.get(), kModule.data(), kModule.size(), kEnter.data(), kEnter.size(), type.get(),
      &Store::enter, nullptr, nullptr);
  if (park_error || enter_error) std::abort();  // two fixed names in a fresh linker
}

Store::Store(const FiberSupport& support, void* owner, const StoreLimits& limits)
    : support_(support),
      owner_(owner),
      store_(wasmtime_store_new(support.engine().capi(), this, nullptr)),
      context_(wasmtime_store_context(store_.get())) {
  wasmtime_store_limiter(store_.get(), static_cast<std::int64_t>(limits.memory_bytes), -1, -1, -1,
                         -1);
  wasmtime_context_set_epoch_deadline(context_, 1);
  wasmtime_store_epoch_deadline_callback(store_.get(), &Store::on_epoch, this, nullptr);
}

Store::~Store() {
  // Only when the program is torn down with guests still parked: drop what they wait for, then
  // their frames.
  wait_.reset();
  call_.reset();
  instantiation_.reset();
  if (trap_) wasm_trap_delete(trap_);
  if (error_) wasmtime_error_delete(error_);
}

// Who was cancelled or late just as it ended says nothing about who comes after it.
void Store::starting() {
  assert(!running_);
  running_ = true;
  stack_base_ = 0;
  cancelled_ = expired_ = false;
}

bool Store::begin_instantiate(const PreparedModule& module, wasmtime_instance_t& out,
                              Extern* slots) {
  starting();
  instantiation_.reset(unbolt_instantiate(context_, module.capi(), slots, &out, &error_));
  if (instantiation_) return false;
  ended();
  return true;
}

bool Store::begin(Body& body) {
  starting();
  body_ = &body;
  const Func enter = find(support_.linker_.get(), context_, kEnter);
  call_.reset(wasmtime_func_call_async(context_, &enter, nullptr, 0, nullptr, 0, &trap_, &error_));
  return poll();
}

bool Store::poll() {
  const bool over = call_ ? wasmtime_call_future_poll(call_.get())
                          : unbolt_instantiation_poll(instantiation_.get());
  if (over) ended();
  return over;
}

void Store::ended() {
  call_.reset();
  instantiation_.reset();
  running_ = false;
  body_ = nullptr;
  if (trap_) note(fault_from(std::exchange(trap_, nullptr)));
  if (error_) note(fault_from(std::exchange(error_, nullptr)));
}

void Store::note(Fault fault) {
  faulted_ = true;
  if (!fault_) {
    fault_ = std::move(fault);
  } else if (fault_->frames.empty()) {
    fault_->frames = std::move(fault.frames);
  }
}

std::optional<Fault> Store::take_fault() { return std::exchange(fault_, std::nullopt); }

Trap* Store::enter(void*, Caller* caller, Raw*, std::size_t) noexcept {
  Store& store = of(caller);
  store.stack_base_ = stack_pointer();
  try {
    return store.body_->run(store);
  } catch (const std::exception& e) {
    return store.fail(Fault::Kind::Internal, e.what());
  } catch (...) {
    return store.fail(Fault::Kind::Internal, "unknown exception");
  }
}

Trap* Store::call(const Func& function, Raw* values, std::size_t count) noexcept {
  assert(running_ && "guests are entered from their own fiber only");
  if (cancelled_) [[unlikely]]
    return stopped();
  const std::uintptr_t here = stack_pointer();
  // In a start function no frame of ours is below the guest's: assume that it has used all it may.
  if (stack_base_ == 0) stack_base_ = here + Engine::kMaxWasmStack;
  if (stack_base_ - here + Engine::kMaxWasmStack + kHostStack > Engine::kFiberStack) {
    return fail(Fault::Kind::Trap,
                "call stack exhausted: too many calls nested between host and guest");
  }
  wasm_trap_t* trap = nullptr;
  wasmtime_error_t* error = wasmtime_func_call_unchecked(context_, &function, values, count, &trap);
  if (error == nullptr && trap == nullptr) [[likely]]
    return nullptr;
  if (error) note(fault_from(error));
  if (trap) note(fault_from(trap));
  return make_trap("nested call trapped");
}

Trap* Store::fail(Fault::Kind kind, std::string_view reason) noexcept {
  note({kind, std::string(reason), {}});
  return make_trap(reason);
}

// ---- Parking

Trap* Store::stopped() noexcept {
  return fail(expired_ ? Fault::Kind::Deadline : Fault::Kind::Cancelled,
              expired_ ? "deadline exceeded" : "cancelled");
}

Trap* Store::park(Task<> task) noexcept {
  assert(running_ && !wait_);
  if (cancelled_) return stopped();
  if (stack_base_ == 0) stack_base_ = stack_pointer() + Engine::kMaxWasmStack;
  if (!park_) park_ = find(support_.linker_.get(), context_, kPark);
  wait_.emplace(std::move(task));
  wait_over_ = false;
  Raw none[1];
  wasm_trap_t* trap = nullptr;
  wasmtime_error_t* error = wasmtime_func_call_unchecked(context_, &*park_, none, 0, &trap);
  if (error || trap) [[unlikely]] {  // the future was dropped: the program is being torn down
    cancelled_ = true;
    if (error) wasmtime_error_delete(error);
    if (trap) wasm_trap_delete(trap);
  }
  if (cancelled_) return stopped();
  return nullptr;
}

void Store::begin_park(void*, Caller* caller, const wasmtime_val_t*, std::size_t, wasmtime_val_t*,
                       std::size_t, wasm_trap_t**,
                       wasmtime_async_continuation_t* continuation) noexcept {
  continuation->callback = &Store::park_is_over;
  continuation->env = &of(caller);
  continuation->finalizer = nullptr;
}

bool Store::park_is_over(void* self) noexcept { return static_cast<Store*>(self)->wait_over_; }

wasmtime_error_t* Store::on_epoch(wasmtime_context_t*, void* self, std::uint64_t* delta,
                                  wasmtime_update_deadline_kind_t* kind) noexcept {
  auto& store = *static_cast<Store*>(self);
  if (!store.cancelled_ && store.deadline_ &&
      std::chrono::steady_clock::now() >= *store.deadline_) {
    store.cancelled_ = store.expired_ = true;
  }
  if (store.cancelled_) {
    const char* reason = store.expired_ ? "deadline exceeded" : "cancelled";
    store.note({store.expired_ ? Fault::Kind::Deadline : Fault::Kind::Cancelled, reason, {}});
    return wasmtime_error_new(reason);
  }
  *delta = 1;
  *kind = WASMTIME_UPDATE_DEADLINE_YIELD;
  return nullptr;
}

// Its answer is lost, so the guest cannot go on.
void Store::wait_failed(const std::exception_ptr& failure, asio::cancellation_type cancelled) {
  cancelled_ = true;
  if (cancelled != asio::cancellation_type::none) return;
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    note({Fault::Kind::Internal, e.what(), {}});
  } catch (...) {
    note({Fault::Kind::Internal, "unknown exception", {}});
  }
}

Task<> Store::drive() {
  co_await asio::this_coro::throw_if_cancelled(false);
  for (;;) {
    if (wait_) {
      Task<> task = std::move(*wait_);
      wait_.reset();
      std::exception_ptr failure;
      // Inside it cancellation throws: a task that is cancelled between two of its steps must not
      // take the next.
      co_await asio::this_coro::throw_if_cancelled(true);
      try {
        co_await std::move(task);
      } catch (...) {
        failure = std::current_exception();
      }
      co_await asio::this_coro::throw_if_cancelled(false);
      if (failure) wait_failed(failure, (co_await asio::this_coro::cancellation_state).cancelled());
      wait_over_ = true;
    } else {
      co_await asio::post(use_task);  // an epoch yield: the others on this loop have their turn
    }
    const auto state = co_await asio::this_coro::cancellation_state;
    if (state.cancelled() != asio::cancellation_type::none) cancelled_ = true;
    if (poll()) co_return;
  }
}

Task<> Store::settle() {
  if (!deadline_) {
    co_await drive();
    co_return;
  }
  // One timer and one signal for all the waits of this invocation. Shared, as the timer's handler
  // may run after us.
  struct Stop {
    asio::cancellation_signal signal;
    bool over = false;
  };
  auto stop = std::make_shared<Stop>();
  const auto executor = co_await asio::this_coro::executor;
  Timer timer(executor, *deadline_);
  timer.async_wait([this, stop](boost::system::error_code ec) {
    if (ec || stop->over) return;
    expired_ = true;
    stop->signal.emit(asio::cancellation_type::terminal);
  });
  co_await asio::this_coro::throw_if_cancelled(false);
  auto outer = (co_await asio::this_coro::cancellation_state).slot();
  if (outer.is_connected()) {
    outer.assign([stop](asio::cancellation_type type) {
      if (!stop->over) stop->signal.emit(type);
    });
  }
  co_await asio::co_spawn(executor, drive(),
                          asio::bind_cancellation_slot(stop->signal.slot(), use_task));
  stop->over = true;
  if (outer.is_connected()) outer.clear();
}

Extern Store::export_of(const wasmtime_instance_t& instance,
                        const unbolt_module_export_t* handle) const {
  Extern item;
  if (!unbolt_instance_export(context_, &instance, handle, &item))
    std::abort();  // the handle is of its module
  return item;
}

void Store::set_table(const Extern& table, std::uint32_t entry, const Func& function) {
  wasmtime_val_t value;
  value.kind = WASMTIME_FUNCREF;
  value.of.funcref = function;
  if (wasmtime_table_set(context_, &table.of.table, entry, &value))
    std::abort();  // the caller knows the table
}

}  // namespace unbolt::engine
