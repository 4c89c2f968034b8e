#include "unbolt/http/text.h"

#include <gtest/gtest.h>

#include <vector>

namespace unbolt::http {
namespace {

TEST(Text, Authorities) {
  for (const char* good :
       {"", "a", "a.b:80", "a:", "127.0.0.1:65535", "[::1]", "[::1]:80", "xn--e1a.example"}) {
    EXPECT_TRUE(is_authority(good)) << good;
  }
  for (const char* bad : {"a b", "a/b", "u@a", "a:b", "a:65536", "a:1:2", "::1", "[::1", "[::1]x",
                          "a[b", "a?b", "a\\b", "a,b", "a:+1", "\xc3\xa9"}) {
    EXPECT_FALSE(is_authority(bad)) << bad;
  }
}

TEST(Text, FieldValues) {
  EXPECT_TRUE(is_field_value(""));
  EXPECT_TRUE(is_field_value("a\tb c\xff"));
  for (std::string_view bad :
       {std::string_view("\0", 1), std::string_view("a\r"), std::string_view("a\nb"),
        std::string_view("\x1f"), std::string_view("\x7f"), std::string_view(" a"),
        std::string_view("a\t")}) {
    EXPECT_FALSE(is_field_value(bad));
  }
}

TEST(Text, Tokens) {
  EXPECT_TRUE(is_token("content-TYPE_1!"));
  for (const char* bad : {"", "a b", "a:", "\xc3", "a\"", "(a)"})
    EXPECT_FALSE(is_token(bad)) << bad;
}

TEST(Text, Numbers) {
  EXPECT_EQ(parse_decimal("18446744073709551615"), ~0ull);
  EXPECT_EQ(parse_decimal("18446744073709551616"), std::nullopt);
  for (const char* bad : {"", "+1", "-1", " 1", "1 ", "0x1"})
    EXPECT_EQ(parse_decimal(bad), std::nullopt) << bad;
  EXPECT_EQ(parse_hex("fF"), 255u);
  std::string out;
  append_decimal(out, 1234);
  append_hex(out, 0xbeef);
  EXPECT_EQ(out, "1234beef");
}

TEST(Text, EscapesOfPaths) {
  EXPECT_EQ(percent_decoded("/a%20b%2Fc%c3%bc"), "/a b/cü");
  EXPECT_EQ(percent_decoded("/%61"), "/a");
  for (const auto wrong : {"/%", "/%6", "/%6g", "/%00", "/%%61"})
    EXPECT_FALSE(percent_decoded(wrong)) << wrong;
}

TEST(Text, Lists) {
  std::vector<std::string_view> items;
  for_each_item(" a, ,b\t,c d,", [&](std::string_view item) { items.push_back(item); });
  EXPECT_EQ(items, (std::vector<std::string_view>{"a", "b", "c d"}));
}

TEST(Text, ConnectionFields) {
  for (const char* name :
       {"Connection", "keep-alive", "Proxy-Connection", "TRANSFER-ENCODING", "te", "Upgrade"}) {
    EXPECT_TRUE(is_connection_field(name)) << name;
  }
  for (const char* name : {"content-length", "host", "trailer", "tf"})
    EXPECT_FALSE(is_connection_field(name)) << name;
}

}  // namespace
}  // namespace unbolt::http
