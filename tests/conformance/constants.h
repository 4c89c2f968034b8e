// Constants of the .wast language for component values, as `unbolt-wast` writes them in JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "unbolt/component/value.h"

namespace unbolt::conformance {

// A constant as a value of the type. Throws std::runtime_error where it is none of this type.
component::Value read_constant(const component::Type& type, const nlohmann::json& constant);

// Whether a call returned what was expected; a NaN is equal to every NaN of its type, since the
// canonical ABI may change its bits.
bool equal(const component::Value& a, const component::Value& b);

}  // namespace unbolt::conformance
