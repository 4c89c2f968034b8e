// Host functions as items of a store, for instances whose imports are not the host's alone.
#pragma once

#include <cstdint>
#include <span>

#include "unbolt/engine/compiled_cache.h"
#include "unbolt/engine/module.h"

namespace unbolt::engine {

struct HostFunc {
  CoreFuncType type;
  HostCallback callback;  // must not throw
  void* env;              // outlives all stores that use it
  std::uint32_t slot;     // where each store has it
};

// A module that imports these functions and exports them again: to instantiate it is the cheapest
// way to have them all in a store, as the engine then takes them over together. (One by one each
// costs a look-up and a share in a count that all threads share.) `cache` may be null.
Result<PreparedModule> prepare_host_funcs(const Engine& engine, std::span<const HostFunc> funcs,
                                          const CompiledCache* cache);

}  // namespace unbolt::engine
