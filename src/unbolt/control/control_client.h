// The other end of the control socket.
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>

#include "unbolt/base/error.h"

namespace unbolt::control {

// Sends a request and hands over each line of the answer, until the host says that it is done.
// Blocks. NotFound where no host listens there; the host's own error where it sent one.
Result<> ask(const std::filesystem::path& socket, const nlohmann::json& request,
             const std::function<void(const nlohmann::json&)>& on_line);

}  // namespace unbolt::control
