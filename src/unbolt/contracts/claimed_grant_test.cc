#include "unbolt/contracts/claimed_grant.h"

#include <gtest/gtest.h>

#include <random>

namespace unbolt::contracts {
namespace {

std::string respelt(std::string_view text) {
  const auto grant = ClaimedGrant::parse(text);
  return grant ? grant->text() : "error: " + grant.error().message;
}

TEST(ClaimedGrant, HasOneSpelling) {
  for (const char* text : {
           "wasi:keyvalue/store{get,list-keys} bucket=sessions-*",
           "wasi:keyvalue access=read",
           "wasi:keyvalue bucket=*",
           "wasi:http/outgoing-handler host=api.example.com:443",
           "wasi:http/outgoing-handler host=*.example.com,[::1]:80",
           "wasmcloud:messaging/consumer{publish} topic=orders.*.new,stock.>",
           "wasi:filesystem access=read dir=/data/in",
           "wasi:filesystem dir=.",
           "wasmcloud:postgres role=reader",
           "wasi:sockets connect=10.0.0.0/8:5432 listen=127.0.0.1:8080",
           "wasi:blobstore/container{container.get-data} container=pictures",
           "acme:billing/charge{charge}",
           "wasi:keyvalue bucket=%2A,a%2Cb,c%20d",
       })
    EXPECT_EQ(respelt(text), text);
  EXPECT_EQ(respelt("wasi:keyvalue/store{set,get,set} bucket=b,a,b"),
            "wasi:keyvalue/store{get,set} bucket=a,b");
  EXPECT_EQ(respelt("wasi:keyvalue bucket=%61%2c gr"),
            "error: grant 'wasi:keyvalue bucket=%61%2c gr': "
            "after the contract stand KIND=PATTERN, with one space between them");
  EXPECT_EQ(respelt("wasi:keyvalue bucket=%61%2c"), "wasi:keyvalue bucket=a%2C");
  EXPECT_EQ(respelt("wasi:keyvalue bucket=gr\xc3\xb6\xc3\x9f"
                    "e"),
            "wasi:keyvalue bucket=gr%C3%B6%C3%9Fe");
  EXPECT_EQ(respelt("wasi:http host=API.Example.com"), "wasi:http host=api.example.com");
  EXPECT_EQ(respelt("wasi:filesystem dir=/data//"), "wasi:filesystem dir=/data");
}

TEST(ClaimedGrant, SaysItInWords) {
  EXPECT_EQ(ClaimedGrant::parse("wasi:keyvalue/store{get,list-keys} bucket=a-*")->words(),
            "get, list-keys of wasi:keyvalue/store; bucket a-*");
  EXPECT_EQ(ClaimedGrant::parse("wasi:keyvalue access=read")->words(), "reading wasi:keyvalue");
  EXPECT_EQ(ClaimedGrant::parse("wasi:cli/stdout")->words(), "wasi:cli/stdout: all of it");
}

TEST(ClaimedGrant, RefusesWhatItDoesNotUnderstand) {
  for (const char* text : {
           "",
           " ",
           "wasi",
           "wasi:",
           "*",
           "wasi:filesystem access=write dir=/data",
           "wasi:filesystem/types access=read",
           "wasi:filesystem/types dir=/data",
           "wasi:sockets/tcp connect=*",
           "wasi:sql/readwrite role=reader",
           "wasi:sql access=read",
           "wasi:keyvalue ",
           "wasi:keyvalue  bucket=a",
           "wasi:keyvalue/store@0.2.0",
           "wasi:keyvalue/store{",
           "wasi:keyvalue/store{}",
           "wasi:keyvalue/store{get,}",
           "wasi:keyvalue/store{get, set}",
           "wasi:keyvalue/store{*}",
           "wasi:keyvalue/store{a.b.c}",
           "wasi:keyvalue/store{get}x",
           "wasi:keyvalue bucket",
           "wasi:keyvalue bucket=",
           "wasi:keyvalue bucket=a,,b",
           "wasi:keyvalue bucket=*a",
           "wasi:keyvalue bucket=a*b",
           "wasi:keyvalue bucket=%",
           "wasi:keyvalue bucket=%0A",
           "wasi:keyvalue bucket=a\nb",
           "wasi:keyvalue bucket=a bucket=b",
           "wasi:keyvalue host=a",
           "wasi:keyvalue access=all",
           "wasi:keyvalue access=read access=read",
           "wasi:keyvalue/store{get} access=read",
           "wasi:http access=read",
           "wasi:http host=a/b",
           "wasi:http host=http://a",
           "wasi:filesystem dir=/a/../b",
           "wasi:filesystem dir=..",
           "wasmcloud:messaging topic=a..b",
           "wasmcloud:messaging topic=>.a",
           "wasmcloud:messaging topic=a*",
           "wasi:sockets connect=a:b",
           "acme:x thing=y",
       })
    EXPECT_FALSE(ClaimedGrant::parse(text)) << text;
  EXPECT_FALSE(ClaimedGrant::parse("wasi:keyvalue bucket=" + std::string(2000, 'a')));
}

// Whatever is put together of such parts is refused, or read and written the same for ever.
TEST(ClaimedGrant, RandomTextsHaveOneSpelling) {
  constexpr std::string_view kParts[] = {"wasi:keyvalue",
                                         "/store",
                                         "{",
                                         "}",
                                         "get",
                                         ",",
                                         "list-keys",
                                         " ",
                                         "bucket",
                                         "=",
                                         "sessions-",
                                         "*",
                                         "%2A",
                                         "%",
                                         "wasi:http",
                                         "host",
                                         "a.example",
                                         ":443",
                                         "wasmcloud:messaging",
                                         "topic",
                                         ".",
                                         ">",
                                         "access",
                                         "read",
                                         "write",
                                         "wasi:filesystem",
                                         "dir",
                                         "/",
                                         "..",
                                         "\xc3\xb6",
                                         "wasi:sockets",
                                         "connect",
                                         "listen",
                                         "10.0.0.0/8",
                                         "[::1]",
                                         "A",
                                         "-",
                                         "\\",
                                         "@1"};
  constexpr std::string_view kStarts[] = {"wasi:keyvalue/store{get} bucket=",
                                          "wasi:http host=",
                                          "wasmcloud:messaging topic=",
                                          "wasi:filesystem access=read dir=",
                                          "wasi:sockets connect=",
                                          "acme:x{",
                                          ""};
  std::mt19937 random(7);
  const auto pick = [&](const auto& list) { return list[random() % std::size(list)]; };
  int read = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text(pick(kStarts));
    for (unsigned n = random() % 7; n > 0; --n) text += pick(kParts);
    const auto grant = ClaimedGrant::parse(text);
    if (!grant) continue;
    ++read;
    const auto again = ClaimedGrant::parse(grant->text());
    ASSERT_TRUE(again) << text << " -> " << grant->text() << ": " << again.error().message;
    ASSERT_EQ(*again, *grant) << text;
    ASSERT_EQ(again->text(), grant->text());
  }
  EXPECT_GT(read, 5'000);
}

TEST(ClaimedGrant, ProposalsOfImports) {
  const auto narrow = *ClaimedGrant::parse("wasi:keyvalue/store{get}");
  const auto grants =
      grants_of_imports({"wasi:io/streams@0.2.0", "wasi:keyvalue/store@0.2.0-draft",
                         "wasi:keyvalue/atomics@0.2.0-draft", "wasi:clocks/wall-clock@0.2.3",
                         "wasi:http/outgoing-handler@0.2.0", "run"},
                        {narrow});
  ASSERT_EQ(grants.size(), 2u);
  EXPECT_EQ(grants[0].text(), "wasi:keyvalue/atomics");
  EXPECT_EQ(grants[1].text(), "wasi:http/outgoing-handler");
}

}  // namespace
}  // namespace unbolt::contracts
