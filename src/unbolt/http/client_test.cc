#include "unbolt/http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unbolt/http/testing/test_client.h"

namespace unbolt::http::testing {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

TEST(ClientWire, Requests) {
  struct Case {
    RequestHead head;
    std::string body;
    std::string wire;
  };
  Loop loop;
  auto seen = std::make_shared<std::string>();
  ScriptedServer recorder(loop, [seen](Wire wire, int) -> Task<> {
    return [](Wire wire, std::shared_ptr<std::string> seen) -> Task<> {
      for (int i = 0; i < 5; ++i) {
        co_await sleep_for(milliseconds(4));
        if (i == 0) co_await wire.read();
      }
      *seen = wire.seen();
      co_await wire.send("HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n");
    }(std::move(wire), seen);
  });
  auto client = make_client(loop.executor(), {});
  std::string a = recorder.authority();
  std::string host = " HTTP/1.1\r\nhost: " + a + "\r\n";
  std::vector<Case> cases{
      {get(a, "/x?y"), "", "GET /x?y" + host + "\r\n"},
      {get(a, ""), "", "GET /" + host + "\r\n"},
      {get(a, "?q"), "", "GET /?q" + host + "\r\n"},
      {{"DELETE",
        "http",
        a,
        "/",
        {{"X-A", " b "}, {"Host", "other"}, {"Connection", "close"}, {"TE", "trailers"}}},
       "",
       "DELETE /" + host + "X-A: b\r\n\r\n"},
      {post(a), "", "POST /" + host + "content-length: 0\r\n\r\n"},
      {post(a), "hello", "POST /" + host + "content-length: 5\r\n\r\nhello"},
      {{"PUT", "http", a, "/", {{"Content-Length", "5"}}},
       "hello",
       "PUT /" + host + "content-length: 5\r\n\r\nhello"},
      {{"OPTIONS", "HTTP", a, "*", {}}, "", "OPTIONS *" + host + "\r\n"},
  };
  for (const Case& test : cases) {
    loop.run([](Client& client, const Case& test, std::string& seen) -> Task<> {
      seen.clear();
      auto fetched = co_await fetch(client, test.head, test.body);
      EXPECT_TRUE(fetched) << fetched.error().message;
      EXPECT_EQ(seen, test.wire);
    }(*client, test, *seen));
  }
}

TEST(ClientWire, Responses) {
  struct Case {
    std::string bytes;
    std::string body;
    std::optional<ErrorCode> code;
  };
  std::string ok = "HTTP/1.1 200 OK\r\n";
  for (const Case& test : std::vector<Case>{
           {ok + "Content-Length: 5\r\n\r\nhello", "hello", {}},
           {ok + "Content-Length: 0\r\n\r\n", "", {}},
           {ok + "\r\nuntil the end", "until the end", {}},
           {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX-T: 1\r\n\r\n",
            "hello[X-T=1]",
            {}},
           {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + ok +
                "Content-Length: 2\r\n\r\nok",
            "ok",
            {}},
           {"HTTP/1.0 200 OK\r\n\r\nold", "old", {}},
           {"HTTP/1.1 204 No Content\r\n\r\n", "", {}},
           {"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "", {}},
           {ok + "Content-Length: 5\r\n\r\nhel", "", ErrorCode::ConnectionClosed},
           {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n", "", ErrorCode::ConnectionClosed},
           {ok + "Transfer-Encoding: chunked\r\n\r\nx\r\n", "", ErrorCode::ProtocolError},
           {ok + "Transfer-Encoding: gzip\r\n\r\n", "", ErrorCode::ProtocolError},
           {ok + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "",
            ErrorCode::ProtocolError},
           {"HTTP/1.1 101 Switching Protocols\r\n\r\n", "", ErrorCode::ProtocolError},
           {"220 smtp.example.org ESMTP\r\n", "", ErrorCode::ProtocolError},
           {ok + "X: " + std::string(70'000, 'x') + "\r\n\r\n", "", ErrorCode::LimitExceeded},
           {ok + "X: y\r\n", "", ErrorCode::ConnectionClosed},
           {"", "", ErrorCode::ConnectionClosed}}) {
    Loop loop;
    ScriptedServer server(loop, answers(test.bytes));
    auto client = make_client(loop.executor(), {});
    loop.run([](Client& client, ScriptedServer& server, const Case& test) -> Task<> {
      auto fetched = co_await fetch(client, get(server.authority()));
      if (test.code) {
        EXPECT_FALSE(fetched) << test.bytes;
        if (!fetched)
          EXPECT_EQ(to_string(fetched.error().code), to_string(*test.code))
              << test.bytes.substr(0, 100) << fetched.error().message;
      } else {
        EXPECT_TRUE(fetched) << test.bytes << fetched.error().message;
        std::string text = fetched->body;
        for (const Field& field : fetched->trailers)
          text += fmt::format("[{}={}]", field.name, field.value);
        EXPECT_EQ(text, test.body);
      }
      EXPECT_EQ(server.accepted(), 1);
    }(*client, server, test));
  }
}

TEST(ClientErrors, BadRequests) {
  Loop loop;
  auto client = make_client(loop.executor(), {});
  for (const RequestHead& head :
       std::vector<RequestHead>{{"GET", "ftp", "a", "/", {}},
                                {"GET", "http", "", "/", {}},
                                {"GET", "http", "a b", "/", {}},
                                {"GET", "http", ":80", "/", {}},
                                {"G T", "http", "a", "/", {}},
                                {"GET", "http", "a", "x", {}},
                                {"GET", "http", "a", "/a b", {}},
                                {"GET", "http", "a", "/\r\nX: y", {}},
                                {"GET", "http", "a", "/", {{"a b", "c"}}},
                                {"GET", "http", "a", "/", {{"a", "b\r\nc: d"}}},
                                {"GET", "http", "a", "/", {{"content-length", "x"}}}}) {
    auto exchange = client->start(head, {});
    ASSERT_FALSE(exchange) << head.method << head.authority << head.target;
    EXPECT_EQ(exchange.error().code, ErrorCode::InvalidArgument);
  }
}

TEST(ClientErrors, NoSuchNameAndNobodyThere) {
  Loop loop;
  auto client = make_client(loop.executor(), {});
  std::string nobody;
  {
    ScriptedServer server(loop, answers(""));
    nobody = server.authority();
  }
  loop.run([](Client& client, std::string nobody) -> Task<> {
    auto refused = co_await fetch(client, get(nobody));
    EXPECT_EQ(refused.error().code, ErrorCode::Unavailable) << refused.error().message;
    auto unknown = co_await fetch(client, get("no-such-name.invalid"));
    EXPECT_TRUE(unknown.error().code == ErrorCode::NotFound ||
                unknown.error().code == ErrorCode::Unavailable)
        << unknown.error().message;
  }(*client, nobody));
}

TEST(ClientErrors, TimesOut) {
  Loop loop;
  ScriptedServer silent(loop, [](Wire wire, int) -> Task<> { co_await wire.rest(); });
  ScriptedServer slow(loop, [](Wire wire, int) -> Task<> {
    co_await wire.until("\r\n\r\n");
    co_await wire.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
    co_await wire.rest();
  });
  auto client = make_client(loop.executor(), {});
  ClientTimeouts timeouts{.first_byte = milliseconds(50), .between_bytes = milliseconds(50)};
  loop.run([](Client& client, ScriptedServer& silent, ScriptedServer& slow,
              ClientTimeouts timeouts) -> Task<> {
    auto begin = std::chrono::steady_clock::now();
    auto first = co_await fetch(client, get(silent.authority()), "", timeouts);
    EXPECT_EQ(first.error().code, ErrorCode::Timeout) << first.error().message;
    auto between = co_await fetch(client, get(slow.authority()), "", timeouts);
    EXPECT_EQ(between.error().code, ErrorCode::Timeout) << between.error().message;
    // Nothing answers in the block of addresses for documentation; where it is refused at once,
    // that is an answer too.
    timeouts.connect = milliseconds(50);
    auto connect = co_await fetch(client, get("192.0.2.1:9"), "", timeouts);
    EXPECT_TRUE(connect.error().code == ErrorCode::Timeout ||
                connect.error().code == ErrorCode::Unavailable)
        << connect.error().message;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(2));
  }(*client, silent, slow, timeouts));
}

Task<> echo(Request& request, ResponseWriter& response) {
  auto body = *response.start({200, {}});
  while (request.body->state() == BodyReader::State::Open) {
    co_await request.body->wait();
    auto bytes = request.body->available();
    if (!co_await write_all(*body, as_text(bytes))) co_return;
    request.body->consume(bytes.size());
    body->flush();
  }
  Fields trailers = request.body->trailers();
  EXPECT_TRUE(body->finish(std::move(trailers)));
}

TEST(ClientStreaming, BothDirectionsAtOnce) {
  Loop loop;
  TestServer server(loop, echo);
  auto client = make_client(loop.executor(), {});
  loop.run([](Client& client, TestServer& server) -> Task<> {
    auto exchange = *client.start(post(server.authority()), {});
    EXPECT_TRUE(exchange->body().write(as_bytes("one")));
    exchange->body().flush();
    auto response = co_await exchange->response();
    EXPECT_TRUE(response) << response.error().message;
    co_await response->body->wait();
    EXPECT_EQ(as_text(response->body->available()), "one");
    response->body->consume(3);
    EXPECT_TRUE(exchange->body().write(as_bytes("two")));
    EXPECT_TRUE(exchange->body().finish({{"x-sum", "6"}}));
    EXPECT_EQ(co_await read_all(*response->body), "two");
    EXPECT_EQ(response->body->trailers().size(), 1u);
  }(*client, server));
}

// More than every buffer on the way.
std::string large_text() {
  std::string text;
  while (text.size() < 20'000'000) text += "a line of a large text, ";
  return text;
}

TEST(ClientStreaming, ALargeBodyThroughSmallBuffers) {
  Loop loop;
  TestServer server(loop, echo);
  auto client = make_client(loop.executor(), {});
  loop.run([](Client& client, TestServer& server, Executor executor) -> Task<> {
    std::string text = large_text();
    auto exchange = *client.start(post(server.authority()), {});
    bool written = false;
    asio::co_spawn(
        executor,
        [](BodyWriter& body, const std::string& text) -> Task<> {
          EXPECT_TRUE(co_await write_all(body, text));
          EXPECT_TRUE(body.finish({}));
          EXPECT_TRUE(co_await body.drained());
        }(exchange->body(), text),
        [&](std::exception_ptr) { written = true; });
    auto response = co_await exchange->response();
    EXPECT_TRUE(response) << response.error().message;
    EXPECT_TRUE(co_await read_all(*response->body) == text);
    EXPECT_TRUE(co_await eventually([&] { return written; }));
  }(*client, server, loop.executor()));
}

TEST(ClientStreaming, ASlowReaderHoldsTheServerBack) {
  Loop loop;
  std::size_t written = 0;
  TestServer server(loop,
                    with(
                        [](Request&, ResponseWriter& response, std::size_t& written) -> Task<> {
                          auto body = *response.start({200, {}});
                          std::string block(16 * 1024, 'x');
                          for (; written < 32 * 1024 * 1024; written += block.size()) {
                            if (!co_await write_all(*body, block)) co_return;
                          }
                          (void)body->finish({});
                        },
                        written));
  auto client = make_client(loop.executor(), {});
  loop.run([](Client& client, TestServer& server, std::size_t& written) -> Task<> {
    auto exchange = *client.start(get(server.authority()), {});
    EXPECT_TRUE(exchange->body().finish({}));
    auto response = co_await exchange->response();
    co_await response->body->wait();
    co_await sleep_for(milliseconds(50));
    std::size_t stuck = written;
    EXPECT_LT(stuck, 32u * 1024 * 1024);
    co_await sleep_for(milliseconds(50));
    EXPECT_EQ(written, stuck);
    exchange.reset();
    EXPECT_EQ((co_await read_all(*response->body)).size(), 32u * 1024 * 1024);
  }(*client, server, written));
}

TEST(ClientDrop, AtAnyTimeIsSafe) {
  Loop loop;
  int ended = 0;
  TestServer server(loop, with(
                              [](Request& request, ResponseWriter& response, int& ended) -> Task<> {
                                try {
                                  co_await echo(request, response);
                                } catch (const boost::system::system_error&) {
                                }
                                ++ended;
                              },
                              ended));
  auto client = make_client(loop.executor(), {});
  loop.run([](Client& client, TestServer& server) -> Task<> {
    for (int step = 0; step < 6; ++step) {
      auto exchange = *client.start(post(server.authority()), {});
      if (step == 0) continue;
      EXPECT_TRUE(exchange->body().write(as_bytes("one")));
      exchange->body().flush();
      co_await sleep_for(milliseconds(step == 1 ? 0 : 5));
      if (step <= 2) continue;
      auto response = co_await exchange->response();
      EXPECT_TRUE(response) << response.error().message;
      if (step == 3) exchange.reset();
      if (step == 4) response->body.reset();
      if (step == 5) co_await response->body->wait();
    }
    EXPECT_TRUE(co_await eventually([&] { return server->connections() == 0; }));
  }(*client, server));
}

TEST(ClientDrop, AWaitForTheResponseEnds) {
  Loop loop;
  ScriptedServer silent(loop, [](Wire wire, int) -> Task<> { co_await wire.rest(); });
  auto client = make_client(loop.executor(), {});
  loop.run([](Client& client, ScriptedServer& silent, Executor executor) -> Task<> {
    auto exchange = *client.start(get(silent.authority()), {});
    EXPECT_TRUE(exchange->body().finish({}));
    std::optional<ErrorCode> code;
    asio::co_spawn(
        executor,
        [](Task<Result<ClientResponse>> response, std::optional<ErrorCode>& code) -> Task<> {
          code = (co_await std::move(response)).error().code;
        }(exchange->response(), code),
        asio::detached);
    co_await sleep_for(milliseconds(10));
    EXPECT_FALSE(code);
    exchange.reset();
    EXPECT_TRUE(co_await eventually([&] { return code == ErrorCode::Cancelled; }));
  }(*client, silent, loop.executor()));
}

TEST(ClientDrop, WaitsOfBothBodiesEnd) {
  Loop loop;
  ScriptedServer server(loop, [](Wire wire, int) -> Task<> {
    co_await wire.until("\r\n\r\n");
    co_await wire.send("HTTP/1.1 200 OK\r\n\r\n");
    co_await sleep_for(milliseconds(200));
  });
  auto client = make_client(loop.executor(), {});
  loop.run([](Client& client, ScriptedServer& server, Executor executor) -> Task<> {
    auto exchange = *client.start(post(server.authority()), {});
    exchange->body().flush();
    auto response = co_await exchange->response();
    EXPECT_TRUE(response);
    int ended = 0;
    auto end = [&ended](std::exception_ptr) { ++ended; };
    asio::co_spawn(
        executor,
        [](BodyWriter& body) -> Task<> {
          std::string text = large_text();
          EXPECT_FALSE(co_await write_all(body, text));
        }(exchange->body()),
        end);
    asio::co_spawn(executor, response->body->wait(), end);
    co_await sleep_for(milliseconds(10));
    EXPECT_EQ(ended, 0);
    response->body.reset();
    EXPECT_TRUE(co_await eventually([&] { return ended == 2; }));
  }(*client, server, loop.executor()));
}

TEST(ClientDrop, AClientMayGoBeforeItsExchanges) {
  Loop loop;
  TestServer server(loop, echo);
  auto client = make_client(loop.executor(), {});
  loop.run([](std::unique_ptr<Client>& client, TestServer& server) -> Task<> {
    auto exchange = *client->start(post(server.authority()), {});
    client.reset();
    EXPECT_TRUE(exchange->body().write(as_bytes("one")));
    EXPECT_TRUE(exchange->body().finish({}));
    auto response = co_await exchange->response();
    EXPECT_TRUE(response) << response.error().message;
    EXPECT_EQ(co_await read_all(*response->body), "one");
    EXPECT_TRUE(co_await eventually([&] { return server->connections() == 0; }));
  }(client, server));
}

}  // namespace
}  // namespace unbolt::http::testing
