#include "unbolt/providers/kv_redis/kv_redis.h"

#include <gtest/gtest.h>

#include "unbolt/contracts/testing/key_value_suite.h"
#include "unbolt/contracts/testing/remote_key_value.h"
#include "unbolt/providers/testing/redis_server.h"

namespace unbolt::providers {
namespace {

using contracts::KeyValue;
using contracts::KeyValueLimits;
using contracts::SeenChanges;
using std::chrono::milliseconds;

// One server for the contract suite: each test has a prefix of its own.
std::shared_ptr<KeyValue> fresh_store(BlockingPool& pool) {
  static RedisServer server;
  static int count = 0;
  KvRedisOptions options;
  options.server = {"", "", "127.0.0.1", server.port(), ""};
  options.prefix = fmt::format("test{}:", ++count);
  auto store = make_kv_redis(options, stderr_log(), pool);
  if (!store) throw std::runtime_error(store.error().message);
  return *store;
}

}  // namespace
}  // namespace unbolt::providers

namespace unbolt::contracts {

INSTANTIATE_TEST_SUITE_P(Redis, KeyValueSuite,
                         ::testing::Values(KeyValueCase{"redis", providers::fresh_store}));
INSTANTIATE_TEST_SUITE_P(Redis, RemoteKeyValueSuite,
                         ::testing::Values(RemoteKeyValueCase{
                             "redis", make_remote_server<providers::RedisServer>,
                             providers::open_kv_redis}));

}  // namespace unbolt::contracts

namespace unbolt::providers {
namespace {

class KvRedis : public contracts::RemoteKeyValueTest {
 protected:
  Result<std::shared_ptr<KeyValue>> open(const std::string& url) {
    return contracts::RemoteKeyValueTest::open(open_kv_redis, url);
  }
};

TEST_F(KvRedis, OpeningSaysWhatIsWrong) {
  RedisServer open_server, with_password({"--requirepass", "sesame"});
  struct Wrong {
    std::string url;
    ErrorCode code;
    std::string part;
  };
  auto at = [](const RedisServer& server, std::string_view who, std::string_view rest) {
    return fmt::format("redis://{}127.0.0.1:{}{}", who, server.port(), rest);
  };
  const Wrong wrong[] = {
      {at(with_password, "", ""), ErrorCode::Denied, "refused: NOAUTH"},
      {at(with_password, ":wrong@", ""), ErrorCode::Denied, "refused: WRONGPASS"},
      {at(with_password, "nobody:sesame@", ""), ErrorCode::Denied, "refused: WRONGPASS"},
      {at(open_server, ":wrong@", ""), ErrorCode::Denied, "refused: ERR AUTH"},
      {at(open_server, "", "/4"), ErrorCode::NotFound, "refused: ERR DB index"},
      {at(open_server, "", "/first"), ErrorCode::InvalidArgument, "the database is a number"},
      {at(open_server, "", "?connections=many"), ErrorCode::InvalidArgument, "connections"},
      {at(open_server, "", "?time=1s"), ErrorCode::InvalidArgument, "no option 'time'"},
      {at(open_server, "", "?ca=file"), ErrorCode::InvalidArgument, "no option 'ca'"},
      {fmt::format("redis://:wrong@127.0.0.1:{}?timeout=1s", free_port()), ErrorCode::Unavailable,
       "Connection refused"},
      {"redis://:wrong@no-such-host.invalid?timeout=2s", ErrorCode::Unavailable, "no-such-host"},
      {"redis:", ErrorCode::InvalidArgument, "names no server"},
  };
  for (const Wrong& one : wrong) {
    auto store = open(one.url);
    ASSERT_FALSE(store) << one.url;
    EXPECT_EQ(store.error().code, one.code) << one.url << ": " << store.error().message;
    EXPECT_TRUE(store.error().message.contains(one.part)) << store.error().message;
    EXPECT_FALSE(store.error().message.contains("wrong")) << store.error().message;
    if (one.code != ErrorCode::InvalidArgument) EXPECT_FALSE(store.error().hint.empty()) << one.url;
  }
  EXPECT_TRUE(open(at(with_password, ":sesame@", "/3")));
  EXPECT_TRUE(open(at(with_password, "default:sesame@", "")));
}

// The rights that docs/contracts.md names are enough.
TEST_F(KvRedis, AUserWithFewRights) {
  RedisServer server;
  const std::string allow = fmt::format(
      "redis-cli -p {} ACL SETUSER shop on '>sesame' '~unbolt:kv:*' '&unbolt:kv:changes'"
      " +hget +hexists +hset +hdel +hlen +hstrlen +zadd +zrem +zrangebylex +eval +evalsha"
      " +publish +subscribe +select >/dev/null",
      server.port());
  ASSERT_EQ(std::system(allow.c_str()), 0);
  auto opened = open(fmt::format("redis://shop:sesame@127.0.0.1:{}", server.port()));
  ASSERT_TRUE(opened) << opened.error().message;
  auto store = *opened;
  SeenChanges seen;
  auto watch = now(store->watch("b", seen.callback()));
  ASSERT_TRUE(watch) << watch.error().message;
  ASSERT_TRUE(now(store->set("b", "k", as_bytes("1"))));
  EXPECT_EQ(*now(store->increment("b", "k", 1)), 2u);
  std::string_view keys[] = {"k", "none"};
  EXPECT_TRUE(now(store->get_many("b", keys)));
  EXPECT_TRUE(*now(store->exists("b", "k")));
  EXPECT_EQ(now(store->list_keys("b", std::nullopt))->keys.size(), 1u);
  EXPECT_EQ(now(store->list_buckets(std::nullopt))->buckets.size(), 1u);
  ASSERT_TRUE(now(store->remove("b", "k")));
  EXPECT_TRUE(seen.has("deleted b/k"));

  auto elsewhere = open(fmt::format("redis://shop:sesame@127.0.0.1:{}?prefix=x:", server.port()));
  ASSERT_TRUE(elsewhere);
  EXPECT_EQ(now((*elsewhere)->get("b", "k")).error().code, ErrorCode::Denied);
}

TEST_F(KvRedis, DatabasesAndPrefixesAreApart) {
  RedisServer server;
  auto first = *open(server.url("/0")), second = *open(server.url("/1"));
  auto third = *open(server.url("/0?prefix=other:"));
  ASSERT_TRUE(now(first->set("b", "k", as_bytes("first"))));
  EXPECT_EQ(*now(second->get("b", "k")), std::nullopt);
  EXPECT_EQ(*now(third->get("b", "k")), std::nullopt);
  EXPECT_EQ(as_text(**now((*open(server.url()))->get("b", "k"))), "first");
}

TEST_F(KvRedis, SpeaksTls) {
  TemporaryFolder folder;
  const std::string key = folder.path() + "/key.pem", certificate = folder.path() + "/cert.pem";
  const std::string make =
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
      " -addext subjectAltName=DNS:localhost -keyout '" +
      key + "' -out '" + certificate + "' 2>/dev/null";
  ASSERT_EQ(std::system(make.c_str()), 0) << "openssl is missing: apt-get install openssl";
  const std::uint16_t tls_port = free_port();
  RedisServer server({"--tls-port", std::to_string(tls_port), "--tls-cert-file", certificate,
                      "--tls-key-file", key, "--tls-auth-clients", "no"});
  auto store = open(fmt::format("rediss://localhost:{}?ca={}", tls_port, certificate));
  ASSERT_TRUE(store) << store.error().message;
  Bytes large(3 << 20, 'v');
  ASSERT_TRUE(now((*store)->set("b", "k", large)));
  EXPECT_TRUE(*now((*store)->get("b", "k")) == large);

  auto stranger = open(fmt::format("rediss://localhost:{}?timeout=5s", tls_port));
  ASSERT_FALSE(stranger);
  EXPECT_EQ(stranger.error().code, ErrorCode::Unavailable);
  EXPECT_TRUE(stranger.error().message.contains("no TLS")) << stranger.error().message;
  EXPECT_FALSE(open(fmt::format("rediss://127.0.0.1:{}?ca={}", tls_port, certificate)))
      << "the certificate is for another name";
  auto plain = open(fmt::format("rediss://localhost:{}?timeout=2s", server.port()));
  EXPECT_FALSE(plain) << "the port does not speak TLS";
}

// Another program emptied the server's memory of scripts.
TEST_F(KvRedis, AScriptThatTheServerForgotIsSentAgain) {
  RedisServer server;
  auto store = *open(server.url());
  ASSERT_TRUE(now(store->set("b", "k", as_bytes("1"))));
  const std::string flush = fmt::format("redis-cli -p {} SCRIPT FLUSH >/dev/null", server.port());
  ASSERT_EQ(std::system(flush.c_str()), 0);
  EXPECT_EQ(*now(store->increment("b", "k", 1)), 2u);
  ASSERT_TRUE(now(store->set("b", "k", as_bytes("7"))));
  EXPECT_EQ(as_text(**now(store->get("b", "k"))), "7");
}

TEST_F(KvRedis, AServersRefusalIsTold) {
  RedisServer server({"--maxmemory", "20mb", "--maxmemory-policy", "noeviction"});
  auto store = *open(server.url());
  Bytes value(4 << 20, 'v');
  Result<> last;
  for (int i = 0; i < 20 && last; ++i) last = now(store->set("b", std::to_string(i), value));
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, ErrorCode::LimitExceeded);
  EXPECT_TRUE(last.error().message.contains("OOM")) << last.error().message;
  EXPECT_TRUE(*now(store->exists("b", "0")));

  // Something else lies under one of our names.
  const std::string put =
      fmt::format("redis-cli -p {} SET unbolt:kv:values:c x >/dev/null", server.port());
  ASSERT_EQ(std::system(put.c_str()), 0);
  EXPECT_EQ(now(store->get("c", "k")).error().code, ErrorCode::Conflict);
}

TEST_F(KvRedis, AWatchSeesOtherHostsAndLargeValues) {
  RedisServer server;
  auto here = *open(server.url()), there = *open(server.url());
  SeenChanges seen;
  auto watch = *now(here->watch("b", seen.callback()));
  const std::string large(1 << 20, 'v');
  ASSERT_TRUE(now(there->set("b", "large", as_bytes(large))));
  ASSERT_TRUE(now(there->set("b", "small", as_bytes("v"))));
  EXPECT_TRUE(seen.has("set b/small=v"));
  EXPECT_TRUE(seen.has("set b/large=" + large));
}

}  // namespace
}  // namespace unbolt::providers
