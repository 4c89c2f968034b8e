#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <unistd.h>
#include <filesystem>
#include <fstream>

#include "unbolt/http/testing/certificates.h"
#include "unbolt/http/testing/test_client.h"

namespace unbolt::http::testing {
namespace {

using ::testing::HasSubstr;
using TlsStream = asio::ssl::stream<Socket>;

// Reads a request with its body and answers with the body's size, in many records, as often as it
// is asked.
Task<> serve_tls(TlsStream stream, std::string& sni) {
  boost::system::error_code error;
  auto token = asio::redirect_error(use_task, error);
  co_await stream.async_handshake(asio::ssl::stream_base::server, token);
  if (error) co_return;
  if (const char* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name))
    sni = name;
  std::string seen;
  char bytes[65536];
  while (!error) {
    while (!error && !seen.contains("\r\n\r\n"))
      seen.append(bytes, co_await stream.async_read_some(asio::buffer(bytes), token));
    if (error) co_return;
    std::size_t head = seen.find("\r\n\r\n") + 4;
    std::size_t length = 0;
    if (std::size_t at = seen.find("content-length: "); at < head)
      length = std::stoul(seen.substr(at + 16));
    while (!error && seen.size() < head + length)
      seen.append(bytes, co_await stream.async_read_some(asio::buffer(bytes), token));
    seen.erase(0, head + length);
    std::string body(length ? length : 2, 'x');
    std::string answer =
        fmt::format("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{}", body.size(), body);
    co_await asio::async_write(stream, asio::buffer(answer), token);
  }
}

class ClientTls : public ::testing::Test {
 protected:
  // The port of a server with `certificate`; `accepted` counts its connections.
  std::uint16_t serve(const Certificate& certificate, int max_version = TLS1_3_VERSION) {
    auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    std::string pem = certificate.pem(), key = certificate.key_pem();
    context->use_certificate_chain(asio::buffer(pem));
    context->use_private_key(asio::buffer(key), asio::ssl::context::pem);
    SSL_CTX_set_min_proto_version(context->native_handle(), 0);
    SSL_CTX_set_max_proto_version(context->native_handle(), max_version);
    SSL_CTX_set_security_level(context->native_handle(), 0);
    auto acceptor = std::make_shared<Acceptor>(loop.executor(),
                                               tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    asio::co_spawn(loop.executor(), accept(acceptor, context, sni, accepted), asio::detached);
    acceptors.push_back(acceptor);
    return acceptor->local_endpoint().port();
  }

  ClientOptions trusting(const Certificate& root) {
    std::ofstream(ca_file) << root.pem();
    return {.ca_file = ca_file};
  }

  Result<Fetched> fetch_from(Client& client, std::string host, std::uint16_t port,
                             std::string body = {}) {
    Result<Fetched> result = fail(ErrorCode::Internal, "not run");
    loop.run([](Client& client, RequestHead head, std::string body,
                Result<Fetched>& result) -> Task<> {
      result = co_await fetch(client, std::move(head), std::move(body));
    }(client, {body.empty() ? "GET" : "POST", "https", fmt::format("{}:{}", host, port), "/", {}},
                                         body, result));
    return result;
  }

  void TearDown() override {
    for (auto& acceptor : acceptors) acceptor->close();
    std::filesystem::remove(ca_file);
  }

  static Task<> accept(std::shared_ptr<Acceptor> acceptor,
                       std::shared_ptr<asio::ssl::context> context, std::string& sni,
                       int& accepted) {
    for (;;) {
      boost::system::error_code error;
      Socket socket = co_await acceptor->async_accept(asio::redirect_error(use_task, error));
      if (error) co_return;
      ++accepted;
      asio::co_spawn(co_await asio::this_coro::executor,
                     serve_tls(TlsStream(std::move(socket), *context), sni), asio::detached);
    }
  }

  std::string sni;
  int accepted = 0;
  Loop loop;
  std::vector<std::shared_ptr<Acceptor>> acceptors;
  std::string ca_file =
      (std::filesystem::temp_directory_path() / fmt::format("unbolt_ca_{}.pem", ::getpid()))
          .string();
  Certificate root{"a test's root", "", nullptr};
};

TEST_F(ClientTls, GoodNameAndAddress) {
  Certificate good("server", "DNS:localhost,IP:127.0.0.1", &root);
  auto port = serve(good);
  auto client = make_client(loop.executor(), trusting(root));
  auto fetched = fetch_from(*client, "localhost", port);
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(fetched->body, "xx");
  EXPECT_EQ(sni, "localhost");
  ASSERT_TRUE(fetch_from(*client, "LOCALHOST", port));
  EXPECT_EQ(accepted, 1);
  sni.clear();
  fetched = fetch_from(*client, "127.0.0.1", port);
  ASSERT_TRUE(fetched) << fetched.error().message;
  EXPECT_EQ(sni, "");
}

TEST_F(ClientTls, LargeBodiesBothWays) {
  Certificate good("server", "DNS:localhost", &root);
  auto port = serve(good);
  auto client = make_client(loop.executor(), trusting(root));
  for (int i = 0; i < 2; ++i) {
    RequestHead head{
        "POST", "https", fmt::format("localhost:{}", port), "/", {{"content-length", "3000000"}}};
    loop.run([](Client& client, RequestHead head) -> Task<> {
      auto fetched = co_await fetch(client, head, std::string(3'000'000, 'y'));
      EXPECT_TRUE(fetched) << fetched.error().message;
      EXPECT_EQ(fetched->body.size(), 3'000'000u);
    }(*client, head));
  }
  EXPECT_EQ(accepted, 1);
}

TEST_F(ClientTls, WrongName) {
  Certificate other("localhost", "DNS:example.org,IP:192.0.2.1", &root);
  auto port = serve(other);
  auto client = make_client(loop.executor(), trusting(root));
  for (const char* host : {"localhost", "127.0.0.1"}) {
    auto fetched = fetch_from(*client, host, port);
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().code, ErrorCode::Denied);
    EXPECT_THAT(fetched.error().message, HasSubstr("mismatch"));
  }
}

TEST_F(ClientTls, UntrustedAndSelfSigned) {
  Certificate another("another root", "", nullptr);
  Certificate signed_by_another("server", "DNS:localhost", &another);
  Certificate self_signed("server", "DNS:localhost", nullptr);
  auto client = make_client(loop.executor(), trusting(root));
  auto with_system_roots = make_client(loop.executor(), {});
  for (auto port : {serve(signed_by_another), serve(self_signed)}) {
    EXPECT_EQ(fetch_from(*client, "localhost", port).error().code, ErrorCode::Denied);
    EXPECT_EQ(fetch_from(*with_system_roots, "localhost", port).error().code, ErrorCode::Denied);
  }
}

TEST_F(ClientTls, OldVersionsAndPlainServersAreRefused) {
  Certificate good("server", "DNS:localhost", &root);
  auto client = make_client(loop.executor(), trusting(root));
  auto old = fetch_from(*client, "localhost", serve(good, TLS1_1_VERSION));
  ASSERT_FALSE(old);
  EXPECT_EQ(to_string(old.error().code), to_string(ErrorCode::ProtocolError))
      << old.error().message;
  ASSERT_TRUE(fetch_from(*client, "localhost", serve(good, TLS1_2_VERSION)));

  ScriptedServer plain(loop, [](Wire wire, int) -> Task<> {
    co_await wire.send("HTTP/1.1 400 Bad Request\r\n\r\n");
    co_await wire.rest();
  });
  auto port = plain.authority().substr(plain.authority().find(':') + 1);
  auto fetched = fetch_from(*client, "127.0.0.1", static_cast<std::uint16_t>(std::stoi(port)));
  ASSERT_FALSE(fetched);
  EXPECT_EQ(to_string(fetched.error().code), to_string(ErrorCode::ProtocolError))
      << fetched.error().message;
}

TEST_F(ClientTls, ABadFileOfRootsIsNamed) {
  auto client = make_client(loop.executor(), {.ca_file = "/no/such/file.pem"});
  auto exchange = client->start({"GET", "https", "localhost", "/", {}}, {});
  ASSERT_FALSE(exchange);
  EXPECT_EQ(exchange.error().code, ErrorCode::InvalidFile);
  EXPECT_THAT(exchange.error().message, HasSubstr("/no/such/file.pem"));
}

}  // namespace
}  // namespace unbolt::http::testing
