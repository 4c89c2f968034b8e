// The WIT contracts of this folder, lifted onto its C++ interfaces.
#pragma once

#include "unbolt/component/host_interface.h"

namespace unbolt::contracts {

void add_key_value(
    component::HostInterfaces& host);  // wasi:keyvalue@0.2.0-draft: store, atomics, batch
void add_key_value_draft2(component::HostInterfaces& host);  // wasi:keyvalue@0.2.0-draft2
void add_config(component::HostInterfaces& host);            // wasi:config, in its four spellings
void add_secrets(component::HostInterfaces& host);           // wasmcloud:secrets@0.1.0-draft
void add_logging(component::HostInterfaces& host);           // wasi:logging
void add_messaging(component::HostInterfaces& host);         // wasmcloud:messaging: consumer
void add_lattice(component::HostInterfaces& host);           // wasmcloud:bus: lattice
void add_telnet(component::HostInterfaces& host);            // unbolt:telnet: sessions
void add_sql(component::HostInterfaces& host);               // wasi:sql@0.2.0-draft
void add_pins(component::HostInterfaces& host);              // unbolt:pins@0.1.0
void add_postgres(component::HostInterfaces& host);          // wasmcloud:postgres@0.1.1-draft

inline void add_all(component::HostInterfaces& host) {
  add_key_value(host);
  add_key_value_draft2(host);
  add_config(host);
  add_secrets(host);
  add_logging(host);
  add_messaging(host);
  add_lattice(host);
  add_telnet(host);
  add_sql(host);
  add_pins(host);
  add_postgres(host);
}

}  // namespace unbolt::contracts
