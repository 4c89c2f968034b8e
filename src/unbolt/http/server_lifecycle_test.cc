// Clients that leave, dawdle or stay too long, and the server's end.
#include <gtest/gtest.h>
#include <boost/asio/detached.hpp>

#include "unbolt/http/testing/test_server.h"

namespace unbolt::http::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

Task<> hello(Request&, ResponseWriter& response) {
  answer_with(response, "hello");
  co_return;
}

// What became of a handler that waits for an hour.
struct Fate {
  bool started = false;
  bool cancelled = false;
  bool ended = false;

  HandlerFunction waits_for_an_hour() {
    return with(
        [](Request&, ResponseWriter&, Fate& fate) -> Task<> {
          fate.started = true;
          try {
            co_await sleep_for(std::chrono::hours(1));
          } catch (const boost::system::system_error& error) {
            fate.cancelled = error.code() == asio::error::operation_aborted;
          }
          fate.ended = true;
        },
        *this);
  }
};

TEST(ServerLifecycle, AClientThatLeavesCancelsTheHandler) {
  Loop loop;
  Fate fate;
  TestServer server(loop, fate.waits_for_an_hour());
  loop.run([](TestServer& server, Fate& fate) -> Task<> {
    for (std::string more : {"", "GET /pipelined HTTP/1.1\r\n"}) {
      fate = {};
      {
        Wire wire = co_await Wire::connect(server.endpoint());
        co_await wire.send(kGet + more);
        EXPECT_TRUE(co_await eventually([&] { return fate.started; }));
        EXPECT_EQ(server->connections(), 1u);
      }
      EXPECT_TRUE(co_await eventually([&] { return server->connections() == 0; }));
      EXPECT_TRUE(fate.cancelled);
      EXPECT_TRUE(fate.ended);
    }
  }(server, fate));
  EXPECT_TRUE(server.log().lines.empty());
}

TEST(ServerLifecycle, AClientThatLeavesInTheMiddleOfItsBody) {
  Loop loop;
  std::optional<ErrorCode> code;
  TestServer server(
      loop, with(
                [](Request& request, ResponseWriter&, std::optional<ErrorCode>& code) -> Task<> {
                  co_await read_all(*request.body);
                  if (request.body->state() == BodyReader::State::Failed)
                    code = request.body->error().code;
                },
                code));
  loop.run([](TestServer& server) -> Task<> {
    {
      Wire wire = co_await Wire::connect(server.endpoint());
      co_await wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhell");
      co_await sleep_for(milliseconds(20));
    }
    EXPECT_TRUE(co_await eventually([&] { return server->connections() == 0; }));
  }(server));
  EXPECT_EQ(code, ErrorCode::ConnectionClosed);
}

TEST(ServerLifecycle, AClientThatLeavesInTheMiddleOfTheResponse) {
  Loop loop;
  std::optional<ErrorCode> code;
  TestServer server(
      loop, with(
                [](Request&, ResponseWriter& response, std::optional<ErrorCode>& code) -> Task<> {
                  auto body = *response.start({200, {}});
                  std::string block(16 * 1024, 'x');
                  for (;;) {
                    auto written = co_await write_all(*body, block);
                    if (!written) {
                      code = written.error().code;
                      EXPECT_FALSE(co_await body->drained());
                      break;
                    }
                  }
                },
                code));
  loop.run([](TestServer& server) -> Task<> {
    for (bool hard : {false, true}) {
      {
        Wire wire = co_await Wire::connect(server.endpoint());
        co_await wire.send(kGet);
        co_await wire.read();
        if (hard) wire.socket().set_option(asio::socket_base::linger(true, 0));
      }
      EXPECT_TRUE(co_await eventually([&] { return server->connections() == 0; }));
    }
  }(server));
}

TEST(ServerLifecycle, AClientThatLeavesInTheMiddleOfTheHead) {
  Loop loop;
  TestServer server(loop, hello);
  loop.run([](TestServer& server) -> Task<> {
    for (std::string bytes : {"", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n"}) {
      {
        Wire wire = co_await Wire::connect(server.endpoint());
        co_await wire.send(bytes);
        EXPECT_TRUE(co_await eventually([&] { return server->connections() == 1; }));
      }
      EXPECT_TRUE(co_await eventually([&] { return server->connections() == 0; }));
    }
  }(server));
}

TEST(ServerLifecycle, AFinishedResponseIsDeliveredToAClientThatClosedItsSide) {
  Loop loop;
  TestServer server(loop, hello);
  loop.run([](TestServer& server) -> Task<> {
    Wire wire = co_await Wire::connect(server.endpoint());
    co_await wire.send(kGet);
    wire.socket().shutdown(Socket::shutdown_send);
    EXPECT_TRUE((co_await wire.rest()).ends_with("hello"));
  }(server));
}

TEST(ServerLifecycle, TimesOut) {
  Loop loop;
  ServerLimits limits;
  limits.head_timeout = limits.idle_timeout = limits.body_timeout = seconds(1);
  TestServer server(
      loop,
      [](Request& request, ResponseWriter& response) -> Task<> {
        std::string text = co_await read_all(*request.body);
        if (request.body->state() == BodyReader::State::End) answer_with(response, text);
      },
      limits);
  std::string idle, head, body, second;
  int left = 4;
  auto exchange = [](TestServer& server, std::string request, std::string& answer,
                     int& left) -> Task<> {
    Wire wire = co_await Wire::connect(server.endpoint());
    co_await wire.send(request);
    answer = without_date(co_await wire.rest());
    --left;
  };
  asio::co_spawn(loop.executor(), exchange(server, "", idle, left), asio::detached);
  asio::co_spawn(loop.executor(), exchange(server, "GET /", head, left), asio::detached);
  asio::co_spawn(
      loop.executor(),
      exchange(server, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhel", body, left),
      asio::detached);
  asio::co_spawn(loop.executor(), exchange(server, kGet, second, left), asio::detached);
  auto begin = std::chrono::steady_clock::now();
  loop.run([](int& left) -> Task<> {
    while (left) co_await sleep_for(milliseconds(10));
  }(left));
  auto took = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(took, milliseconds(950));
  EXPECT_LT(took, milliseconds(3000));
  EXPECT_EQ(idle, "");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 408 Request Timeout\r\n")) << head;
  EXPECT_TRUE(body.starts_with("HTTP/1.1 408 Request Timeout\r\n")) << body;
  EXPECT_EQ(second, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
}

TEST(ServerLifecycle, AReaderThatStopsReadingIsGivenUp) {
  Loop loop;
  ServerLimits limits;
  limits.body_timeout = seconds(1);
  bool ended = false;
  TestServer server(loop,
                    with(
                        [](Request&, ResponseWriter& response, bool& ended) -> Task<> {
                          auto body = *response.start({200, {}});
                          std::string block(16 * 1024, 'x');
                          try {
                            while (co_await write_all(*body, block)) {
                            }
                          } catch (const boost::system::system_error&) {
                          }
                          ended = true;
                        },
                        ended),
                    limits);
  loop.run([](TestServer& server, bool& ended) -> Task<> {
    Wire wire = co_await Wire::connect(server.endpoint());
    co_await wire.send(kGet);
    co_await sleep_for(milliseconds(1500));
    EXPECT_TRUE(co_await eventually([&] { return ended && server->connections() == 0; }));
  }(server, ended));
}

TEST(ServerLifecycle, MoreConnectionsThanTheLimitWait) {
  Loop loop;
  ServerLimits limits;
  limits.max_connections = 2;
  TestServer server(loop, hello, limits);
  loop.run([](TestServer& server) -> Task<> {
    Wire first = co_await Wire::connect(server.endpoint());
    Wire second = co_await Wire::connect(server.endpoint());
    EXPECT_TRUE(co_await eventually([&] { return server->connections() == 2; }));
    Wire third = co_await Wire::connect(server.endpoint());
    co_await third.send(kGet);
    co_await sleep_for(milliseconds(30));
    EXPECT_EQ(server->connections(), 2u);
    first.close();
    EXPECT_TRUE((co_await third.until("hello")).ends_with("hello"));
  }(server));
}

TEST(ServerLifecycle, StopDrains) {
  Loop loop;
  bool go = false;
  TestServer server(loop, with(
                              [](Request& request, ResponseWriter& response, bool& go) -> Task<> {
                                if (request.head.target == "/slow")
                                  co_await eventually([&] { return go; });
                                answer_with(response, "done");
                              },
                              go));
  bool stopped = false;
  loop.run([](TestServer& server, bool& go, bool& stopped, Executor executor) -> Task<> {
    Wire fresh = co_await Wire::connect(server.endpoint());
    Wire idle = co_await Wire::connect(server.endpoint());
    co_await idle.send(kGet);
    co_await idle.until("done");
    Wire busy = co_await Wire::connect(server.endpoint());
    co_await busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(co_await eventually([&] { return server->connections() == 3; }));
    co_await sleep_for(milliseconds(10));

    asio::co_spawn(executor, server->stop(seconds(5)), [&](std::exception_ptr) { stopped = true; });
    EXPECT_EQ(co_await idle.rest(), "");
    EXPECT_EQ(co_await fresh.rest(), "");
    EXPECT_EQ(server->connections(), 1u);
    EXPECT_FALSE(stopped);
    go = true;
    std::string answer = co_await busy.rest();
    EXPECT_TRUE(answer.contains("connection: close\r\n")) << answer;
    EXPECT_TRUE(answer.ends_with("done"));
    EXPECT_TRUE(co_await eventually([&] { return stopped; }));
    boost::system::error_code error;
    Socket late(executor);
    late.connect(server.endpoint(), error);
    EXPECT_EQ(error, asio::error::connection_refused);
  }(server, go, stopped, loop.executor()));
}

TEST(ServerLifecycle, StopGivesUpAfterItsGrace) {
  Loop loop;
  Fate fate;
  TestServer server(loop, fate.waits_for_an_hour());
  loop.run([](TestServer& server, Fate& fate) -> Task<> {
    Wire wire = co_await Wire::connect(server.endpoint());
    Wire half = co_await Wire::connect(server.endpoint());
    co_await wire.send(kGet);
    co_await half.send("GET / HT");
    EXPECT_TRUE(co_await eventually([&] { return fate.started && server->connections() == 2; }));
    co_await sleep_for(milliseconds(10));
    co_await server->stop(milliseconds(30));
    EXPECT_TRUE(fate.cancelled);
    EXPECT_EQ(server->connections(), 0u);
    EXPECT_EQ(co_await wire.rest(), "");
  }(server, fate));
}

TEST(ServerLifecycle, MayBeDestroyedWhileItServes) {
  Loop loop;
  Fate fate;
  TestServer server(loop, fate.waits_for_an_hour());
  loop.run([](TestServer& server, Fate& fate) -> Task<> {
    Wire wire = co_await Wire::connect(server.endpoint());
    Wire idle = co_await Wire::connect(server.endpoint());
    co_await wire.send(kGet);
    EXPECT_TRUE(co_await eventually([&] { return fate.started && server->connections() == 2; }));
    server.destroy();
    EXPECT_EQ(co_await wire.rest(), "");
    EXPECT_EQ(co_await idle.rest(), "");
    EXPECT_TRUE(fate.ended);
  }(server, fate));
}

TEST(ServerLifecycle, TheLoopMayEndBeforeItsConnections) {
  Fate fate;
  auto loop = std::make_unique<Loop>();
  auto server = std::make_unique<TestServer>(*loop, fate.waits_for_an_hour());
  std::optional<Wire> wire;
  loop->run([](TestServer& server, Fate& fate, std::optional<Wire>& wire) -> Task<> {
    wire.emplace(co_await Wire::connect(server.endpoint()));
    co_await wire->send(kGet);
    EXPECT_TRUE(co_await eventually([&] { return fate.started; }));
  }(*server, fate, wire));
  server->destroy();
  wire.reset();
  loop->abandon();
  loop.reset();
  EXPECT_FALSE(fate.ended);
}

TEST(ServerLifecycle, LogsAHandlerThatThrows) {
  Loop loop;
  TestServer server(loop, [](Request&, ResponseWriter&) -> Task<> {
    throw std::runtime_error("a bug");
    co_return;
  });
  server.answer("GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  ASSERT_EQ(server.log().lines.size(), 1u);
  EXPECT_EQ(server.log().lines[0], "GET /x: the handler failed: a bug");
}

}  // namespace
}  // namespace unbolt::http::testing
