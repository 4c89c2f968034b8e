// The WIT contracts of this folder, lifted onto its C++ interfaces.
#pragma once

#include "unbolt/component/host_interface.h"

namespace unbolt::contracts {

void add_key_value(
    component::HostInterfaces& host);  // wasi:keyvalue@0.2.0-draft: store, atomics, batch
void add_config(component::HostInterfaces& host);   // wasi:config, in its three spellings
void add_logging(component::HostInterfaces& host);  // wasi:logging

inline void add_all(component::HostInterfaces& host) {
  add_key_value(host);
  add_config(host);
  add_logging(host);
}

}  // namespace unbolt::contracts
