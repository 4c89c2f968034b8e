#include "unbolt/engine/host_funcs.h"

#include <algorithm>
#include <array>
#include <string>

namespace unbolt::engine {
namespace {

constexpr std::string_view kHost = "host";

void put_u32(Bytes& out, std::size_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<std::uint8_t>(value | 0x80));
  out.push_back(static_cast<std::uint8_t>(value));
}

void put_name(Bytes& out, std::string_view name) {
  put_u32(out, name.size());
  out.insert(out.end(), name.begin(), name.end());
}

void put_types(Bytes& out, const std::vector<CoreType>& types) {
  put_u32(out, types.size());
  // The binary format counts down from i32, 0x7f: i64, f32, f64.
  for (const CoreType type : types) {
    out.push_back(static_cast<std::uint8_t>(0x7f - static_cast<unsigned>(type)));
  }
}

void put_section(Bytes& out, std::uint8_t id, const Bytes& content) {
  out.push_back(id);
  put_u32(out, content.size());
  out.insert(out.end(), content.begin(), content.end());
}

// (module (import "host" "0" (func …)) … (export "0" (func 0)) …)
Bytes reexporting_module(std::span<const HostFunc> funcs) {
  std::vector<CoreFuncType> types;
  Bytes imports, exports;
  put_u32(imports, funcs.size());
  put_u32(exports, funcs.size());
  for (std::size_t i = 0; i < funcs.size(); ++i) {
    const auto known = std::find(types.begin(), types.end(), funcs[i].type);
    const auto type = static_cast<std::size_t>(known - types.begin());
    if (known == types.end()) types.push_back(funcs[i].type);
    const std::string name = std::to_string(i);
    put_name(imports, kHost);
    put_name(imports, name);
    imports.push_back(0);
    put_u32(imports, type);
    put_name(exports, name);
    exports.push_back(0);
    put_u32(exports, i);
  }
  Bytes type_section;
  put_u32(type_section, types.size());
  for (const CoreFuncType& type : types) {
    type_section.push_back(0x60);
    put_types(type_section, type.params);
    put_types(type_section, type.results);
  }
  constexpr std::array<std::uint8_t, 8> kHeader{0, 'a', 's', 'm', 1, 0, 0, 0};
  Bytes module(kHeader.begin(), kHeader.end());
  put_section(module, 1, type_section);
  put_section(module, 2, imports);
  put_section(module, 7, exports);
  return module;
}

}  // namespace

Result<PreparedModule> prepare_host_funcs(const Engine& engine, std::span<const HostFunc> funcs,
                                          const CompiledCache* cache) {
  const Bytes bytes = reexporting_module(funcs);
  UNBOLT_ASSIGN(const Module module,
                cache ? cache->load(engine, bytes, {}) : Module::compile(engine, bytes));
  Linker linker(engine);
  for (std::size_t i = 0; i < funcs.size(); ++i) {
    UNBOLT_TRY(
        linker.define(kHost, std::to_string(i), funcs[i].type, funcs[i].callback, funcs[i].env));
  }
  UNBOLT_ASSIGN(PreparedModule prepared, PreparedModule::prepare(linker, module));
  for (std::size_t i = 0; i < funcs.size(); ++i) {
    if (!prepared.keep(std::to_string(i), funcs[i].slot))
      return fail(ErrorCode::Internal, "a module of our own making lacks an export");
  }
  return prepared;
}

}  // namespace unbolt::engine
