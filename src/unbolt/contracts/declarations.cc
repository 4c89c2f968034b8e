#include "unbolt/contracts/declarations.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "unbolt/component/decoder.h"
#include "unbolt/component/plan.h"

// The packages of wit/deps in their binary form (cmake/UnboltWit.cmake).
#define UNBOLT_WIT_PACKAGE(name)                     \
  extern "C" const std::uint8_t unbolt_wit_##name[]; \
  extern "C" const std::uint8_t unbolt_wit_##name##_end[];
#include <wit_packages.inc>
#undef UNBOLT_WIT_PACKAGE

namespace unbolt::contracts {
namespace {

struct Package {
  std::string_view folder;  // of wit/deps, with "_" for "-": "http", "config_draft"
  ByteView bytes;
};

std::vector<Package> packages() {
  return {
#define UNBOLT_WIT_PACKAGE(name) {#name, ByteView(unbolt_wit_##name, unbolt_wit_##name##_end)},
#include <wit_packages.inc>
#undef UNBOLT_WIT_PACKAGE
  };
}

// "wasi:config/store@0.2.0-draft" comes from "config" or "config_draft".
bool may_declare(const Package& package, std::string_view interface_name) {
  const auto colon = interface_name.find(':');
  if (colon == std::string_view::npos) return false;
  const auto name =
      interface_name.substr(colon + 1, interface_name.find_first_of("/@") - colon - 1);
  return package.folder.substr(0, package.folder.find('_')) == name;
}

std::shared_ptr<const component::Plan> read(const Package& package) {
  auto ast = component::decode(package.bytes);
  if (!ast) std::abort();  // built into the program, and read by its tests
  auto plan = component::read_wit_package(std::move(*ast));
  if (!plan) std::abort();
  return std::move(*plan);
}

}  // namespace

std::shared_ptr<const component::Plan> wit_package(std::string_view folder) {
  for (const Package& package : packages()) {
    if (package.folder == folder) return read(package);
  }
  return nullptr;
}

std::vector<ByteView> wit_packages() {
  std::vector<ByteView> result;
  for (const Package& package : packages()) result.push_back(package.bytes);
  return result;
}

void declare_imports(component::HostInterfaces& host, const component::Plan& plan) {
  for (const Package& package : packages()) {
    const bool wanted =
        std::any_of(plan.imports.begin(), plan.imports.end(),
                    [&](const auto& import) { return may_declare(package, import.name); });
    if (wanted) host.declare(read(package));
  }
}

}  // namespace unbolt::contracts
