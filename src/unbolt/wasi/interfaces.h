// What of WASI this host offers by what lies in this folder, by package. `add_all` is what the
// program uses.
#pragma once

#include "unbolt/component/host_interface.h"

namespace unbolt::wasi {

void add_io(component::HostInterfaces& host);
void add_clocks(component::HostInterfaces& host);
void add_random(component::HostInterfaces& host);
void add_cli(component::HostInterfaces& host);
void add_http(component::HostInterfaces& host);
void add_filesystem(component::HostInterfaces& host);
void add_sockets(component::HostInterfaces& host);
void add_blob_store(component::HostInterfaces& host);  // wasi:blobstore@0.2.0-draft

inline void add_all(component::HostInterfaces& host) {
  add_io(host);
  add_clocks(host);
  add_random(host);
  add_cli(host);
  add_http(host);
  add_filesystem(host);
  add_sockets(host);
  add_blob_store(host);
}

}  // namespace unbolt::wasi
