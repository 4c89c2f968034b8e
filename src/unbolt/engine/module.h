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
  // The function as an item of one store. It must have been defined.
  Extern get(wasmtime_context_t* store, std::string_view module, std::string_view name) const;
  const wasmtime_linker_t* capi() const { return linker_.get(); }

 private:
  Handle<wasmtime_linker_t, wasmtime_linker_delete> linker_;
};

// A module with all its imports bound to host functions of a linker: the cheapest way to
// instantiate. Immutable, shared.
class PreparedModule {
 public:
  static Result<PreparedModule> prepare(const Linker& linker, const Module& module);
  const wasmtime_instance_pre_t* capi() const { return pre_.get(); }

 private:
  explicit PreparedModule(wasmtime_instance_pre_t* pre) : pre_(pre) {}
  Handle<wasmtime_instance_pre_t, wasmtime_instance_pre_delete> pre_;
};

}  // namespace unbolt::engine
