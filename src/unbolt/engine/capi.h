// The engine's C API with the types of it that this folder shows to others. Only engine/ includes
// wasmtime.h.
#pragma once

#include <memory>

#include <unbolt_native.h>
#include <wasmtime.h>

namespace unbolt::engine {

// A core value without its type, as the engine's unchecked calls pass it.
using Raw = wasmtime_val_raw_t;
// A core function, memory, table or global of one store.
using Func = wasmtime_func_t;
using Memory = wasmtime_memory_t;
using Extern = wasmtime_extern_t;
// What a host function returns to make the guest trap. Owned by whoever returns it; null: no trap.
using Trap = wasm_trap_t;
using Caller = wasmtime_caller_t;
using HostCallback = wasmtime_func_unchecked_callback_t;

// unique_ptr for the handles of a C API.
template <auto Delete>
struct Deleter {
  template <class T>
  void operator()(T* handle) const {
    Delete(handle);
  }
};
template <class T, auto Delete>
using Handle = std::unique_ptr<T, Deleter<Delete>>;

}  // namespace unbolt::engine
