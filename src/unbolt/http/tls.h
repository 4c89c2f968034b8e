// TLS for the client (OpenSSL).
#pragma once

#include <boost/asio/ssl/context.hpp>

#include <memory>
#include <string>

#include "unbolt/http/handler.h"
#include "unbolt/http/transport.h"

namespace unbolt::http {

// TLS 1.2 and later, the peer's certificate verified against `ca_file` (PEM), or the system's roots
// where it is empty.
Result<std::unique_ptr<asio::ssl::context>> make_tls_context(const std::string& ca_file);

// The handshake on a connected socket; `host` is the name or address that the certificate must be
// for. Denied where it does not verify.
Task<Result<std::unique_ptr<Transport>>> start_tls(Socket socket, asio::ssl::context& context,
                                                   std::string host);

}  // namespace unbolt::http
