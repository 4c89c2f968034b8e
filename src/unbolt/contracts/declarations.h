// The types that the contracts' WIT declares, for comparing an import's labels and for messages
// that show both sides.
#pragma once

#include "unbolt/component/host_interface.h"
#include "unbolt/component/plan.h"

namespace unbolt::contracts {

// Reads the WIT that is built into the program, of the packages that `plan` imports, and tells each
// interface its functions' types.
void declare_imports(component::HostInterfaces& host, const component::Plan& plan);

}  // namespace unbolt::contracts
