// The limit for outgoing requests: the same HTTP client, used without WebAssembly.
//
//   native_fetch AUTHORITY COUNT
#include <boost/asio/co_spawn.hpp>

#include <cstdlib>
#include <string>

#include "bench/measure.h"
#include "unbolt/http/client.h"

using namespace unbolt;

namespace {

Task<Result<>> fetch(http::Client& client, const std::string& authority) {
  http::RequestHead head;
  head.method = "GET";
  head.scheme = "http";
  head.authority = authority;
  head.target = "/";
  auto exchange = client.start(std::move(head), {});
  if (!exchange) co_return std::unexpected(std::move(exchange.error()));
  if (auto sent = (*exchange)->body().finish({}); !sent) co_return sent;
  auto response = co_await (*exchange)->response();
  if (!response) co_return std::unexpected(std::move(response.error()));
  auto& body = *response->body;
  while (body.state() == http::BodyReader::State::Open || !body.available().empty()) {
    if (body.available().empty()) co_await body.wait();
    body.consume(body.available().size());
  }
  if (response->head.status != 200) co_return fail(ErrorCode::ProtocolError, "not 200");
  co_return Result<>{};
}

Task<> fetch_all(http::Client& client, std::string authority, long count) {
  for (; count > 0; --count) {
    if (auto done = co_await fetch(client, authority); !done) bench::give_up(done.error().message);
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) bench::give_up("usage: native_fetch AUTHORITY COUNT");
  asio::io_context io{1};
  const auto client = http::make_client(io.get_executor(), {});
  asio::co_spawn(io, fetch_all(*client, argv[1], std::atol(argv[2])),
                 [&](std::exception_ptr) { io.stop(); });
  io.run();
}
