// What a component's grants open for it.
#pragma once

#include <memory>
#include <string>

#include "unbolt/contracts/logging.h"
#include "unbolt/wasi/context.h"

namespace unbolt::host {

// Opens the folders that were granted; NotFound, Denied… name the folder. May block.
Result<wasi::Environment> make_environment(contracts::Grants grants, Blocking blocking);

// The standard streams of what serves: no input; what is written becomes lines of the log.
wasi::StandardStreams logged_streams(std::shared_ptr<contracts::Logging> logging,
                                     std::string component);

}  // namespace unbolt::host
