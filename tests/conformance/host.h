// What scripts may import: functions and resources that the suite of wasmtime expects of every
// runner (crates/wast/src/spectest.rs there says what they do).
#pragma once

#include "unbolt/component/host_interface.h"

namespace unbolt::conformance {

// What its resources leave behind; a script has one.
struct HostState {
  std::uint32_t drops = 0, last_drop = 0;
};

// Instances must be made with a `HostState` as their host.
void add_host(component::HostInterfaces& interfaces);

}  // namespace unbolt::conformance
