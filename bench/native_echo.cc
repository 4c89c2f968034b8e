// A TCP echo on Asio without WebAssembly: what the echo through a guest is compared with.
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <cstdio>
#include <vector>

#include "unbolt/base/task.h"

namespace {

using unbolt::Executor;
using unbolt::Task;
using unbolt::use_task;
namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Socket = asio::basic_stream_socket<Tcp, Executor>;

Task<> echo(Socket socket) {
  socket.set_option(Tcp::no_delay(true));
  std::vector<char> buffer(64 * 1024);
  boost::system::error_code error;
  while (!error) {
    const auto size = co_await socket.async_read_some(asio::buffer(buffer),
                                                      asio::redirect_error(use_task, error));
    if (error) break;
    co_await asio::async_write(socket, asio::buffer(buffer, size),
                               asio::redirect_error(use_task, error));
  }
}

Task<> serve(asio::basic_socket_acceptor<Tcp, Executor>& acceptor) {
  for (;;) {
    Socket socket = co_await acceptor.async_accept(use_task);
    const auto loop = socket.get_executor();
    asio::co_spawn(loop, echo(std::move(socket)), asio::detached);
  }
}

}  // namespace

int main() {
  asio::io_context io(1);
  asio::basic_socket_acceptor<Tcp, Executor> acceptor(
      io.get_executor(), Tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  std::printf("listening on 127.0.0.1:%u\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  asio::co_spawn(io, serve(acceptor), asio::detached);
  io.run();
}
