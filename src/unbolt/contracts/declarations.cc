#include "unbolt/contracts/declarations.h"

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

std::vector<ByteView> packages() {
  return {
#define UNBOLT_WIT_PACKAGE(name) ByteView(unbolt_wit_##name, unbolt_wit_##name##_end),
#include <wit_packages.inc>
#undef UNBOLT_WIT_PACKAGE
  };
}

}  // namespace

void declare_all(component::HostInterfaces& host) {
  for (const ByteView bytes : packages()) {
    auto ast = component::decode(bytes);
    if (!ast) std::abort();  // built into the program, and read by its tests
    auto package = component::read_wit_package(std::move(*ast));
    if (!package) std::abort();
    host.declare(std::shared_ptr<const component::Plan>(std::move(*package)));
  }
}

}  // namespace unbolt::contracts
