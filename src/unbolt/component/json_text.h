// JSON as text: read with bounds, and written without a tree in between.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "unbolt/base/error.h"

namespace unbolt::component {

// No interface type is nested half as deep.
inline constexpr std::size_t kMaxJsonDepth = 256;

// One JSON value (RFC 8259). InvalidArgument says at which line and column it goes wrong, also
// where it is nested deeper than kMaxJsonDepth or a number is larger than a double.
Result<nlohmann::ordered_json> parse_json(std::string_view text);

// Appends `text`, which is UTF-8, as a JSON string.
void append_json_string(std::string& out, std::string_view text);

}  // namespace unbolt::component
