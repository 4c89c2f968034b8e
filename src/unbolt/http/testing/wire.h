// Raw bytes on loopback sockets, for tests that speak HTTP by hand.
#pragma once

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <string>
#include <string_view>

#include "unbolt/http/transport.h"

namespace unbolt::http::testing {

using asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<tcp, Executor>;

class Wire {
 public:
  explicit Wire(Socket socket) : socket_(std::move(socket)) {}

  static Task<Wire> connect(tcp::endpoint to) {
    Socket socket(co_await asio::this_coro::executor);
    co_await socket.async_connect(to, use_task);
    co_return Wire(std::move(socket));
  }

  Task<> send(std::string bytes) {
    co_await asio::async_write(socket_, asio::buffer(bytes), use_task);
  }

  // What comes until the peer closes.
  Task<std::string> rest() {
    while (co_await read()) {
    }
    co_return std::exchange(seen_, {});
  }

  // What comes, up to and with `end`; all there was, where the peer closes before.
  Task<std::string> until(std::string end) {
    while (!seen_.contains(end) && co_await read()) {
    }
    std::size_t at = seen_.find(end);
    at = at == std::string::npos ? seen_.size() : at + end.size();
    std::string found = seen_.substr(0, at);
    seen_.erase(0, at);
    co_return found;
  }

  Task<bool> read() {
    char bytes[65536];
    boost::system::error_code error;
    std::size_t size = co_await socket_.async_read_some(asio::buffer(bytes),
                                                        asio::redirect_error(use_task, error));
    seen_.append(bytes, size);
    co_return !error;
  }

  std::string& seen() { return seen_; }
  Socket& socket() { return socket_; }
  void close() { socket_.close(); }

 private:
  Socket socket_;
  std::string seen_;
};

// Without the line that changes from second to second.
inline std::string without_date(std::string text) {
  for (std::size_t at; (at = text.find("date: ")) != std::string::npos;)
    text.erase(at, text.find("\r\n", at) + 2 - at);
  return text;
}

}  // namespace unbolt::http::testing
