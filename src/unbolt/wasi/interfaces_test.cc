#include "unbolt/wasi/interfaces.h"

#include <gtest/gtest.h>

#include "unbolt/component/linked_component.h"
#include "unbolt/contracts/declarations.h"

namespace unbolt::wasi {
namespace {

// WASI 0.2 is here whole: each function that its packages declare has a binding of the declared
// type. What a component exports is not among them.
TEST(Interfaces, AllOfWasiIsHere) {
  component::HostInterfaces host;
  add_all(host);
  std::size_t functions = 0;
  for (const auto* package : {"cli", "clocks", "filesystem", "http", "io", "random", "sockets"}) {
    const auto plan = contracts::wit_package(package);
    ASSERT_TRUE(plan) << package;
    for (const auto& import : plan->imports) functions += import.funcs.size();
    for (const auto& unmet : component::unmet_imports(*plan, host)) {
      const bool exported = unmet.name.starts_with("wasi:cli/run@") ||
                            unmet.name.starts_with("wasi:http/incoming-handler@");
      EXPECT_TRUE(exported) << unmet.name << ": " << unmet.problem;
    }
  }
  EXPECT_EQ(functions, 177u);
}

}  // namespace
}  // namespace unbolt::wasi
