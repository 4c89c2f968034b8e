#include "unbolt/wasi/sockets_address.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "unbolt/wasi/sockets_resolver.h"

namespace unbolt::wasi {
namespace {

Endpoint endpoint(const char* ip, std::uint16_t port) {
  const auto wit = to_wit(asio::ip::make_address(ip));
  if (const auto* v4 = std::get_if<Ipv4Address>(&wit))
    return Endpoint(IpSocketAddress(Ipv4SocketAddress{port, *v4}));
  return Endpoint(IpSocketAddress(Ipv6SocketAddress{port, 0, std::get<Ipv6Address>(wit), 0}));
}

TEST(Endpoint, GoesThereAndBack) {
  const Endpoint v4 = endpoint("192.0.2.7", 8080);
  EXPECT_EQ(v4.to_string(), "192.0.2.7:8080");
  EXPECT_EQ(v4.family(), IpFamily::V4);
  const auto back = std::get<Ipv4SocketAddress>(v4.to_wit());
  EXPECT_EQ(back.port, 8080);
  EXPECT_EQ(back.address, Ipv4Address(192, 0, 2, 7));

  const Ipv6SocketAddress with_all{443, 0x12345, Ipv6Address(0xfe80, 0, 0, 0, 1, 2, 3, 0xffff), 3};
  const Endpoint v6{IpSocketAddress(with_all)};
  EXPECT_EQ(v6.to_string(), "[fe80::1:2:3:ffff]:443");
  const auto again = std::get<Ipv6SocketAddress>(v6.to_wit());
  EXPECT_EQ(again.port, with_all.port);
  EXPECT_EQ(again.flow_info, with_all.flow_info);
  EXPECT_EQ(again.address, with_all.address);
  EXPECT_EQ(again.scope_id, with_all.scope_id);
}

TEST(Endpoint, IsWhereItIs) {
  EXPECT_EQ(endpoint("192.0.2.7", 80), endpoint("192.0.2.7", 80));
  EXPECT_NE(endpoint("192.0.2.7", 80), endpoint("192.0.2.7", 81));
  EXPECT_NE(endpoint("192.0.2.7", 80), endpoint("192.0.2.8", 80));
  EXPECT_NE(endpoint("::1", 80), endpoint("192.0.2.8", 80));
  const Ipv6Address local(0xfe80, 0, 0, 0, 0, 0, 0, 1);
  const auto v6 = [&](std::uint32_t flow, std::uint32_t scope) {
    return Endpoint(IpSocketAddress(Ipv6SocketAddress{80, flow, local, scope}));
  };
  EXPECT_EQ(v6(1, 2), v6(3, 2));
  EXPECT_NE(v6(1, 2), v6(1, 3));
  EXPECT_EQ(Endpoint::Hash()(v6(1, 2)), Endpoint::Hash()(v6(3, 2)));
}

TEST(AddressRules, TellFaultsBeforeAnythingIsTried) {
  using enum AddressUse;
  struct Case {
    const char* ip;
    std::uint16_t port;
    IpFamily family;
    bool bind_tcp, bind_udp, connect_tcp, send_udp;  // whether it may be
  };
  constexpr auto v4 = IpFamily::V4, v6 = IpFamily::V6;
  const Case cases[] = {
      {"127.0.0.1", 80, v4, true, true, true, true},
      {"::1", 80, v6, true, true, true, true},
      {"127.0.0.1", 0, v4, true, true, false, false},
      {"0.0.0.0", 80, v4, true, true, false, false},
      {"::", 80, v6, true, true, false, false},
      {"127.0.0.1", 80, v6, false, false, false, false},
      {"::1", 80, v4, false, false, false, false},
      {"::ffff:127.0.0.1", 80, v6, false, false, false, false},
      {"::127.0.0.1", 80, v6, false, false, false, false},
      {"224.0.0.1", 80, v4, false, true, false, true},
      {"ff02::1", 80, v6, false, true, false, true},
      {"255.255.255.255", 80, v4, false, true, false, true},
  };
  for (const Case& c : cases) {
    const auto at = endpoint(c.ip, c.port);
    EXPECT_EQ(!fault_of(at, c.family, BindTcp), c.bind_tcp) << c.ip;
    EXPECT_EQ(!fault_of(at, c.family, BindUdp), c.bind_udp) << c.ip;
    EXPECT_EQ(!fault_of(at, c.family, ConnectTcp), c.connect_tcp) << c.ip;
    EXPECT_EQ(!fault_of(at, c.family, SendUdp), c.send_udp) << c.ip;
  }
}

TEST(SocketError, IsWhatTheSystemSaid) {
  EXPECT_EQ(to_socket_error(ECONNREFUSED), SocketError::ConnectionRefused);
  EXPECT_EQ(to_socket_error(ECONNRESET), SocketError::ConnectionReset);
  EXPECT_EQ(to_socket_error(ECONNABORTED), SocketError::ConnectionAborted);
  EXPECT_EQ(to_socket_error(ETIMEDOUT), SocketError::Timeout);
  EXPECT_EQ(to_socket_error(EHOSTUNREACH), SocketError::RemoteUnreachable);
  EXPECT_EQ(to_socket_error(EADDRINUSE), SocketError::AddressInUse);
  EXPECT_EQ(to_socket_error(EMFILE), SocketError::NewSocketLimit);
  EXPECT_EQ(to_socket_error(EMSGSIZE), SocketError::DatagramTooLarge);
  EXPECT_EQ(to_socket_error(EACCES), SocketError::AccessDenied);
  EXPECT_EQ(to_socket_error(0x7777), SocketError::Unknown);
}

TEST(HostNames, AreReadAsTheirOwn) {
  const auto name = [](std::string_view text) -> std::string {
    const auto host = parse_host(text);
    if (!host) return "error " + std::to_string(static_cast<int>(host.error()));
    if (const auto* address = std::get_if<asio::ip::address>(&*host)) return address->to_string();
    return "name " + std::get<std::string>(*host);
  };
  EXPECT_EQ(name("Example.COM."), "name example.com");
  EXPECT_EQ(name("_srv.a-b.example"), "name _srv.a-b.example");
  EXPECT_EQ(name("localhost"), "name localhost");
  EXPECT_EQ(name("3com"), "name 3com");
  EXPECT_EQ(name("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(name("[2001:DB8::1]"), "2001:db8::1");
  EXPECT_EQ(name("2001:db8::1"), "2001:db8::1");
  EXPECT_EQ(name("::ffff:192.0.2.1"), "192.0.2.1");
  const std::string invalid =
      "error " + std::to_string(static_cast<int>(SocketError::InvalidArgument));
  for (const auto text :
       {"",           ".",     "..",   "a..b",        ".a",    "a b",       "a/b",
        "a:80",       "[::1",  "::1]", "[192.0.2.1]", "1.2.3", "1.2.3.256", "0x7f.1",
        "0x7f000001", "127.1", "a.1",  "fe80::1%lo",  "a@b",   "*",         "*.a"}) {
    EXPECT_EQ(name(text), invalid) << text;
  }
  EXPECT_EQ(name(std::string(63, 'a') + ".test"), "name " + std::string(63, 'a') + ".test");
  EXPECT_EQ(name(std::string(64, 'a') + ".test"), invalid);
  EXPECT_EQ(name(std::string("a\0b", 3)), invalid);
}

}  // namespace
}  // namespace unbolt::wasi
