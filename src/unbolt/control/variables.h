// ${NAME} and ${NAME:-DEFAULT} in the values of a manifest.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "unbolt/base/error.h"

namespace unbolt::control {

using VariableSource = std::function<std::optional<std::string>(std::string_view name)>;

// The text with the values of its variables, which are not looked into again. A default counts
// where the variable is not set or empty; `$${` is `${`, every other `$` itself. InvalidArgument
// names a variable that is not set, and never shows a value.
Result<std::string> substitute(std::string_view text, const VariableSource& source);

// The text of which `substitute` makes `text`.
std::string without_variables(std::string_view text);

}  // namespace unbolt::control
