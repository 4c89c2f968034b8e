// A server on a free loopback port whose handler is a function.
#pragma once

#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "unbolt/http/server.h"
#include "unbolt/http/testing/loop.h"
#include "unbolt/http/testing/wire.h"

namespace unbolt::http::testing {

using HandlerFunction = std::function<Task<>(Request&, ResponseWriter&)>;

// A coroutine without captures as a handler that works on `state`, which outlives it.
template <class Serve, class... State>
HandlerFunction with(Serve serve, State&... state) {
  return [serve, &state...](Request& request, ResponseWriter& response) {
    return serve(request, response, state...);
  };
}

class FunctionHandler final : public Handler {
 public:
  explicit FunctionHandler(HandlerFunction function) : function_(std::move(function)) {}
  Task<> handle(Request& request, ResponseWriter& response) override {
    return function_(request, response);
  }

 private:
  HandlerFunction function_;
};

class MemoryLog final : public Log {
 public:
  bool enabled(LogLevel) const override { return true; }
  void write(LogLevel, std::string_view, std::string_view message) override {
    lines.emplace_back(message);
  }
  std::vector<std::string> lines;
};

class TestServer {
 public:
  TestServer(Loop& loop, HandlerFunction function, ServerLimits limits = {})
      : loop_(loop),
        handler_(std::move(function)),
        server_(make_server(loop.executor(), handler_, limits, log_)) {
    auto fd = listen_on(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    EXPECT_TRUE(fd) << fd.error().message;
    socklen_t size = static_cast<socklen_t>(endpoint_.capacity());
    ::getsockname(*fd, endpoint_.data(), &size);
    EXPECT_TRUE(server_->start(*fd));
    ::close(*fd);
  }
  ~TestServer() {
    if (server_) loop_.run(server_->stop(std::chrono::milliseconds(0)));
  }

  tcp::endpoint endpoint() const { return endpoint_; }
  std::string authority() const { return fmt::format("127.0.0.1:{}", endpoint_.port()); }
  Server& operator*() { return *server_; }
  Server* operator->() { return server_.get(); }
  MemoryLog& log() { return log_; }
  void destroy() { server_.reset(); }

  // All that comes back for `request`, until the server closes; without the date.
  std::string answer(std::string request) {
    std::string answer;
    loop_.run(exchange(endpoint_, std::move(request), answer));
    return without_date(answer);
  }

 private:
  static Task<> exchange(tcp::endpoint endpoint, std::string request, std::string& answer) {
    Wire wire = co_await Wire::connect(endpoint);
    co_await wire.send(std::move(request));
    answer = co_await wire.rest();
  }

  Loop& loop_;
  MemoryLog log_;
  FunctionHandler handler_;
  tcp::endpoint endpoint_;
  std::unique_ptr<Server> server_;
};

// The whole body, consumed.
inline Task<std::string> read_all(BodyReader& body) {
  std::string text;
  while (true) {
    text += as_text(body.available());
    body.consume(body.available().size());
    if (body.state() != BodyReader::State::Open) co_return text;
    co_await body.wait();
  }
}

// All of `bytes`, as the writer takes them.
inline Task<Result<>> write_all(BodyWriter& body, std::string_view bytes) {
  while (!bytes.empty()) {
    if (body.capacity() == 0) co_await body.wait();
    std::size_t size = std::min(bytes.size(), body.capacity());
    if (auto written = body.write(as_bytes(bytes.substr(0, size))); !written) co_return written;
    bytes.remove_prefix(size);
  }
  co_return Result<>{};
}

inline void answer_with(ResponseWriter& response, std::string_view text, Fields fields = {}) {
  auto body = response.start({200, std::move(fields)});
  ASSERT_TRUE(body) << body.error().message;
  ASSERT_TRUE((*body)->write(as_bytes(text)));
  ASSERT_TRUE((*body)->finish({}));
}

}  // namespace unbolt::http::testing
