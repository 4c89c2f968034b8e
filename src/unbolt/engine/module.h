// A compiled core module, and the host functions it may import.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/engine/capi.h"
#include "unbolt/engine/engine.h"

namespace unbolt::engine {

enum class CoreType : std::uint8_t { I32, I64, F32, F64 };

struct CoreFuncType {
  std::vector<CoreType> params;
  std::vector<CoreType> results;
  bool operator==(const CoreFuncType&) const = default;
};

struct CoreImport {
  std::string module;
  std::string name;
  wasm_externkind_t kind;
};

// An export found once by name, then read from each instance by index. Owned by its module's user;
// must not outlive it.
using ExportHandle = Handle<unbolt_module_export_t, unbolt_module_export_delete>;

// Immutable, shared by all threads, outlived by its engine.
class Module {
 public:
  // Takes `bytes` through validation and the compiler; uses several threads, takes milliseconds to
  // seconds.
  static Result<Module> compile(const Engine& engine, ByteView bytes);
  // Reads a file that `serialize` wrote. Trusts it: the caller has authenticated it
  // (compiled_cache.h).
  static Result<Module> deserialize_file(const Engine& engine, const std::string& path);
  Result<Bytes> serialize() const;

  const wasmtime_module_t* capi() const { return module_.get(); }
  // In the order in which the module declares them.
  std::vector<CoreImport> imports() const;
  // Null where there is no such export.
  ExportHandle find_export(std::string_view name) const;

 private:
  explicit Module(wasmtime_module_t* module) : module_(module) {}
  Handle<wasmtime_module_t, wasmtime_module_delete> module_;
};

// Host functions by module and name, shared by every store (made for each store they dominate
// instantiation). Immutable once stores use it; outlived by its engine.
class Linker {
 public:
  explicit Linker(const Engine& engine) : linker_(wasmtime_linker_new(engine.capi())) {}

  // `callback` must not throw; `env` outlives the linker and all stores that use it.
  Result<> define(std::string_view module, std::string_view name, const CoreFuncType& type,
                  HostCallback callback, void* env);
  const wasmtime_linker_t* capi() const { return linker_.get(); }

 private:
  Handle<wasmtime_linker_t, wasmtime_linker_delete> linker_;
};

// A module whose instantiation is prepared: where each import comes from, and which exports are
// kept. What the instances of a store take from each other lies in slots, an array of items that
// belongs to whoever made the store. Immutable once stores use it; shared; outlived by its engine.
class PreparedModule {
 public:
  // All imports bound to host functions of a linker: the cheapest way to instantiate.
  static Result<PreparedModule> prepare(const Linker& linker, const Module& module);
  // The imports, in the module's order, from slots.
  static PreparedModule prepare(const Module& module, std::span<const std::uint32_t> import_slots);

  // Each instance leaves this export in the slot. False where there is no such export.
  [[nodiscard]] bool keep(std::string_view export_name, std::uint32_t slot);
  const unbolt_prepared_t* capi() const { return prepared_.get(); }

 private:
  explicit PreparedModule(unbolt_prepared_t* prepared) : prepared_(prepared) {}
  Handle<unbolt_prepared_t, unbolt_prepared_delete> prepared_;
};

}  // namespace unbolt::engine
