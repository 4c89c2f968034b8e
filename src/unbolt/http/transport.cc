#include "unbolt/http/transport.h"

#include <sys/socket.h>

#include "unbolt/http/channel.h"

namespace unbolt::http {
namespace {

class TcpTransport final : public Transport {
 public:
  explicit TcpTransport(Socket socket) : socket_(std::move(socket)) {
    boost::system::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  }

  void async_read(asio::mutable_buffer into, Ref<Channel> channel) override {
    socket_.async_read_some(
        into, [channel = std::move(channel)](boost::system::error_code error, std::size_t size) {
          channel->on_read(error, size);
        });
  }

  void async_write(asio::const_buffer from, Ref<Channel> channel) override {
    socket_.async_write_some(
        from, [channel = std::move(channel)](boost::system::error_code error, std::size_t size) {
          channel->on_written(error, size);
        });
  }

  std::size_t try_write(asio::const_buffer from, boost::system::error_code& error) override {
    ssize_t sent =
        ::send(socket_.native_handle(), from.data(), from.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno != EAGAIN && errno != EINTR) error.assign(errno, boost::system::system_category());
    return 0;
  }

  Peek peek() override { return peek_at(socket_); }

  void shutdown() override {
    boost::system::error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }

  void close(How how) override {
    boost::system::error_code ignored;
    if (how == How::Reset) socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
  }

 private:
  Socket socket_;
};

}  // namespace

Transport::Peek peek_at(Socket& socket) {
  char byte;
  ssize_t size = ::recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  if (size > 0) return Transport::Peek::Bytes;
  return size < 0 && errno == EAGAIN ? Transport::Peek::Nothing : Transport::Peek::Closed;
}

std::unique_ptr<Transport> make_tcp_transport(Socket socket) {
  return std::make_unique<TcpTransport>(std::move(socket));
}

}  // namespace unbolt::http
