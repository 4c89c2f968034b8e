// A connected byte stream: TCP, or TLS upon it.
#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <memory>

#include "unbolt/http/turn_end.h"

namespace unbolt::http {

class Channel;

using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

// Owned by its channel. At most one read and one write at a time; each keeps the channel and ends
// with a call of `on_read` or `on_written`, never from within the call that began it.
class Transport {
 public:
  virtual ~Transport() = default;
  virtual void async_read(asio::mutable_buffer into, Ref<Channel> channel) = 0;
  virtual void async_write(asio::const_buffer from, Ref<Channel> channel) = 0;
  // As much as the system takes without waiting; 0 and no error where that is nothing.
  virtual std::size_t try_write(asio::const_buffer from, boost::system::error_code& error) = 0;
  // What a read would find now.
  enum class Peek : std::uint8_t { Nothing, Bytes, Closed };
  virtual Peek peek() = 0;
  // No more will be sent.
  virtual void shutdown() = 0;
  // What is under way ends with operation_aborted. A reset tells the peer that something is
  // missing.
  enum class How : std::uint8_t { Normal, Reset };
  virtual void close(How how) = 0;
};

// What the system holds for a read from `socket`.
Transport::Peek peek_at(Socket& socket);

std::unique_ptr<Transport> make_tcp_transport(Socket socket);

}  // namespace unbolt::http
