// The parts of wasi:sockets, each in a file of its own.
#pragma once

#include "unbolt/component/host_interface.h"
#include "unbolt/wasi/interfaces.h"

namespace unbolt::wasi {

void add_tcp(component::HostInterfaces& host);
void add_udp(component::HostInterfaces& host);
void add_name_lookup(component::HostInterfaces& host);

}  // namespace unbolt::wasi
