// JSON of strangers that is to mean one thing to every reader: no member twice, nothing nested
// deep.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "unbolt/base/error.h"

namespace unbolt::claims {

// An object, or InvalidFile. `text` is bounded by the caller.
Result<nlohmann::json> strict_object(std::string_view text);

// A member where it is there and of that type; `wrong` is set to its name where it is of another,
// or a text that no token has: longer than 4 KiB, or with control characters.
std::optional<std::string> text_member(const nlohmann::json& object, const char* name,
                                       std::string& wrong);
std::optional<std::uint64_t> time_member(const nlohmann::json& object, const char* name,
                                         std::string& wrong);
// At most 1024.
std::optional<std::vector<std::string>> list_member(const nlohmann::json& object, const char* name,
                                                    std::string& wrong);

}  // namespace unbolt::claims
