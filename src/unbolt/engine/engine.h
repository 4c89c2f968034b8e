// The engine of the process: its configuration, the pool that instances come from, and the clock
// that interrupts guests.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>

#include "unbolt/base/error.h"
#include "unbolt/engine/capi.h"

namespace unbolt::engine {

struct EngineOptions {
  // Instances with one memory that may live at a time; the pool is made smaller where the machine
  // cannot carry it. 0: no pool, memory is mapped when it is needed.
  std::size_t max_instances = 1000;
  // Bytes of a memory that a dropped instance leaves mapped for the next one.
  std::size_t keep_resident = 4u << 20;
  enum class PagemapScan : std::uint8_t { Auto, Off } pagemap_scan = PagemapScan::Auto;
  // Where compiled functions are kept, so that a component that changed a little is compiled
  // quickly; one engine at a time. Empty: nowhere.
  std::string kept_functions;
};

// How large a pool the machine can carry. Pure, so that it can be tested.
struct MachineLimits {
  std::uint64_t address_space = 0;  // bytes that may still be mapped
  std::uint64_t mappings = 0;       // vm.max_map_count less what is in use
};
MachineLimits machine_limits();
std::size_t fitting_pool(std::size_t wanted, const MachineLimits& limits);

// Process-wide and thread-safe; outlives all modules and stores. Owns the ticker's thread.
class Engine {
 public:
  static constexpr std::size_t kMaxWasmStack = 512 * 1024;
  static constexpr std::size_t kFiberStack = 2 * 1024 * 1024;
  // Address space for all that a memory with 32-bit addresses may grow to is reserved: its base
  // never changes.
  static constexpr bool kMemories32Stay = sizeof(void*) >= 8;
  // How long a guest runs before its loop has a turn.
  static constexpr std::chrono::milliseconds kTick{10};

  explicit Engine(const EngineOptions& options = {});
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  wasm_engine_t* capi() const { return engine_.get(); }
  // Instances that may live at a time; 0: no pool.
  std::size_t pool_size() const { return pool_size_; }
  bool pagemap_scan() const { return pagemap_scan_; }
  // Changes with everything that compiled code depends on: release, flags, processor.
  std::uint64_t compatibility_hash() const { return unbolt_engine_compatibility_hash(capi()); }

 private:
  Handle<wasm_engine_t, wasm_engine_delete> engine_;
  std::size_t pool_size_ = 0;
  bool pagemap_scan_ = false;
  std::jthread ticker_;
};

}  // namespace unbolt::engine
