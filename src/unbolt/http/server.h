// The HTTP/1.1 server of one loop.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include <boost/asio/ip/tcp.hpp>

#include "unbolt/base/log.h"
#include "unbolt/http/handler.h"

namespace unbolt::http {

struct ServerLimits {
  std::size_t max_head_bytes = 64 * 1024;     // 431 beyond it
  std::uint64_t max_body_bytes = 1ull << 40;  // 413 beyond it
  std::size_t body_buffer_bytes = 64 * 1024;  // per direction and connection
  std::size_t max_connections = 10'000;       // per loop; more wait in the kernel's queue
  std::chrono::seconds head_timeout{30};      // from the first byte of a head to its last
  std::chrono::seconds idle_timeout{75};      // between requests
  std::chrono::seconds body_timeout{60};      // without a byte read or written
};

// "127.0.0.1:8080", "[::1]:0", "localhost:8080"; ":8080" is every address of IPv4, "8080" this
// machine only.
Result<asio::ip::tcp::endpoint> parse_listen_address(std::string_view text);
// Opens the listening socket. Conflict with who holds the port, where it is in use; port 0 picks a
// free one.
Result<int> listen_on(const asio::ip::tcp::endpoint& endpoint);

// Serves one loop's share of a listening socket. `start` and `stop` on the loop.
class Server {
 public:
  virtual ~Server() = default;
  // Takes a duplicate of `listener` (each loop has its own).
  virtual Result<> start(int listener) = 0;
  // Accepts no more; connections end after the request under way (answered with `connection:
  // close`); those still there after `grace` are closed. Ends when the last is gone.
  virtual Task<> stop(std::chrono::milliseconds grace) = 0;
  virtual std::size_t connections() const = 0;
};

// `handler` and `log` outlive the server.
std::unique_ptr<Server> make_server(Executor loop, Handler& handler, ServerLimits limits, Log& log);

}  // namespace unbolt::http
