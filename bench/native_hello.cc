// The limit for serving hello: the same HTTP server, answering without WebAssembly.
//
//   native_hello [HOST:PORT]
#include <sys/socket.h>

#include <cstdio>

#include "bench/measure.h"
#include "unbolt/http/server.h"

using namespace unbolt;

namespace {

struct Hello final : http::Handler {
  Task<> handle(http::Request&, http::ResponseWriter& response) override {
    if (auto body = response.start({200, {}})) {
      (void)(*body)->write(as_bytes("hello\n"));
      (void)(*body)->finish({});
    }
    co_return;
  }
};

}  // namespace

int main(int argc, char** argv) {
  const auto address = bench::need(http::parse_listen_address(argc > 1 ? argv[1] : "127.0.0.1:0"));
  const int listener = bench::need(http::listen_on(address));
  asio::io_context io{1};
  Hello hello;
  const auto server = http::make_server(io.get_executor(), hello, {}, stderr_log());
  if (auto started = server->start(listener); !started) bench::give_up(started.error().message);
  asio::ip::tcp::endpoint bound;
  socklen_t size = static_cast<socklen_t>(bound.capacity());
  ::getsockname(listener, bound.data(), &size);
  std::printf("listening on http://127.0.0.1:%u\n", bound.port());
  std::fflush(stdout);
  io.run();
}
