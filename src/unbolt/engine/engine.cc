#include "unbolt/engine/engine.h"

#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <condition_variable>
#include <fstream>
#include <mutex>
#include <string>

namespace unbolt::engine {
namespace {

// What one slot of the pool costs: its memory's reservation (4 GiB and a guard), its tables, its
// stack.
constexpr std::uint64_t kSlotAddressSpace = (4ull << 30) + (64ull << 20);
// Of ten slots: a memory with its image (3), its stack and the guard of it (2); measured 51 with
// all of them parked.
constexpr std::uint64_t kTenSlotsMappings = 52;
// Left for everything else in the process: libraries, threads, compiled modules.
constexpr std::uint64_t kSpareMappings = 8'000;
constexpr std::size_t kSmallestPool = 16;

constexpr std::size_t kTablesPerInstance = 4;
constexpr std::size_t kCoreInstancesPerInstance = 20;

bool swap_is_active() {
  // The first line of /proc/swaps is its heading.
  std::ifstream swaps("/proc/swaps");
  std::string line;
  std::getline(swaps, line);
  return static_cast<bool>(std::getline(swaps, line));
}

std::uint64_t count_mappings() {
  std::ifstream maps("/proc/self/maps");
  return static_cast<std::uint64_t>(
      std::count(std::istreambuf_iterator<char>(maps), std::istreambuf_iterator<char>(), '\n'));
}

// What can be reserved in one piece right now, to within an eighth, up to the 2^47 of x86-64.
std::uint64_t reservable_address_space() {
  for (std::size_t size = 1ull << 47; size > 1ull << 30; size -= size / 8) {
    void* p = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p != MAP_FAILED) {
      munmap(p, size);
      return size;
    }
  }
  return 0;
}

void configure_pool(wasm_config_t* config, std::size_t size, const EngineOptions& options,
                    bool& pagemap_scan) {
  Handle<wasmtime_pooling_allocation_config_t, wasmtime_pooling_allocation_config_delete> pool(
      wasmtime_pooling_allocation_config_new());
  auto* p = pool.get();
  wasmtime_pooling_allocation_config_total_memories_set(p, size);
  wasmtime_pooling_allocation_config_total_stacks_set(p, size);
  wasmtime_pooling_allocation_config_total_tables_set(p, size * kTablesPerInstance);
  wasmtime_pooling_allocation_config_total_core_instances_set(p, size * kCoreInstancesPerInstance);
  wasmtime_pooling_allocation_config_max_memories_per_module_set(p, 4);
  wasmtime_pooling_allocation_config_max_tables_per_module_set(p, 8);
  wasmtime_pooling_allocation_config_table_elements_set(p, 65'536);
  // A limit alone: 32 bytes for each function that is in a table or exported, of all modules that
  // are fused.
  wasmtime_pooling_allocation_config_max_core_instance_size_set(p, 4u << 20);
  wasmtime_pooling_allocation_config_max_unused_warm_slots_set(p, size);
  wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(p, options.keep_resident);
  wasmtime_pooling_allocation_config_table_keep_resident_set(p, 64 * 1024);
  wasmtime_pooling_allocation_config_async_stack_keep_resident_set(p, 64 * 1024);
  // A page that was written and then swapped out is not seen by the engine's scan and would reach
  // the next tenant.
  pagemap_scan = options.pagemap_scan == EngineOptions::PagemapScan::Auto && !swap_is_active() &&
                 unbolt_pool_use_pagemap_scan(p);
  wasmtime_pooling_allocation_strategy_set(config, p);
}

}  // namespace

MachineLimits machine_limits() {
  MachineLimits limits;
  limits.address_space = reservable_address_space();
  rlimit address_limit{};
  if (getrlimit(RLIMIT_AS, &address_limit) == 0 && address_limit.rlim_cur != RLIM_INFINITY) {
    limits.address_space = std::min<std::uint64_t>(limits.address_space, address_limit.rlim_cur);
  }
  std::uint64_t max_map_count = 65'530;
  std::ifstream("/proc/sys/vm/max_map_count") >> max_map_count;
  const std::uint64_t used = count_mappings();
  limits.mappings = max_map_count > used ? max_map_count - used : 0;
  return limits;
}

std::size_t fitting_pool(std::size_t wanted, const MachineLimits& limits) {
  const std::uint64_t mappings =
      limits.mappings > kSpareMappings ? limits.mappings - kSpareMappings : 0;
  // A third of the address space is left for whoever else is in the process.
  const std::uint64_t fits =
      std::min(mappings * 10 / kTenSlotsMappings, limits.address_space / 3 * 2 / kSlotAddressSpace);
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(wanted, fits));
  return size < std::min(kSmallestPool, wanted) ? 0 : size;
}

Engine::Engine(const EngineOptions& options) {
  wasm_config_t* config = wasm_config_new();
  wasmtime_config_epoch_interruption_set(config, true);
  wasmtime_config_max_wasm_stack_set(config, kMaxWasmStack);
  wasmtime_config_async_stack_size_set(config, kFiberStack);
  if (kMemories32Stay) wasmtime_config_memory_reservation_set(config, 1ull << 32);
  wasmtime_config_wasm_multi_memory_set(config, true);
  wasmtime_config_wasm_memory64_set(config, true);
  wasmtime_config_wasm_exceptions_set(config, true);
  if (options.max_instances > 0) pool_size_ = fitting_pool(options.max_instances, machine_limits());
  if (pool_size_ > 0) configure_pool(config, pool_size_, options, pagemap_scan_);
  // Without it, all is compiled each time.
  if (const auto& path = options.kept_functions; !path.empty())
    unbolt_config_keep_functions(config, path.data(), path.size());
  engine_.reset(wasm_engine_new_with_config(config));

  ticker_ = std::jthread([engine = engine_.get()](std::stop_token stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!stop.stop_requested()) {
      wake.wait_for(lock, stop, kTick, [] { return false; });
      wasmtime_engine_increment_epoch(engine);
    }
  });
}

Engine::~Engine() = default;

}  // namespace unbolt::engine
