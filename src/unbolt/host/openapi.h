// The OpenAPI 3.1 description of a component's functions, made from their WIT types.
#pragma once

#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "unbolt/component/export_names.h"
#include "unbolt/component/linked_component.h"
#include "unbolt/host/json_api.h"

namespace unbolt::host {

// Describes those that are served, each at its shortest path; lists the others beside them.
nlohmann::ordered_json describe(const component::ComponentFile& file,
                                const component::ExportNames& names,
                                std::span<const JsonFunction> functions, const std::string& name);

}  // namespace unbolt::host
