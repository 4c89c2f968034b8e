// The bytes between us and a broker: TCP, or TLS upon it.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <memory>
#include <optional>
#include <span>

#include "unbolt/base/error.h"
#include "unbolt/base/task.h"
#include "unbolt/mqtt/options.h"

namespace unbolt::mqtt {

// Null without TLS. TLS 1.2 and later; InvalidArgument where a file cannot be used.
Result<std::unique_ptr<asio::ssl::context>> make_tls(const Options& options);

// On one loop, with all its tasks; they keep it alive. One task reads and one writes at a time.
class Stream {
 public:
  explicit Stream(Executor loop) : socket_(loop) {}

  // Resolves the name, connects and shakes hands. Unavailable; Denied where the certificate does
  // not verify.
  Task<Result<>> connect(const Options& options, asio::ssl::context* tls);
  // At least one byte; Unavailable when the peer has gone.
  Task<Result<std::size_t>> read(asio::mutable_buffer into);
  Task<Result<>> write(std::span<const asio::const_buffer> buffers);
  // Ends what connects, reads and writes, with an error.
  void close();

 private:
  using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
  using Resolver = asio::ip::basic_resolver<asio::ip::tcp, Executor>;

  Socket socket_;
  std::optional<Resolver> resolver_;
  std::optional<asio::ssl::stream<Socket&>> tls_;
  bool closed_ = false;
};

}  // namespace unbolt::mqtt
