#include "unbolt/cli/component_file.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <set>

#include "unbolt/cli/output.h"
#include "unbolt/cli/sign.h"
#include "unbolt/component/decoder.h"
#include "unbolt/component/names.h"
#include "unbolt/contracts/claims_guard.h"
#include "unbolt/contracts/declarations.h"
#include "unbolt/contracts/interfaces.h"
#include "unbolt/contracts/provider_url.h"
#include "unbolt/wasi/interfaces.h"

namespace unbolt::cli {
namespace {

// From this size on, compiling is slow enough to be announced.
constexpr std::size_t kSlowToCompile = 512 * 1024;
constexpr std::string_view kMagic("\0asm", 4);
constexpr std::string_view kPreview1 = "wasi_snapshot_preview1";

// Making a component of a larger module takes a tenth of a second and more, and is done once. The
// number changes with what is made.
constexpr std::size_t kSlowToConvert = 128 * 1024;
constexpr std::string_view kConverted = "preview1-3";

std::unexpected<Error> no_program(std::string_view why, std::string_view hint) {
  return std::unexpected(Error{
      ErrorCode::Unsupported,
      fmt::format("it is a core module, not a component, and no WASI preview1 program: {}", why),
      std::string(hint)});
}

// A core module can run where it is a command of WASI preview1: it imports nothing else, and has a
// `_start` and a memory.
Result<Bytes> component_of_module(ByteView module) {
  UNBOLT_TRY(component::validate(module, component::Bodies::Check));
  UNBOLT_ASSIGN(auto interface, component::core_interface(module));
  std::string others;
  for (const auto& import : interface.imports) {
    if (import.module == "wasi_unstable") {
      return no_program("it imports from 'wasi_unstable', which came before preview1",
                        "build it with a toolchain of 2020 or later");
    }
    const std::string name = fmt::format("'{}'", import.module);
    if (import.module != kPreview1 && !others.contains(name))
      others += (others.empty() ? "" : ", ") + name;
  }
  if (!others.empty()) {
    return no_program("it imports from " + others,
                      "make a component of it: wasm-tools component new MODULE -o COMPONENT");
  }
  const auto exports = [&](std::string_view name) {
    return std::any_of(interface.exports.begin(), interface.exports.end(),
                       [&](const auto& item) { return item.name == name; });
  };
  if (!exports("_start")) {
    return no_program(exports("_initialize")
                          ? "it is a reactor, a library that waits to be called: it exports "
                            "_initialize and no _start"
                          : "it exports no _start",
                      "compile it as a command (clang: without -mexec-model=reactor, with a main)");
  }
  if (!exports("memory")) return no_program("it exports no memory", {});
  auto component = component::componentize_command(module);
  if (!component)
    return std::unexpected(
        std::move(component).error().in("a core module that cannot be made a component"));
  return component;
}

Result<Bytes> cached_component_of_module(ByteView module, const engine::CompiledCache* cache) {
  if (!cache || module.size() < kSlowToConvert) return component_of_module(module);
  const std::string name = fmt::format("{}-{}", engine::sha256_hex(module), kConverted);
  if (auto kept = cache->kept(name)) return std::move(*kept);
  auto component = component_of_module(module);
  if (component) cache->keep(name, *component);
  return component;
}

// Whether it may be one of ours at all.
Result<> check_magic(ByteView bytes) {
  if (bytes.empty()) return fail(ErrorCode::InvalidFile, "the file is empty");
  if (!as_text(bytes).starts_with(kMagic)) {
    return std::unexpected(Error{ErrorCode::InvalidFile, "it is no WebAssembly file",
                                 "such files begin with the bytes 00 61 73 6d"});
  }
  return {};
}

// The component's bytes, whatever the file is.
Result<Bytes> component_bytes(Bytes bytes, const engine::CompiledCache* cache) {
  UNBOLT_TRY(check_magic(bytes));
  switch (component::file_kind(bytes)) {
    case component::FileKind::Component: return bytes;
    case component::FileKind::CoreModule: return cached_component_of_module(bytes, cache);
    case component::FileKind::Other: break;
  }
  UNBOLT_TRY(component::validate(bytes, component::Bodies::Skip));
  return fail(ErrorCode::InvalidFile, "it is no WebAssembly component");
}

// What would meet the first interface that nobody has; "" where none is missing as a whole, or it
// is one that no user makes.
std::string how_to_meet(const std::vector<component::UnmetImport>& unmet) {
  for (const auto& import : unmet) {
    const std::string_view contract = component::split_version(import.name).path;
    if (import.code != ErrorCode::NotFound || !contracts::is_contract(contract) ||
        contract.starts_with("wasi:"))
      continue;
    return fmt::format(
        "a plug-in would meet it: --link {0}=plugin:PATH.so; so would, in a manifest, "
        "links: {{{0}: component:NAME}} or links: {{{0}: plugin:PATH.so}}",
        contract);
  }
  return {};
}

}  // namespace

component::HostInterfaces host_interfaces(const component::Plan& plan) {
  component::HostInterfaces host;
  wasi::add_all(host);
  contracts::add_all(host);
  contracts::declare_imports(host, plan);
  return host;
}

Result<std::shared_ptr<const component::ComponentFile>> open_component(const std::string& path) {
  UNBOLT_ASSIGN(Bytes content, read_file(path));
  auto bytes = component_bytes(std::move(content), nullptr);
  auto file = bytes ? component::ComponentFile::load(std::move(*bytes))
                    : std::unexpected(std::move(bytes).error());
  if (!file) return std::unexpected(std::move(file).error().in(path));
  return file;
}

Result<Admitted> open_component(const std::string& path, const std::string& shown,
                                const claims::Admission& admission, const engine::Engine& engine,
                                const engine::CompiledCache* cache) {
  UNBOLT_ASSIGN(Bytes content, read_file(path));
  std::shared_ptr<const contracts::ClaimedGrants> granted;
  auto file = [&]() -> Result<std::shared_ptr<const component::ComponentFile>> {
    UNBOLT_TRY(check_magic(content));
    // What was signed is the file itself: a core module is made a component only then.
    const auto seen = claims::verify(content, time_now());
    UNBOLT_TRY(claims::admit(seen, admission));
    if (seen.grants) {
      granted = std::make_shared<const contracts::ClaimedGrants>(
          contracts::ClaimedGrants::of(*seen.grants));
    }
    UNBOLT_ASSIGN(Bytes bytes, component_bytes(std::move(content), cache));
    if (!cache) return component::ComponentFile::load(std::move(bytes));
    const std::string digest = engine::sha256_hex(bytes);
    if (cache->marked(engine, digest)) {
      return component::ComponentFile::load(std::move(bytes),
                                            component::ComponentFile::Checked::Before);
    }
    UNBOLT_ASSIGN(auto loaded, component::ComponentFile::load(std::move(bytes)));
    cache->mark(engine, digest);
    return loaded;
  }();
  if (!file) return std::unexpected(std::move(file).error().in(shown));
  return Admitted{std::move(*file), std::move(granted)};
}

std::string unclaimed_line(const Admitted& admitted) {
  std::set<std::string_view> packages;
  for (const auto& import : admitted.file->plan().imports) {
    const auto package = contracts::call_name(import.name, "").package;
    if (!contracts::needs_no_grant(package)) packages.insert(package);
  }
  return fmt::format(
      "no signed claims say what it may do: it may use {}, within what this command grants",
      packages.empty() ? "nothing of the host's"
                       : fmt::format("all that it imports ({})", fmt::join(packages, ", ")));
}

std::string not_granted_line(const Admitted& admitted) {
  if (!admitted.claims) return {};
  std::vector<std::string> imports;
  for (const auto& import : admitted.file->plan().imports) imports.push_back(import.name);
  const auto missing = admitted.claims->not_granted(imports);
  if (missing.empty()) return {};
  return fmt::format("its claims grant nothing of {}: calls of that are refused",
                     fmt::join(missing, ", "));
}

Result<std::shared_ptr<const component::LinkedComponent>> link_component(
    const std::string& shown, const Admitted& admitted, const engine::Engine& engine,
    const component::HostInterfaces& host, const engine::CompiledCache* cache,
    component::CompileOptions::Modules modules) {
  const auto& file = admitted.file;
  const std::size_t size = file->bytes().size();
  const bool terminal = ::isatty(STDERR_FILENO);
  bool announced = false;
  component::CompileOptions options;
  options.cache = cache;
  options.modules = modules;
  if (admitted.claims) options.substitute = contracts::guard_calls({admitted.claims});
  options.progress = [&](std::size_t done, std::size_t all) {
    if (size < kSlowToCompile) return;
    if (terminal) {
      std::fprintf(stderr, "\rcompiling %s (%.1f MB): core module %zu of %zu", shown.c_str(),
                   static_cast<double>(size) / 1e6, done + 1, all);
    } else if (!announced) {
      std::fprintf(stderr, "compiling %s (%.1f MB)%s\n", shown.c_str(),
                   static_cast<double>(size) / 1e6,
                   cache ? "; the next start takes it from the cache" : "");
    }
    announced = true;
  };
  auto linked = component::LinkedComponent::link(file, engine, host, options);
  if (announced && terminal) std::fputc('\n', stderr);
  if (!linked) {
    Error error = std::move(linked).error().in(shown);
    if (error.hint.empty()) error.hint = how_to_meet(component::unmet_imports(file->plan(), host));
    return std::unexpected(std::move(error));
  }
  return linked;
}

std::string component_name(const std::string& path) {
  return std::filesystem::path(path).stem().string();
}

}  // namespace unbolt::cli
