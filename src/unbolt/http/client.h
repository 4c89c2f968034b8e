// The HTTP client: HTTP/1.1 with TLS, reused connections and streaming bodies.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "unbolt/http/handler.h"

namespace unbolt::http {

struct ClientTimeouts {
  std::chrono::nanoseconds connect = std::chrono::seconds(30);      // name, connection and TLS
  std::chrono::nanoseconds first_byte = std::chrono::seconds(600);  // until the response's head
  std::chrono::nanoseconds between_bytes = std::chrono::seconds(600);
};

struct ClientResponse {
  ResponseHead head;
  // May outlive the exchange. Dropping it unread closes the connection.
  std::unique_ptr<BodyReader> body;
};

// One request under way. Dropping it cancels what is not finished: without a response everything,
// with one a request body that was not finished (the connection is closed then).
class ClientExchange {
 public:
  virtual ~ClientExchange() = default;
  // Where the request's body goes; call `finish` also for an empty one. The head waits up to 10 ms
  // for the body's end or its first bytes, so that a body which is finished by then is sent with
  // its length, and an empty one as none.
  virtual BodyWriter& body() = 0;
  // The response's head, once. Codes: NotFound (the name does not resolve), Unavailable (refused,
  // unreachable), Timeout, ProtocolError, ConnectionClosed, Denied (the certificate does not
  // verify), LimitExceeded (its head).
  // InvalidArgument the second time; Cancelled where the exchange is dropped meanwhile.
  virtual Task<Result<ClientResponse>> response() = 0;
};

// One per loop. Keeps idle connections for reuse; resolves names without blocking the loop.
class Client {
 public:
  virtual ~Client() = default;
  // `head.scheme` is "http" or "https"; `head.authority` is needed. Starts connecting and sending
  // at once. Connection-level fields and `host` are left out. InvalidArgument for a head that
  // cannot be sent, InvalidFile for bad roots.
  virtual Result<std::unique_ptr<ClientExchange>> start(RequestHead head,
                                                        ClientTimeouts timeouts) = 0;
};

struct ClientOptions {
  // PEM file of trusted roots; empty: the system's.
  std::string ca_file;
  std::size_t max_idle_per_host = 32;
  std::chrono::seconds idle_timeout{60};
  std::size_t max_head_bytes = 64 * 1024;
};

std::unique_ptr<Client> make_client(Executor loop, ClientOptions options);

}  // namespace unbolt::http
