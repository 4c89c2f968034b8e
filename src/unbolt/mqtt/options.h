// How to reach an MQTT broker, as a provider's URL says it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/contracts/provider_url.h"
#include "unbolt/contracts/server_address.h"

namespace unbolt::mqtt {

struct Options {
  contracts::ServerAddress server;
  bool tls = false;
  // Whose certificates are trusted, empty: the system's; our own certificate and its key. Files.
  std::string ca_file, cert_file, key_file;
  std::string client = "unbolt";  // what the names of our clients begin with
  std::chrono::seconds keep_alive{30};
  std::chrono::milliseconds timeout{5000};  // of each operation, and of making a connection
  // The largest packet that is taken.
  std::uint32_t maximum_packet = (8 << 20) + (64 << 10);

  // For messages.
  std::string shown() const { return "the MQTT broker " + server.shown(); }
};

// Of `mqtt://[USER[:PASSWORD]@]HOST[:1883]` or `mqtts://…[:8883]`, with `[?client=NAME]
// [&keepalive=30s][&timeout=5s]`, for TLS `[&ca=FILE][&cert=FILE&key=FILE]`, and the options that
// `more` names.
Result<Options> read_url(const contracts::ProviderUrl& url, std::vector<std::string_view> more);

}  // namespace unbolt::mqtt
