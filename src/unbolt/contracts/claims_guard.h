// Where the signed claims of a component meet its calls: what is not granted is bound to a refusal
// when the component is linked; what depends on a name is asked when that is opened, and remembered
// with the handle.
#pragma once

#include <memory>
#include <vector>

#include "unbolt/component/linked_component.h"
#include "unbolt/contracts/claimed_grants.h"

namespace unbolt::contracts {

// For `CompileOptions::substitute` of one component: what is bound in the place of the host's
// functions. A call has to be granted by all of `grants` (its claims, and what bounds them). What
// is refused answers with the contract's own word for it where there is one, else the guest traps;
// the instance's audit log is told.
component::Substitute guard_calls(std::vector<std::shared_ptr<const ClaimedGrants>> grants);

}  // namespace unbolt::contracts
