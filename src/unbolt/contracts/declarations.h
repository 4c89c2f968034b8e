// The types that the contracts' WIT declares, for comparing an import's labels and for messages
// that show both sides.
#pragma once

#include "unbolt/component/host_interface.h"

namespace unbolt::contracts {

// Reads the WIT that is built into the program and tells each interface its functions' types.
void declare_all(component::HostInterfaces& host);

}  // namespace unbolt::contracts
