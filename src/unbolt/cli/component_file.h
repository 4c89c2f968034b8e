// From a path to a component that can be inspected or served.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "unbolt/base/error.h"
#include "unbolt/base/log.h"
#include "unbolt/claims/admission.h"
#include "unbolt/component/linked_component.h"
#include "unbolt/contracts/claimed_grants.h"
#include "unbolt/engine/compiled_cache.h"

namespace unbolt::cli {

// Everything that this program offers to components, with the declared types of what this one
// imports.
component::HostInterfaces host_interfaces(const component::Plan& plan);

// Reads, checks, decodes and plans a file to look at. Errors name the file.
Result<std::shared_ptr<const component::ComponentFile>> open_component(const std::string& path);

// A file that may be run.
struct Admitted {
  std::shared_ptr<const component::ComponentFile> file;
  // What it is granted by its signed claims; null where nobody signed any, or with a tool that
  // knows no grants: then nothing but the operator's own grants bounds it.
  std::shared_ptr<const contracts::ClaimedGrants> claims;
};

// The same for one that is to run: Denied where it is not admitted. `shown` is what the operator
// calls it; what was found about it is kept in the cache, where there is one.
Result<Admitted> open_component(const std::string& path, const std::string& shown,
                                const claims::Admission& admission, const engine::Engine& engine,
                                const engine::CompiledCache* cache);

// One line for whoever starts it, of what it imports and its claims do not grant; "" where that is
// nothing.
std::string not_granted_line(const Admitted& admitted);
// One line of what a file may use whose claims grant nothing, and why.
std::string unclaimed_line(const Admitted& admitted);

// Compiles it or takes it from the cache, and says so on stderr when it will take a while. Calls
// that its claims do not grant are bound to refusals.
Result<std::shared_ptr<const component::LinkedComponent>> link_component(
    const std::string& shown, const Admitted& admitted, const engine::Engine& engine,
    const component::HostInterfaces& host, const engine::CompiledCache* cache,
    component::CompileOptions::Modules modules = component::CompileOptions::Modules::Fused);

// "path/to/app.wasm" → "app": the component's name in the log.
std::string component_name(const std::string& path);

}  // namespace unbolt::cli
