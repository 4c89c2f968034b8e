// One YAML mapping of names to scalars.
#pragma once

#include <string_view>

#include "unbolt/base/error.h"
#include "unbolt/contracts/config.h"

namespace unbolt::providers {

// InvalidArgument with the line, and without any value: one may be private.
Result<contracts::ConfigValues> read_flat_yaml(std::string_view text);

}  // namespace unbolt::providers
