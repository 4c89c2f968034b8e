#include "unbolt/contracts/grants.h"

#include <gtest/gtest.h>

namespace unbolt::contracts {
namespace {

struct Case {
  std::string_view pattern;
  std::string_view authority;
  unsigned default_port;
  bool matches;
};

TEST(HostPattern, Matches) {
  const Case cases[] = {
      {"api.example.com", "api.example.com", 443, true},
      {"api.example.com", "API.Example.COM", 443, true},
      {"api.example.com", "api.example.com.", 443, true},
      {"api.example.com", "api.example.com:8443", 443, true},
      {"api.example.com", "example.com", 443, false},
      {"api.example.com", "api.example.com.evil.test", 443, false},
      {"api.example.com", "evil-api.example.com", 443, false},
      // What stands before the @ is no host.
      {"api.example.com", "api.example.com@evil.test", 443, false},
      {"evil.test", "api.example.com@evil.test", 443, true},
      {"api.example.com:443", "api.example.com", 443, true},
      {"api.example.com:443", "api.example.com", 80, false},
      {"api.example.com:443", "api.example.com:8443", 443, false},
      {"*.example.com", "api.example.com", 80, true},
      {"*.example.com", "a.b.example.com", 80, true},
      {"*.example.com", "example.com", 80, false},
      {"*.example.com", "badexample.com", 80, false},
      {"*", "anything.test:1", 80, true},
      {"*:80", "anything.test", 80, true},
      {"*:80", "anything.test", 443, false},
      {"127.0.0.1:8080", "127.0.0.1:8080", 80, true},
      {"[::1]", "[::1]:9000", 80, true},
      {"[::1]:80", "[::1]:9000", 80, false},
      {"*", "", 80, false},
      {"*", "host:port", 80, false},
      {"*", "host:99999", 80, false},
      {"*", "[::1", 80, false},
  };
  for (const Case& c : cases) {
    auto pattern = HostPattern::parse(c.pattern);
    ASSERT_TRUE(pattern) << c.pattern << ": " << pattern.error().message;
    EXPECT_EQ(pattern->matches(c.authority, c.default_port), c.matches)
        << c.pattern << " " << c.authority;
  }
}

TEST(HostPattern, RefusesWhatItCannotMean) {
  for (const auto text : {"", ":80", "host:", "host:0", "host:65536", "host:x", "http://host",
                          "host/path", "a.*.b", "ho*st", "[::1", "[::1]x"}) {
    EXPECT_FALSE(HostPattern::parse(text)) << text;
  }
}

TEST(Grants, NothingIsGrantedByDefault) {
  const Grants grants;
  EXPECT_FALSE(grants.allows_host("localhost", 80));
  EXPECT_TRUE(grants.env.empty());
}

TEST(Grants, AddsEachKind) {
  Grants grants;
  ASSERT_TRUE(grants.add("host:*.example.com"));
  ASSERT_TRUE(grants.add("env:A=b=c"));
  ASSERT_TRUE(grants.add("env:EMPTY="));
  ASSERT_TRUE(grants.add("connect:[::1]:443"));
  ASSERT_TRUE(grants.add("listen:*:0"));
  EXPECT_TRUE(grants.network.allows_connect(asio::ip::make_address("::1"), 443));
  EXPECT_FALSE(grants.network.allows_connect(asio::ip::make_address("::1"), 80));
  EXPECT_TRUE(grants.network.allows_listen(asio::ip::make_address("127.0.0.1"), 0));
  EXPECT_TRUE(grants.allows_host("x.example.com", 443));
  EXPECT_FALSE(grants.allows_host("example.org", 443));
  EXPECT_EQ(grants.env.at("A"), "b=c");
  EXPECT_EQ(grants.env.at("EMPTY"), "");
}

TEST(Grants, NameFoldersAndWhereTheyAreSeen) {
  Grants grants;
  for (const auto text : {"dir:/srv/data::/data", "dir:pictures:ro", "dir:C:::/c:ro"})
    ASSERT_TRUE(grants.add(text)) << text;
  ASSERT_EQ(grants.directories.size(), 3u);
  EXPECT_EQ(grants.directories[0].host, "/srv/data");
  EXPECT_EQ(grants.directories[0].guest, "/data");
  EXPECT_FALSE(grants.directories[0].read_only);
  EXPECT_EQ(grants.directories[1].host, "pictures");
  EXPECT_EQ(grants.directories[1].guest, "pictures");
  EXPECT_TRUE(grants.directories[1].read_only);
  EXPECT_EQ(grants.directories[2].guest, ":/c");
  EXPECT_FALSE(grants.add("dir:elsewhere::/data")) << "a guest path stands for one folder";
}

TEST(Grants, WhatIsNotUnderstoodIsAnError) {
  Grants grants;
  for (const auto text :
       {"", "host", "host:", "env:", "env:A", "env:=b", "dir:", "dir:::/x", "dir:a::", "dir:a:::ro",
        "connect:", "connect:a:0", "listen:", "listen:name", "everything"}) {
    const auto added = grants.add(text);
    ASSERT_FALSE(added) << text;
    EXPECT_EQ(added.error().code, ErrorCode::InvalidArgument);
  }
}

}  // namespace
}  // namespace unbolt::contracts
