#include "unbolt/engine/module.h"

#include "unbolt/engine/fault.h"

namespace unbolt::engine {
namespace {

std::unexpected<Error> engine_error(ErrorCode code, wasmtime_error_t* error) {
  return std::unexpected(Error{code, fault_from(error).reason, {}});
}

wasm_valtype_vec_t to_valtypes(const std::vector<CoreType>& types) {
  std::vector<wasm_valtype_t*> list;
  list.reserve(types.size());
  for (const CoreType type : types) {
    switch (type) {
      case CoreType::I32: list.push_back(wasm_valtype_new(WASM_I32)); break;
      case CoreType::I64: list.push_back(wasm_valtype_new(WASM_I64)); break;
      case CoreType::F32: list.push_back(wasm_valtype_new(WASM_F32)); break;
      case CoreType::F64: list.push_back(wasm_valtype_new(WASM_F64)); break;
    }
  }
  wasm_valtype_vec_t vec;
  wasm_valtype_vec_new(&vec, list.size(), list.data());
  return vec;
}

}  // namespace

Result<Module> Module::compile(const Engine& engine, ByteView bytes) {
  wasmtime_module_t* module = nullptr;
  if (auto* error = wasmtime_module_new(engine.capi(), bytes.data(), bytes.size(), &module)) {
    return engine_error(ErrorCode::InvalidFile, error);
  }
  return Module(module);
}

Result<Module> Module::deserialize_file(const Engine& engine, const std::string& path) {
  wasmtime_module_t* module = nullptr;
  if (auto* error = wasmtime_module_deserialize_file(engine.capi(), path.c_str(), &module)) {
    return engine_error(ErrorCode::InvalidFile, error);
  }
  return Module(module);
}

Result<Bytes> Module::serialize() const {
  wasm_byte_vec_t out;
  if (auto* error = wasmtime_module_serialize(module_.get(), &out))
    return engine_error(ErrorCode::Internal, error);
  Bytes bytes(out.data, out.data + out.size);
  wasm_byte_vec_delete(&out);
  return bytes;
}

std::vector<CoreImport> Module::imports() const {
  wasm_importtype_vec_t types;
  wasmtime_module_imports(module_.get(), &types);
  std::vector<CoreImport> imports;
  imports.reserve(types.size);
  for (std::size_t i = 0; i < types.size; ++i) {
    const wasm_name_t* module = wasm_importtype_module(types.data[i]);
    const wasm_name_t* name = wasm_importtype_name(types.data[i]);
    imports.push_back({std::string(module->data, module->size), std::string(name->data, name->size),
                       wasm_externtype_kind(wasm_importtype_type(types.data[i]))});
  }
  wasm_importtype_vec_delete(&types);
  return imports;
}

ExportHandle Module::find_export(std::string_view name) const {
  return ExportHandle(unbolt_module_export(module_.get(), name.data(), name.size()));
}

Result<> Linker::define(std::string_view module, std::string_view name, const CoreFuncType& type,
                        HostCallback callback, void* env) {
  wasm_valtype_vec_t params = to_valtypes(type.params);
  wasm_valtype_vec_t results = to_valtypes(type.results);
  Handle<wasm_functype_t, wasm_functype_delete> functype(wasm_functype_new(&params, &results));
  if (auto* error = wasmtime_linker_define_func_unchecked(linker_.get(), module.data(),
                                                          module.size(), name.data(), name.size(),
                                                          functype.get(), callback, env, nullptr)) {
    return engine_error(ErrorCode::Internal, error);
  }
  return {};
}

Result<PreparedModule> PreparedModule::prepare(const Linker& linker, const Module& module) {
  wasmtime_instance_pre_t* made = nullptr;
  if (auto* error = wasmtime_linker_instantiate_pre(linker.capi(), module.capi(), &made)) {
    return engine_error(ErrorCode::Internal, error);
  }
  const Handle<wasmtime_instance_pre_t, wasmtime_instance_pre_delete> pre(made);
  return PreparedModule(unbolt_prepared_from_pre(pre.get()));
}

PreparedModule PreparedModule::prepare(const Module& module,
                                       std::span<const std::uint32_t> import_slots) {
  return PreparedModule(
      unbolt_prepared_from_slots(module.capi(), import_slots.data(), import_slots.size()));
}

bool PreparedModule::keep(std::string_view export_name, std::uint32_t slot) {
  return unbolt_prepared_keep(prepared_.get(), export_name.data(), export_name.size(), slot);
}

}  // namespace unbolt::engine
