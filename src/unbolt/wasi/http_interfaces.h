// The parts of wasi:http/types, each in a file of its own.
#pragma once

#include "unbolt/component/host_interface.h"

namespace unbolt::wasi {

void add_fields(component::HostInterface& types);
void add_incoming(component::HostInterface& types);
void add_outgoing(component::HostInterface& types);
void add_outgoing_handler(component::HostInterfaces& host, component::HostInterface& types);

}  // namespace unbolt::wasi
