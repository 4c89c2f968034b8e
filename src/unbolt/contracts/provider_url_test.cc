#include "unbolt/contracts/provider_url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace unbolt::contracts {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::string_view kSchemes[] = {"memory", "sqlite", "redis", "component"};

Error error_of(std::string_view text) {
  auto url = parse_provider_url(text, kSchemes);
  EXPECT_FALSE(url) << text;
  return url ? Error{} : url.error();
}

TEST(ProviderUrl, TakesTheFormsThatProvidersUse) {
  EXPECT_EQ(parse_provider_url("memory:", kSchemes)->path, "");
  EXPECT_EQ(parse_provider_url("SQLite:app.db", kSchemes)->scheme, "sqlite");
  EXPECT_EQ(parse_provider_url("sqlite:my%20app%3f.db")->path, "my app?.db");
  auto url = parse_provider_url("sqlite:/var/lib/a=b.db?synchronous=normal&x=%26%3d", kSchemes);
  ASSERT_TRUE(url) << url.error().message;
  EXPECT_EQ(url->path, "/var/lib/a=b.db");
  EXPECT_EQ(url->query.find("synchronous")->second, "normal");
  EXPECT_EQ(url->query.find("x")->second, "&=");
  EXPECT_EQ(parse_provider_url("redis://u:p%40@h:1/0")->rest, "//u:p%40@h:1/0");
  EXPECT_EQ(parse_provider_url("component:pricing")->path, "pricing");
}

TEST(ProviderUrl, SuggestsTheSchemeThatWasMeant) {
  EXPECT_EQ(error_of("sqlte:app.db").hint, "did you mean sqlite:?");
  EXPECT_EQ(error_of("sqlite3:app.db").hint, "did you mean sqlite:?");
  EXPECT_EQ(error_of("mem:").hint, "did you mean memory:?");
  EXPECT_EQ(error_of("memory").hint, "did you mean memory:?");
  EXPECT_EQ(error_of("sqlite/app.db").hint, "did you mean sqlite:sqlite/app.db?");
  EXPECT_EQ(error_of("data/app.db").hint, "did you mean sqlite:data/app.db?");
  EXPECT_EQ(error_of("postgres://h").hint, "known are memory:, sqlite:, redis:, component:");
  EXPECT_THAT(error_of("postgres://h").message, HasSubstr("no provider 'postgres:'"));
}

TEST(ProviderUrl, RefusesWhatIsNoUrl) {
  for (std::string_view text :
       {"", ":", ":x", "1sqlite:x", "sq lite:x", "sqlite:a%", "sqlite:a%2", "sqlite:a%zz",
        "sqlite:a%00b", "sqlite:a\nb", "memory:?a", "memory:?=1", "memory:?a=1&a=2"}) {
    EXPECT_EQ(error_of(text).code, ErrorCode::InvalidArgument) << text;
  }
  EXPECT_EQ(error_of(std::string(9000, 'a')).code, ErrorCode::LimitExceeded);
  EXPECT_THAT(error_of("sqlite:100%.db").hint, HasSubstr("%25"));
  EXPECT_THAT(error_of("sqlite:\x1b[31m").message, HasSubstr("\\x1b[31m"));
}

TEST(ProviderUrl, ShowsNoPassword) {
  EXPECT_EQ(parse_provider_url("redis://bob:hunter2@h:6379/0?tls=yes")->shown(),
            "redis://bob:***@h:6379/0?tls=yes");
  EXPECT_EQ(parse_provider_url("redis://:a@b@h")->shown(), "redis://:***@h");
  EXPECT_EQ(parse_provider_url("redis://hunter2@h")->shown(), "redis://***@h");
  EXPECT_EQ(parse_provider_url("redis://bob:hun/ter2@h/0")->shown(), "redis://bob:***@h/0");
  EXPECT_EQ(parse_provider_url("redis://bob:hun?ter=2@h/0")->shown(), "redis://***");
  EXPECT_EQ(parse_provider_url("redis://bob:42?ter2@h/0?a=b")->shown(), "redis://***");
  EXPECT_EQ(parse_provider_url("redis://h:42?user=a@b")->shown(), "redis://h:42?user=a@b");
  EXPECT_EQ(parse_provider_url("nats://h:42/a@b")->shown(), "nats://h:42/a@b");
  EXPECT_THAT(error_of("redis://bob:hunter2%@h").message, HasSubstr("bob:***@h"));
  EXPECT_THAT(error_of("redis//bob:hunter2@h").message, HasSubstr("redis//bob:***@h"));
  EXPECT_THAT(error_of("sqlite:x?password=hunter%").message, Not(HasSubstr("hunter")));
  EXPECT_EQ(parse_provider_url("nats://h/a@b?Password=x&sslkey=y")->shown(),
            "nats://h/a@b?Password=***&sslkey=***");
  EXPECT_EQ(parse_provider_url("sqlite:a@b:c.db")->shown(), "sqlite:a@b:c.db");
}

TEST(ProviderUrl, OptionsHaveUnitsAndNames) {
  auto url = *parse_provider_url(
      "sqlite:a?size=64MiB&plain=12&time=2s&short=50ms&bad=12q&big=99999999999G");
  EXPECT_EQ(*url.bytes_option("size", 0), 64u << 20);
  EXPECT_EQ(*url.bytes_option("plain", 0), 12u);
  EXPECT_EQ(*url.bytes_option("absent", 5), 5u);
  EXPECT_EQ(*url.milliseconds_option("time", 0), 2000u);
  EXPECT_EQ(*url.milliseconds_option("short", 0), 50u);
  EXPECT_EQ(url.bytes_option("bad", 0).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(url.bytes_option("big", 0).error().code, ErrorCode::InvalidArgument);
  EXPECT_EQ(url.milliseconds_option("plain", 0).error().code, ErrorCode::InvalidArgument);

  constexpr std::string_view kKnown[] = {"max_bytes", "synchronous"};
  EXPECT_TRUE(parse_provider_url("sqlite:a?max_bytes=1")->only_options(kKnown));
  EXPECT_EQ(parse_provider_url("sqlite:a?max_byte=1")->only_options(kKnown).error().hint,
            "did you mean max_bytes=?");
  EXPECT_EQ(parse_provider_url("sqlite:a?x=1")->only_options(kKnown).error().hint,
            "its options are max_bytes, synchronous");
}

TEST(LinkArgument, SplitsContractAndUrl) {
  auto link = parse_link_argument("wasi:keyvalue/store@0.2.0-draft2=sqlite:a.db?x=1", kSchemes);
  ASSERT_TRUE(link) << link.error().message;
  EXPECT_EQ(link->contract, "wasi:keyvalue/store@0.2.0-draft2");
  EXPECT_EQ(link->url.path, "a.db");
  EXPECT_TRUE(parse_link_argument("wasi:keyvalue=memory:", kSchemes));
  EXPECT_TRUE(parse_link_argument("acme:price-list@1.0.0+b=component:pricing", kSchemes));
}

TEST(LinkArgument, SaysWhatIsWrong) {
  for (std::string_view text :
       {"", "memory:", "=memory:", "keyvalue=memory:", "wasi:=memory:", ":kv=memory:",
        "wasi:kv/=memory:", "wasi:kv@=memory:", "wasi:kv@x=memory:", "wasi:-kv=memory:",
        "wasi:kv-=memory:", "wasi:k v=memory:", "wasi:kv=", "wasi:kv=nothing"}) {
    EXPECT_FALSE(parse_link_argument(text, kSchemes)) << text;
  }
  auto link = parse_link_argument("wasi:keyvalue=sqllite:a.db", kSchemes);
  EXPECT_EQ(link.error().message, "the link of wasi:keyvalue: there is no provider 'sqllite:'");
  EXPECT_EQ(link.error().hint, "did you mean sqlite:?");
}

}  // namespace
}  // namespace unbolt::contracts
