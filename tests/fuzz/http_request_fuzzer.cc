// Any bytes, in pieces of any size, to a connection of the server; whatever comes back is HTTP, and
// the connection ends.
#include <boost/asio/io_context.hpp>

#include <sys/socket.h>
#include <unistd.h>
#include <algorithm>
#include <cstdlib>
#include <string>

#include "unbolt/http/connection.h"

namespace {

using namespace unbolt;

class Silence final : public Log {
 public:
  bool enabled(LogLevel) const override { return false; }
  void write(LogLevel, std::string_view, std::string_view) override {}
};

// Reads all, part or nothing of the body, and answers with a length or in chunks, as the target's
// length has it.
class Echo final : public http::Handler {
 public:
  Task<> handle(http::Request& request, http::ResponseWriter& response) override {
    std::size_t kind = request.head.target.size();
    auto body = response.start({200, request.head.fields});
    if (!body) co_return;
    while (kind % 3 != 0 && request.body->state() == http::BodyReader::State::Open) {
      co_await request.body->wait();
      auto bytes = request.body->available();
      if (!(*body)->write(bytes.first(std::min(bytes.size(), (*body)->capacity())))) break;
      request.body->consume(kind % 3 == 1 ? bytes.size() : (bytes.size() + 1) / 2);
      if (kind % 2) (*body)->flush();
      if ((*body)->capacity() == 0) co_await (*body)->wait();
    }
    (void)(*body)->finish(request.body->trailers());
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::size_t piece = 1 + data[0] % 64;
  if (data[0] >= 192) piece = size;
  std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);

  static Silence log;
  Echo echo;
  http::ServerLimits limits;
  limits.max_head_bytes = 512;
  limits.max_body_bytes = 2048;
  limits.body_buffer_bytes = 1024;
  asio::io_context io(1);
  http::Ref<http::ServerCore> core(new http::ServerCore(io.get_executor(), echo, limits, log));
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0) std::abort();
  (new http::Connection(core, http::Socket(io.get_executor(), asio::ip::tcp::v4(), ends[0])))
      ->start();

  std::string answer;
  auto read = [&] {
    char buffer[4096];
    for (ssize_t got; (got = ::recv(ends[1], buffer, sizeof buffer, 0)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(got));
  };
  io.poll();
  while (!bytes.empty()) {
    ssize_t sent = ::send(ends[1], bytes.data(), std::min(piece, bytes.size()), MSG_NOSIGNAL);
    if (sent <= 0) break;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
    io.restart();
    io.poll();
    read();
  }
  ::shutdown(ends[1], SHUT_WR);
  for (int turn = 0; core->connections != 0 && turn < 1000; ++turn) {
    io.restart();
    io.poll();
    read();
  }
  read();
  ::close(ends[1]);
  io.restart();
  io.poll();
  if (core->connections != 0) std::abort();
  if (!answer.empty() && !answer.starts_with("HTTP/1.1 ")) std::abort();
  return 0;
}
