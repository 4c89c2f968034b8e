// How to reach a NATS server, as a provider's URL says it.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/contracts/provider_url.h"

namespace unbolt::nats {

struct Options {
  std::string server;  // HOST:PORT
  std::string user, password, token;
  std::string path;   // of the URL, without the slash in front
  std::string shown;  // the URL without secrets, for messages
  bool tls = false;
  std::string tls_ca, tls_cert, tls_key;  // files
  std::chrono::milliseconds connect_timeout{2000};
  std::chrono::milliseconds timeout{5000};  // of each operation
  // What waits to be sent; beyond it operations are refused.
  std::uint64_t queue_bytes = 64 << 20;
};

// Of `nats://[USER:PASSWORD@|TOKEN@]HOST[:PORT][/PATH][?timeout=5s][&connect_timeout=2s]
// [&queue_bytes=64MiB][&tls=yes][&tls_ca=FILE][&tls_cert=FILE&tls_key=FILE]` and the options that
// `more` names.
Result<Options> read_url(const contracts::ProviderUrl& url,
                         std::vector<std::string_view> more = {});

}  // namespace unbolt::nats
