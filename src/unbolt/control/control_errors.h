// Errors on their way through the control socket.
#pragma once

#include <nlohmann/json.hpp>

#include "unbolt/base/error.h"

namespace unbolt::control {

// `{"code": "not-found", "message": …, "hint": …}`
nlohmann::json to_json(const Error& error);
// Of what another host sent: whatever it is, an error comes out of it.
Error error_from_json(const nlohmann::json& json);

}  // namespace unbolt::control
