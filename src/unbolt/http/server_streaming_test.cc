// Bodies that are larger than every buffer, or slower than their reader.
#include <gtest/gtest.h>

#include "unbolt/http/testing/test_server.h"

namespace unbolt::http::testing {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kTotal = 32 * 1024 * 1024;

ServerLimits small_buffers() {
  ServerLimits limits;
  limits.body_buffer_bytes = 8 * 1024;
  return limits;
}

TEST(ServerStreaming, ASlowReaderHoldsTheWriterBack) {
  Loop loop;
  std::size_t written = 0;
  bool full = false;
  TestServer server(
      loop,
      with(
          [](Request&, ResponseWriter& response, std::size_t& written, bool& full) -> Task<> {
            auto body = *response.start({200, {}});
            std::string block(8 * 1024, 'x');
            while (written < kTotal) {
              std::size_t size = std::min({body->capacity(), block.size(), kTotal - written});
              if (size == 0) {
                full = true;
                co_await body->wait();
                continue;
              }
              EXPECT_LE(size, 8 * 1024u);
              EXPECT_TRUE(body->write(as_bytes(block).first(size)));
              written += size;
            }
            EXPECT_TRUE(body->finish({}));
          },
          written, full),
      small_buffers());
  loop.run([](TestServer& server, std::size_t& written, bool& full) -> Task<> {
    Wire wire = co_await Wire::connect(server.endpoint());
    co_await wire.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(co_await eventually([&] { return full; }));
    co_await sleep_for(milliseconds(50));
    std::size_t stuck = written;
    EXPECT_LT(stuck, kTotal);
    co_await sleep_for(milliseconds(50));
    EXPECT_EQ(written, stuck);
    std::string all = co_await wire.rest();
    EXPECT_GT(all.size(), kTotal);
    EXPECT_TRUE(all.ends_with("\r\n0\r\n\r\n"));
    EXPECT_EQ(static_cast<std::size_t>(std::ranges::count(all, 'x')), kTotal);
  }(server, written, full));
}

TEST(ServerStreaming, ASlowHandlerHoldsTheSenderBack) {
  Loop loop;
  bool go = false;
  std::size_t received = 0;
  TestServer server(loop,
                    with(
                        [](Request& request, ResponseWriter& response, bool& go,
                           std::size_t& received) -> Task<> {
                          co_await eventually([&] { return go; });
                          while (request.body->state() == BodyReader::State::Open) {
                            EXPECT_LE(request.body->available().size(), 16 * 1024u);
                            received += request.body->available().size();
                            request.body->consume(request.body->available().size());
                            co_await request.body->wait();
                          }
                          answer_with(response, std::to_string(received));
                        },
                        go, received),
                    small_buffers());
  std::size_t sent = 0;
  loop.run([](TestServer& server, std::size_t& sent, bool& go, Executor executor) -> Task<> {
    Wire wire = co_await Wire::connect(server.endpoint());
    co_await wire.send(fmt::format(
        "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", kTotal));
    bool done = false;
    asio::co_spawn(
        executor,
        [](Wire& wire, std::size_t& sent) -> Task<> {
          std::string block(64 * 1024, 'x');
          for (; sent < kTotal; sent += block.size()) co_await wire.send(block);
        }(wire, sent),
        [&](std::exception_ptr) { done = true; });
    co_await sleep_for(milliseconds(100));
    std::size_t stuck = sent;
    EXPECT_LT(stuck, kTotal);
    co_await sleep_for(milliseconds(50));
    EXPECT_EQ(sent, stuck);
    go = true;
    std::string answer = co_await wire.rest();
    EXPECT_TRUE(answer.ends_with(std::to_string(kTotal))) << answer;
    EXPECT_TRUE(done);
  }(server, sent, go, loop.executor()));
}

TEST(ServerStreaming, EchoesWhileBothDirectionsRun) {
  Loop loop;
  TestServer server(loop, [](Request& request, ResponseWriter& response) -> Task<> {
    auto body = *response.start({200, {}});
    while (request.body->state() == BodyReader::State::Open) {
      co_await request.body->wait();
      auto bytes = request.body->available();
      EXPECT_TRUE(co_await write_all(*body, as_text(bytes)));
      request.body->consume(bytes.size());
      body->flush();
    }
    EXPECT_TRUE(body->finish({}));
  });
  loop.run([](TestServer& server) -> Task<> {
    Wire wire = co_await Wire::connect(server.endpoint());
    co_await wire.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    co_await wire.send("3\r\none\r\n");
    EXPECT_TRUE((co_await wire.until("\r\none\r\n")).ends_with("\r\n\r\n3\r\none\r\n"));
    co_await wire.send("3\r\ntw");
    EXPECT_EQ(co_await wire.until("\r\ntw\r\n"), "2\r\ntw\r\n");
    co_await wire.send("o\r\n0\r\n\r\n");
    EXPECT_EQ(co_await wire.until("0\r\n\r\n"), "1\r\no\r\n0\r\n\r\n");
  }(server));
}

TEST(ServerStreaming, AFlushBeforeTheEndInOneTurnStillGetsALength) {
  Loop loop;
  TestServer server(loop, [](Request&, ResponseWriter& response) -> Task<> {
    auto body = *response.start({200, {}});
    body->flush();
    EXPECT_TRUE(body->write(as_bytes("one")));
    body->flush();
    EXPECT_TRUE(body->finish({}));
    co_return;
  });
  EXPECT_EQ(server.answer("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 3\r\n\r\none");
}

TEST(ServerStreaming, AFlushIsSentWhenTheHandlerRests) {
  Loop loop;
  bool go = false;
  TestServer server(loop, with(
                              [](Request&, ResponseWriter& response, bool& go) -> Task<> {
                                co_await sleep_for(milliseconds(1));
                                auto body = *response.start({200, {}});
                                EXPECT_TRUE(body->write(as_bytes("one")));
                                body->flush();
                                co_await eventually([&] { return go; });
                                EXPECT_TRUE(body->finish({}));
                              },
                              go));
  loop.run([](TestServer& server, bool& go) -> Task<> {
    Wire wire = co_await Wire::connect(server.endpoint());
    co_await wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE((co_await wire.until("one\r\n"))
                    .ends_with("transfer-encoding: chunked\r\n\r\n3\r\none\r\n"));
    go = true;
    EXPECT_EQ(co_await wire.until("0\r\n\r\n"), "0\r\n\r\n");
  }(server, go));
}

TEST(ServerStreaming, AnEarlierResponseDoesNotWaitForALaterRequest) {
  Loop loop;
  bool go = false;
  TestServer server(loop, with(
                              [](Request& request, ResponseWriter& response, bool& go) -> Task<> {
                                if (request.head.target == "/slow")
                                  co_await eventually([&] { return go; });
                                answer_with(response, request.head.target);
                              },
                              go));
  loop.run([](TestServer& server, bool& go) -> Task<> {
    Wire wire = co_await Wire::connect(server.endpoint());
    co_await wire.send(
        "GET /first HTTP/1.1\r\nHost: a\r\n\r\nGET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /slow "
        "HTTP/1.1\r\nHost: a\r\n\r\n");
    co_await wire.until("/first");
    EXPECT_TRUE(wire.seen().empty());
    go = true;
    co_await wire.until("/slow");
    co_await wire.until("/slow");
  }(server, go));
}

TEST(ServerStreaming, ContinuesWhenTheBodyIsWanted) {
  Loop loop;
  TestServer server(loop, [](Request& request, ResponseWriter& response) -> Task<> {
    answer_with(response, co_await read_all(*request.body));
  });
  loop.run([](TestServer& server) -> Task<> {
    Wire wire = co_await Wire::connect(server.endpoint());
    for (int i = 0; i < 2; ++i) {
      co_await wire.send(
          "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
      EXPECT_EQ(co_await wire.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
      co_await wire.send("hello");
      EXPECT_EQ(without_date(co_await wire.until("hello")),
                "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    }
  }(server));
}

TEST(ServerStreaming, ContinuesInFrontOfAResponseThatWasStarted) {
  Loop loop;
  TestServer server(loop, [](Request& request, ResponseWriter& response) -> Task<> {
    auto body = *response.start({200, {}});
    EXPECT_TRUE(co_await write_all(*body, co_await read_all(*request.body)));
    EXPECT_TRUE(body->finish({}));
  });
  loop.run([](TestServer& server) -> Task<> {
    Wire wire = co_await Wire::connect(server.endpoint());
    co_await wire.send(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    EXPECT_EQ(co_await wire.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    EXPECT_EQ(without_date(co_await wire.until("\r\n\r\n")),
              "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n");
    co_await wire.send("hello");
    EXPECT_EQ(co_await wire.rest(), "5\r\nhello\r\n0\r\n\r\n");
  }(server));
}

TEST(ServerStreaming, DoesNotAskForABodyThatIsThere) {
  Loop loop;
  TestServer server(loop, [](Request& request, ResponseWriter& response) -> Task<> {
    answer_with(response, co_await read_all(*request.body));
  });
  EXPECT_EQ(server.answer("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: "
                          "5\r\nExpect: 100-continue\r\n\r\nhello"),
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello");
}

TEST(ServerStreaming, DrainedSaysThatAllWasGivenToTheSystem) {
  Loop loop;
  bool drained = false;
  TestServer server(loop,
                    with(
                        [](Request&, ResponseWriter& response, bool& drained) -> Task<> {
                          auto body = *response.start({200, {}});
                          std::string block(8 * 1024, 'x');
                          for (int i = 0; i < 1000; ++i) {
                            EXPECT_TRUE(co_await write_all(*body, block));
                            if (i % 100 == 0) EXPECT_TRUE(co_await body->drained());
                          }
                          EXPECT_TRUE(body->finish({}));
                          EXPECT_TRUE(co_await body->drained());
                          drained = true;
                        },
                        drained),
                    small_buffers());
  EXPECT_GT(server.answer("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").size(),
            8'000'000u);
  EXPECT_TRUE(drained);
}

TEST(ServerStreaming, AbortBreaksTheBody) {
  Loop loop;
  TestServer server(loop, [](Request& request, ResponseWriter& response) -> Task<> {
    auto body = *response.start({200, {}});
    EXPECT_TRUE(body->write(as_bytes("part")));
    if (request.head.target == "/late") (void)co_await body->drained();
    body->abort();
    EXPECT_EQ(body->write(as_bytes("x")).error().code, ErrorCode::ConnectionClosed);
    EXPECT_FALSE(body->finish({}));
    co_return;
  });
  for (const char* path : {"/", "/late"}) {
    EXPECT_EQ(server.answer(fmt::format("GET {} HTTP/1.1\r\nHost: a\r\n\r\n", path)),
              "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\npart\r\n");
  }
  // Where only the connection's end would end the body, a reset tells the difference.
  loop.run([](TestServer& server) -> Task<> {
    Wire wire = co_await Wire::connect(server.endpoint());
    co_await wire.send("GET /late HTTP/1.0\r\n\r\n");
    co_await wire.until("part");
    boost::system::error_code error;
    char byte;
    co_await wire.socket().async_read_some(asio::buffer(&byte, 1),
                                           asio::redirect_error(use_task, error));
    EXPECT_EQ(error, asio::error::connection_reset);
  }(server));
}

TEST(ServerStreaming, WriterRefusesMoreThanItTakes) {
  Loop loop;
  TestServer server(
      loop,
      [](Request&, ResponseWriter& response) -> Task<> {
        auto body = *response.start({200, {}});
        EXPECT_EQ(body->write(as_bytes(std::string(9 * 1024, 'x'))).error().code,
                  ErrorCode::LimitExceeded);
        EXPECT_TRUE(body->finish({}));
        EXPECT_EQ(body->write(as_bytes("x")).error().code, ErrorCode::InvalidArgument);
        EXPECT_NE(body->capacity(), 0u);
        co_return;
      },
      small_buffers());
  EXPECT_TRUE(server.answer("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                  .ends_with("content-length: 0\r\n\r\n"));
}

}  // namespace
}  // namespace unbolt::http::testing
