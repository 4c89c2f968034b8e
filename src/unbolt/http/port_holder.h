// Who listens on a port, for the message of an operator who meets "address in use".
#pragma once

#include <cstdint>
#include <string>

namespace unbolt::http {

// "nginx (process 123)", or empty where the system does not tell (Linux, and only processes that
// this one may inspect).
std::string port_holder(std::uint16_t port);

}  // namespace unbolt::http
