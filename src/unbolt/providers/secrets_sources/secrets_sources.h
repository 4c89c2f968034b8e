// Secrets from the environment, from files and from the manifest.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "unbolt/contracts/provider_table.h"
#include "unbolt/contracts/secrets.h"

namespace unbolt::providers {

// By name: `env:VARIABLE`, `file:PATH` or `value:TEXT`. An error names the secret, and its file or
// variable: InvalidArgument where the text is none of these, NotFound where there is no such file
// or variable now. Blocks. Later reads run in the blocking pool; a file that cannot be read then is
// an error of that call, and a line in the log.
Result<std::shared_ptr<contracts::Secrets>> make_secrets(std::map<std::string, std::string> sources,
                                                         const contracts::ProviderContext& context);

}  // namespace unbolt::providers
