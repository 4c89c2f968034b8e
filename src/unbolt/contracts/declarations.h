// The types that the contracts' WIT declares, for comparing an import's labels and for messages
// that show both sides.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/component/host_interface.h"
#include "unbolt/component/plan.h"

namespace unbolt::contracts {

// The WIT package that is built into the program from the folder wit/deps/NAME (`_` for `-`); see
// `read_wit_package`. Null where there is none.
std::shared_ptr<const component::Plan> wit_package(std::string_view folder);

// All of them, in their binary form.
std::vector<ByteView> wit_packages();

// Reads the WIT that is built into the program, of the packages that `plan` imports, and tells each
// interface its functions' types.
void declare_imports(component::HostInterfaces& host, const component::Plan& plan);

}  // namespace unbolt::contracts
