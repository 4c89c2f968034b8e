// Requests of the client in one line, and servers that follow a script.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/detached.hpp>

#include <functional>
#include <memory>
#include <string>

#include "unbolt/http/client.h"
#include "unbolt/http/testing/test_server.h"

namespace unbolt::http::testing {

// Listens on loopback and gives each connection to `serve`, with its number (from 1).
class ScriptedServer {
 public:
  using Serve = std::function<Task<>(Wire, int)>;

  ScriptedServer(Loop& loop, Serve serve)
      : loop_(loop),
        serve_(std::move(serve)),
        acceptor_(loop.executor(), tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    asio::co_spawn(loop.executor(), accept(), asio::detached);
  }
  ~ScriptedServer() {
    acceptor_.close();
    loop_.settle();
  }

  std::string authority() const {
    return fmt::format("127.0.0.1:{}", acceptor_.local_endpoint().port());
  }
  int accepted() const { return accepted_; }

 private:
  Task<> accept() {
    for (;;) {
      boost::system::error_code error;
      Socket socket = co_await acceptor_.async_accept(asio::redirect_error(use_task, error));
      if (error) co_return;
      asio::co_spawn(loop_.executor(), serve_(Wire(std::move(socket)), ++accepted_),
                     asio::detached);
    }
  }

  Loop& loop_;
  Serve serve_;
  Acceptor acceptor_;
  int accepted_ = 0;
};

// Every connection gets one answer, then the server closes it.
inline ScriptedServer::Serve answers(std::string bytes) {
  return [bytes](Wire wire, int) -> Task<> {
    return [](Wire wire, std::string bytes) -> Task<> {
      co_await wire.until("\r\n\r\n");
      co_await wire.send(bytes);
      wire.socket().shutdown(Socket::shutdown_send);
      co_await wire.rest();
    }(std::move(wire), bytes);
  };
}

struct Fetched {
  ResponseHead head;
  std::string body;
  Fields trailers;
};

// One whole exchange. The body's failure is the result where it fails.
inline Task<Result<Fetched>> fetch(Client& client, RequestHead head, std::string body = {},
                                   ClientTimeouts timeouts = {}) {
  auto exchange = client.start(std::move(head), timeouts);
  if (!exchange) co_return std::unexpected(exchange.error());
  auto& writer = (*exchange)->body();
  if (auto written = co_await write_all(writer, body); !written)
    co_return std::unexpected(written.error());
  (void)writer.finish({});
  auto response = co_await (*exchange)->response();
  if (!response) co_return std::unexpected(response.error());
  Fetched fetched{response->head, co_await read_all(*response->body), response->body->trailers()};
  if (response->body->state() == BodyReader::State::Failed)
    co_return std::unexpected(response->body->error());
  co_return fetched;
}

inline RequestHead get(std::string authority, std::string target = "/") {
  return {"GET", "http", std::move(authority), std::move(target), {}};
}
inline RequestHead post(std::string authority, std::string target = "/") {
  return {"POST", "http", std::move(authority), std::move(target), {}};
}

}  // namespace unbolt::http::testing
