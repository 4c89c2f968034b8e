#include "unbolt/contracts/network_grants.h"

#include <gtest/gtest.h>

namespace unbolt::contracts {
namespace {

asio::ip::address ip(const char* text) { return asio::ip::make_address(text); }

TEST(ConnectPattern, CoversAddresses) {
  struct Case {
    std::string_view pattern;
    const char* address;
    std::uint16_t port;
    bool covers;
  };
  const Case cases[] = {
      {"*", "192.0.2.1", 80, true},
      {"*", "2001:db8::1", 80, true},
      {"*:443", "192.0.2.1", 443, true},
      {"*:443", "192.0.2.1", 80, false},
      {"192.0.2.1", "192.0.2.1", 1, true},
      {"192.0.2.1", "192.0.2.2", 1, false},
      {"192.0.2.1:80", "192.0.2.1", 80, true},
      {"192.0.2.1:80", "192.0.2.1", 81, false},
      {"192.0.2.1:80-90", "192.0.2.1", 79, false},
      {"192.0.2.1:80-90", "192.0.2.1", 80, true},
      {"192.0.2.1:80-90", "192.0.2.1", 90, true},
      {"192.0.2.1:80-90", "192.0.2.1", 91, false},
      {"10.0.0.0/8", "10.255.255.255", 80, true},
      {"10.0.0.0/8", "11.0.0.0", 80, false},
      {"10.128.0.0/9:22", "10.127.0.0", 22, false},
      {"10.128.0.0/9:22", "10.128.0.0", 22, true},
      {"0.0.0.0/0", "203.0.113.9", 80, true},
      {"0.0.0.0/0", "::1", 80, false},
      {"10.1.2.3/32", "10.1.2.3", 80, true},
      {"10.1.2.3/32", "10.1.2.2", 80, false},
      {"::1", "::1", 80, true},
      {"[::1]", "::1", 80, true},
      {"[::1]:80", "::1", 80, true},
      {"[::1]:80", "::1", 81, false},
      {"fd00::/8", "fdff::1", 80, true},
      {"[fd00::/8]:443", "fd12::1", 443, true},
      {"[fd00::/8]:443", "fe80::1", 443, false},
      {"[2001:db8::/33]", "2001:db8:8000::", 443, false},
      {"::/0", "127.0.0.1", 80, false},
      // A name covers addresses only by what it resolved to.
      {"localhost", "127.0.0.1", 80, false},
      {"*.example.com", "127.0.0.1", 80, false},
  };
  for (const Case& c : cases) {
    NetworkGrants grants;
    auto pattern = ConnectPattern::parse(c.pattern);
    ASSERT_TRUE(pattern) << c.pattern << ": " << pattern.error().message;
    grants.connect.push_back(*pattern);
    EXPECT_EQ(grants.allows_connect(ip(c.address), c.port), c.covers)
        << c.pattern << " " << c.address << " " << c.port;
  }
}

TEST(ConnectPattern, CoversNames) {
  struct Case {
    std::string_view pattern, name;
    std::uint16_t port;
    bool resolves, connects;
  };
  const Case cases[] = {
      {"db.example.com", "db.example.com", 5432, true, true},
      {"DB.Example.com.", "db.example.com", 5432, true, true},
      {"db.example.com:5432", "db.example.com", 5432, true, true},
      {"db.example.com:5432", "db.example.com", 80, true, false},
      {"db.example.com", "example.com", 80, false, false},
      {"*.example.com", "a.b.example.com", 80, true, true},
      {"*.example.com", "example.com", 80, false, false},
      {"*.example.com", "badexample.com", 80, false, false},
      {"*", "anything.test", 80, true, true},
      {"*:80", "anything.test", 81, true, false},
      {"192.0.2.1", "localhost", 80, false, false},
  };
  for (const Case& c : cases) {
    NetworkGrants grants;
    auto pattern = ConnectPattern::parse(c.pattern);
    ASSERT_TRUE(pattern) << c.pattern;
    grants.connect.push_back(*pattern);
    EXPECT_EQ(grants.allows_name(c.name), c.resolves) << c.pattern << " " << c.name;
    EXPECT_EQ(grants.allows_connect_by_name(c.name, c.port), c.connects)
        << c.pattern << " " << c.name << " " << c.port;
  }
}

TEST(ConnectPattern, RefusesWhatItCannotMean) {
  for (const auto text : {"",           ":80",         "host:",       "host:0",       "host:65536",
                          "host:x",     "host:90-80",  "host:80-",    "host:-80",     "http://host",
                          "host/path",  "a.*.b",       "ho*st",       "*.",           "*.*",
                          "**",         "[*]",         "[host]",      "[::1",         "[::1]x",
                          "[::1]:",     "[127.0.0.1]", "10.0.0.0/33", "10.0.0.0/",    "10.0.0.0/-1",
                          "10.0.0.1/8", "fd00::1/8",   "10.0.0",      "10.0.0.256",   "1.2.3.4.5",
                          "a..b",       ".a",          "na me",       "b\xc3\xbc.de", "fe80::1%lo",
                          "user@host"}) {
    const auto pattern = ConnectPattern::parse(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_EQ(pattern.error().code, ErrorCode::InvalidArgument);
  }
}

TEST(ListenPattern, Covers) {
  struct Case {
    std::string_view pattern;
    const char* address;
    std::uint16_t port;
    bool covers;
  };
  const Case cases[] = {
      {"*", "0.0.0.0", 80, true},
      {"*", "::1", 0, true},
      {"*:0", "127.0.0.1", 0, true},
      {"*:0", "127.0.0.1", 8080, false},
      {"*:8080", "127.0.0.1", 8080, true},
      {"*:8080", "127.0.0.1", 0, false},
      {"*:8000-8999", "127.0.0.1", 8999, true},
      {"127.0.0.1", "127.0.0.1", 1, true},
      {"127.0.0.1", "0.0.0.0", 1, false},
      {"127.0.0.1:53", "127.0.0.1", 53, true},
      {"0.0.0.0:53", "0.0.0.0", 53, true},
      {"0.0.0.0:53", "127.0.0.1", 53, false},
      {"[::1]:53", "::1", 53, true},
      {"[::1]:53", "::", 53, false},
      {"::1", "::1", 53, true},
  };
  for (const Case& c : cases) {
    NetworkGrants grants;
    auto pattern = ListenPattern::parse(c.pattern);
    ASSERT_TRUE(pattern) << c.pattern << ": " << pattern.error().message;
    grants.listen.push_back(*pattern);
    EXPECT_EQ(grants.allows_listen(ip(c.address), c.port), c.covers)
        << c.pattern << " " << c.address << " " << c.port;
  }
}

TEST(ListenPattern, RefusesWhatItCannotMean) {
  for (const auto text : {"", ":80", "localhost", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.0/8",
                          "*.com", "[127.0.0.1]", "[::1", "[*]", "[::1]:x", "127.0.0.1:9-8"}) {
    const auto pattern = ListenPattern::parse(text);
    ASSERT_FALSE(pattern) << text;
    EXPECT_EQ(pattern.error().code, ErrorCode::InvalidArgument);
  }
}

TEST(NetworkGrants, NothingIsGrantedByDefault) {
  const NetworkGrants grants;
  EXPECT_FALSE(grants.any());
  EXPECT_FALSE(grants.allows_name("localhost"));
  EXPECT_FALSE(grants.allows_connect(ip("127.0.0.1"), 80));
  EXPECT_FALSE(grants.allows_listen(ip("127.0.0.1"), 0));
}

}  // namespace
}  // namespace unbolt::contracts
