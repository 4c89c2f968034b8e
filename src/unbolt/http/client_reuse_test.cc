#include <gtest/gtest.h>

#include "unbolt/http/testing/test_client.h"

namespace unbolt::http::testing {
namespace {

using std::chrono::milliseconds;

const std::string kOk = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

// Answers every request of a connection, `limit` of them; then closes it when the next one has
// come.
ScriptedServer::Serve answers_some(int limit) {
  return [limit](Wire wire, int) -> Task<> {
    return [](Wire wire, int limit) -> Task<> {
      for (int i = 0; (co_await wire.until("\r\n\r\n")).ends_with("\r\n\r\n") && i < limit; ++i)
        co_await wire.send(kOk);
    }(std::move(wire), limit);
  };
}

TEST(ClientReuse, OneConnectionForManyRequests) {
  Loop loop;
  ScriptedServer server(loop, answers_some(100));
  auto client = make_client(loop.executor(), {});
  loop.run([](Client& client, ScriptedServer& server) -> Task<> {
    for (int i = 0; i < 10; ++i)
      EXPECT_EQ((co_await fetch(client, get(server.authority())))->body, "ok");
    EXPECT_EQ(server.accepted(), 1);
  }(*client, server));
}

TEST(ClientReuse, ConcurrentRequestsHaveTheirOwnConnections) {
  Loop loop;
  ScriptedServer server(loop, answers_some(100));
  auto client = make_client(loop.executor(), {.max_idle_per_host = 2});
  loop.run([](Client& client, ScriptedServer& server) -> Task<> {
    for (int round = 0; round < 2; ++round) {
      std::vector<std::unique_ptr<ClientExchange>> exchanges;
      for (int i = 0; i < 4; ++i) {
        exchanges.push_back(*client.start(get(server.authority()), {}));
        EXPECT_TRUE(exchanges.back()->body().finish({}));
      }
      for (auto& exchange : exchanges) {
        auto response = co_await exchange->response();
        EXPECT_EQ(co_await read_all(*response->body), "ok");
      }
    }
    // Two of the first four were kept.
    EXPECT_EQ(server.accepted(), 6);
  }(*client, server));
}

TEST(ClientReuse, NotWhereTheServerSaysClose) {
  Loop loop;
  ScriptedServer server(
      loop, answers("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: Close\r\n\r\nok"));
  auto client = make_client(loop.executor(), {});
  loop.run([](Client& client, ScriptedServer& server) -> Task<> {
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ((co_await fetch(client, get(server.authority())))->body, "ok");
    EXPECT_EQ(server.accepted(), 3);
  }(*client, server));
}

TEST(ClientReuse, NotWithBytesLeftOver) {
  Loop loop;
  ScriptedServer server(loop, [](Wire wire, int) -> Task<> {
    while ((co_await wire.until("\r\n\r\n")).ends_with("\r\n\r\n"))
      co_await wire.send(kOk + "HTTP/1.1 200 OK\r\n\r\nsmuggled");
  });
  auto client = make_client(loop.executor(), {});
  loop.run([](Client& client, ScriptedServer& server) -> Task<> {
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ((co_await fetch(client, get(server.authority())))->body, "ok");
    EXPECT_EQ(server.accepted(), 3);
  }(*client, server));
}

TEST(ClientReuse, AConnectionThatTheServerClosedIsNotUsed) {
  Loop loop;
  ScriptedServer server(loop, [](Wire wire, int) -> Task<> {
    co_await wire.until("\r\n\r\n");
    co_await wire.send(kOk);
  });
  auto client = make_client(loop.executor(), {});
  loop.run([](Client& client, ScriptedServer& server) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      // Not idempotent: it must not need the second try.
      auto fetched = co_await fetch(client, post(server.authority()));
      EXPECT_TRUE(fetched) << fetched.error().message;
      co_await sleep_for(milliseconds(5));
    }
    EXPECT_EQ(server.accepted(), 3);
  }(*client, server));
}

TEST(ClientReuse, AGetIsTriedAgainWhenAReusedConnectionDies) {
  Loop loop;
  ScriptedServer server(loop, answers_some(1));
  auto client = make_client(loop.executor(), {});
  loop.run([](Client& client, ScriptedServer& server) -> Task<> {
    for (int i = 0; i < 3; ++i) {
      auto fetched = co_await fetch(client, get(server.authority()));
      EXPECT_TRUE(fetched) << fetched.error().message;
    }
    EXPECT_EQ(server.accepted(), 3);
  }(*client, server));
}

TEST(ClientReuse, APostIsNotTriedAgain) {
  Loop loop;
  ScriptedServer server(loop, answers_some(1));
  auto client = make_client(loop.executor(), {});
  loop.run([](Client& client, ScriptedServer& server) -> Task<> {
    EXPECT_TRUE(co_await fetch(client, post(server.authority())));
    auto second = co_await fetch(client, post(server.authority()), "body");
    EXPECT_EQ(second.error().code, ErrorCode::ConnectionClosed) << second.error().message;
    RequestHead put = post(server.authority());
    put.method = "PUT";
    EXPECT_TRUE(co_await fetch(client, put, "body"));
    auto sent = co_await fetch(client, put, "body");
    EXPECT_EQ(sent.error().code, ErrorCode::ConnectionClosed) << sent.error().message;
    EXPECT_EQ(server.accepted(), 2);
  }(*client, server));
}

TEST(ClientReuse, IdleConnectionsAreClosed) {
  Loop loop;
  bool closed = false;
  ScriptedServer server(loop, [&closed](Wire wire, int) -> Task<> {
    return [](Wire wire, bool& closed) -> Task<> {
      co_await wire.until("\r\n\r\n");
      co_await wire.send(kOk);
      co_await wire.rest();
      closed = true;
    }(std::move(wire), closed);
  });
  auto client = make_client(loop.executor(), {.idle_timeout = std::chrono::seconds(1)});
  loop.run([](Client& client, ScriptedServer& server, bool& closed) -> Task<> {
    EXPECT_TRUE(co_await fetch(client, get(server.authority())));
    co_await sleep_for(milliseconds(500));
    EXPECT_FALSE(closed);
    EXPECT_TRUE(co_await eventually([&] { return closed; }));
  }(*client, server, closed));
}

TEST(ClientReuse, AResponseDroppedUnreadClosesItsConnection) {
  Loop loop;
  ScriptedServer server(loop, answers_some(100));
  auto client = make_client(loop.executor(), {});
  loop.run([](Client& client, ScriptedServer& server) -> Task<> {
    for (int i = 0; i < 2; ++i) {
      auto exchange = *client.start(get(server.authority()), {});
      EXPECT_TRUE(exchange->body().finish({}));
      EXPECT_TRUE(co_await exchange->response());
    }
    EXPECT_EQ(server.accepted(), 2);
  }(*client, server));
}

}  // namespace
}  // namespace unbolt::http::testing
