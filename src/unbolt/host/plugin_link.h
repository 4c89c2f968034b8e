// Contracts that a plug-in meets (plugin/): what happens when a component is linked, and at a call.
// A component's links name them among its ComponentLinks, without a callee.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/component/host_interface.h"
#include "unbolt/component/linked_component.h"
#include "unbolt/host/component_link.h"
#include "unbolt/plugin/library.h"

namespace unbolt::host {

// Offers what `imports` of the caller stand for, whichever plug-in meets them later: a call goes to
// `contracts::Links::plugins` at `place`. Unsupported where a type holds what cannot cross.
Result<> offer_plugin(std::size_t place, std::shared_ptr<const component::ComponentFile> caller,
                      const std::vector<const component::ImportedInterface*>& imports,
                      component::HostInterfaces& host);

// The functions of each plug-in for this component, as `contracts::Links::plugins` has them: one
// for each of `links` without a callee, whose provider is in `providers` by contract. The error
// says what a plug-in does not meet.
using Providers = std::map<std::string, std::shared_ptr<plugin::Provider>, std::less<>>;
Result<std::vector<std::shared_ptr<const plugin::Binding>>> bind_plugins(
    const component::Plan& caller, const ComponentLinks& links, const Providers& providers);

}  // namespace unbolt::host
