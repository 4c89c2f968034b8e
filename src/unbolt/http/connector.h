// From a URL's scheme and authority to a connected stream.
#pragma once

#include <boost/asio/ssl/context.hpp>

#include <cstdint>
#include <string>

#include "unbolt/http/handler.h"
#include "unbolt/http/transport.h"

namespace unbolt::http {

struct Origin {
  bool tls = false;
  std::string host;  // a name, or an address without brackets
  std::uint16_t port = 80;

  // What connections are shared by.
  std::string key() const { return fmt::format("{}:{}:{}", tls ? "https" : "http", host, port); }
};

Result<Origin> parse_origin(const RequestHead& head);

// Resolves the name, tries its addresses in their order and shakes hands. `tls` is not null where
// the origin needs it. NotFound, Unavailable, Timeout, Denied or ProtocolError; cancellable, then
// with whatever error.
Task<Result<std::unique_ptr<Transport>>> connect(Executor loop, Origin origin,
                                                 asio::ssl::context* tls);

}  // namespace unbolt::http
