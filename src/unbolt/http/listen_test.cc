#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/socket.h>
#include <unistd.h>

#include "unbolt/http/server.h"

namespace unbolt::http {
namespace {

using asio::ip::tcp;
using ::testing::HasSubstr;

TEST(ParseListenAddress, Good) {
  struct Case {
    const char* text;
    const char* address;
    int port;
  };
  for (const Case& test :
       {Case{"127.0.0.1:8080", "127.0.0.1", 8080}, Case{"[::1]:0", "::1", 0},
        Case{":8080", "0.0.0.0", 8080}, Case{"8080", "127.0.0.1", 8080},
        Case{"localhost:1", "127.0.0.1", 1}, Case{"0.0.0.0:65535", "0.0.0.0", 65535}}) {
    auto endpoint = parse_listen_address(test.text);
    ASSERT_TRUE(endpoint) << endpoint.error().message;
    EXPECT_EQ(endpoint->address().to_string(), test.address);
    EXPECT_EQ(endpoint->port(), test.port);
  }
}

TEST(ParseListenAddress, BadOnesSayWhy) {
  struct Case {
    const char* text;
    const char* why;
  };
  for (const Case& test :
       {Case{"", "port is missing"}, Case{"127.0.0.1", "not a number"},
        Case{"127.0.0.1:", "port is missing"}, Case{"127.0.0.1:x", "not a number"},
        Case{"127.0.0.1:70000", "larger than 65535"}, Case{"::1:80", "brackets"},
        Case{"[::1]", "port is missing"}, Case{"[x]:1", "IPv6"},
        Case{"example.org:80", "localhost"}, Case{"127.0.0.1:-1", "not a number"}}) {
    auto endpoint = parse_listen_address(test.text);
    ASSERT_FALSE(endpoint) << test.text;
    EXPECT_EQ(endpoint.error().code, ErrorCode::InvalidArgument);
    EXPECT_THAT(endpoint.error().message, HasSubstr(test.why));
    EXPECT_FALSE(endpoint.error().hint.empty());
  }
}

TEST(ListenOn, SaysWhoHoldsThePort) {
  auto first = listen_on(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  ASSERT_TRUE(first);
  tcp::endpoint bound;
  socklen_t size = static_cast<socklen_t>(bound.capacity());
  ::getsockname(*first, bound.data(), &size);
  ASSERT_NE(bound.port(), 0);

  auto second = listen_on(bound);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::Conflict);
  EXPECT_THAT(second.error().message, HasSubstr(fmt::format("process {}", ::getpid())));
  EXPECT_FALSE(second.error().hint.empty());
  ::close(*first);
  auto third = listen_on(bound);
  ASSERT_TRUE(third);
  ::close(*third);
}

TEST(ListenOn, AnAddressOfAnotherMachine) {
  auto fd = listen_on(tcp::endpoint(asio::ip::make_address("192.0.2.1"), 0));
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code, ErrorCode::InvalidArgument);
}

}  // namespace
}  // namespace unbolt::http
