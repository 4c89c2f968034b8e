#include "unbolt/providers/kv_postgres/kv_postgres.h"

#include <gtest/gtest.h>

#include "unbolt/contracts/testing/key_value_suite.h"
#include "unbolt/contracts/testing/remote_key_value.h"
#include "unbolt/providers/testing/postgres_server.h"

namespace unbolt::providers {
namespace {

using contracts::KeyValue;
using contracts::KeyValueLimits;
using contracts::SeenChanges;

// One server for the contract suite: each test has a table of its own.
std::shared_ptr<KeyValue> fresh_store(BlockingPool& pool) {
  static PostgresServer server;
  static int count = 0;
  auto url = contracts::parse_provider_url(server.url(fmt::format("?table=test{}", ++count)));
  auto store = open_kv_postgres(*url, {stderr_log(), pool});
  if (!store) throw std::runtime_error(store.error().message);
  return *store;
}

}  // namespace
}  // namespace unbolt::providers

namespace unbolt::contracts {

INSTANTIATE_TEST_SUITE_P(Postgres, KeyValueSuite,
                         ::testing::Values(KeyValueCase{"postgres", providers::fresh_store}));
INSTANTIATE_TEST_SUITE_P(Postgres, RemoteKeyValueSuite,
                         ::testing::Values(RemoteKeyValueCase{
                             "postgres", make_remote_server<providers::PostgresServer>,
                             providers::open_kv_postgres}));

}  // namespace unbolt::contracts

namespace unbolt::providers {
namespace {

class KvPostgres : public contracts::RemoteKeyValueTest {
 protected:
  Result<std::shared_ptr<KeyValue>> open(const std::string& url) {
    return contracts::RemoteKeyValueTest::open(open_kv_postgres, url);
  }
  PostgresServer server;
};

TEST_F(KvPostgres, OpeningSaysWhatIsWrong) {
  struct Wrong {
    std::string url;
    ErrorCode code;
    std::string part;
  };
  ASSERT_EQ(server.sql("CREATE TABLE taken(bucket text, key text, long_key text, value text);"
                       "CREATE TABLE taken_watch(x int);"
                       "CREATE TABLE odd(x int); CREATE TABLE odd_watch(x int);"
                       "CREATE USER guest PASSWORD 'sesame'"),
            0);
  auto at = [&](std::string_view who, std::string_view rest) {
    return fmt::format("postgres://{}127.0.0.1:{}/{}", who, server.port(), rest);
  };
  const Wrong wrong[] = {
      {at("unbolt:hidden@", "postgres"), ErrorCode::Denied, "password authentication failed"},
      {at("nobody:hidden@", "postgres"), ErrorCode::Denied, "password authentication failed"},
      {at("unbolt@", "postgres"), ErrorCode::Denied, "no password supplied"},
      {at("unbolt:sesame@", "nothing"), ErrorCode::NotFound, "does not exist"},
      {at("unbolt:sesame@", "postgres?table=no_schema.kv"), ErrorCode::NotFound, "no_schema"},
      {at("unbolt:sesame@", "postgres?table=a;b"), ErrorCode::InvalidArgument, "a table is"},
      {at("unbolt:sesame@", "postgres?table=taken"), ErrorCode::Conflict, "taken"},
      {at("unbolt:sesame@", "postgres?table=odd"), ErrorCode::Conflict, "odd"},
      {at("guest:sesame@", "postgres"), ErrorCode::Denied, "permission denied"},
      {at("unbolt:hidden@", "postgres?tabel=x"), ErrorCode::InvalidArgument, "does not know"},
      {at("unbolt:sesame@", "postgres?sslmode=require"), ErrorCode::Unavailable, "SSL"},
      {at("unbolt:sesame@", "postgres?connections=0"), ErrorCode::InvalidArgument, "connections"},
      {fmt::format("postgres://unbolt:hidden@127.0.0.1:{}/postgres?timeout=1s", free_port()),
       ErrorCode::Unavailable, "refused"},
      {"postgres://unbolt:hidden@no-such-host.invalid/x?timeout=2s", ErrorCode::Unavailable,
       "no-such-host"},
      {"postgres:x", ErrorCode::InvalidArgument, "names no server"},
      // A password that should have been written with %XX.
      {at("unbolt:hidden/hidden@", "postgres"), ErrorCode::InvalidArgument, "cannot be read"},
      {at("unbolt:4/hidden@", "postgres"), ErrorCode::InvalidArgument, "cannot be read"},
      {at("unbolt:hidden?hidden@", "postgres?x=y"), ErrorCode::InvalidArgument, "cannot be read"},
      {at("unbolt:4?hidden@", "postgres?x=y"), ErrorCode::InvalidArgument, "cannot be read"},
      {at("unbolt:hid@hidden@", "postgres"), ErrorCode::InvalidArgument, "cannot be read"},
      {at("unbolt:hidden%zz@", "postgres"), ErrorCode::InvalidArgument, "%"},
  };
  for (const Wrong& one : wrong) {
    auto store = open(one.url);
    ASSERT_FALSE(store) << one.url;
    EXPECT_EQ(store.error().code, one.code) << one.url << ": " << store.error().message;
    EXPECT_TRUE(store.error().message.contains(one.part)) << store.error().message;
    for (std::string_view secret : {"hidden", "sesame"})
      EXPECT_FALSE(store.error().message.contains(secret)) << store.error().message;
  }
}

TEST_F(KvPostgres, TablesAreApartAndMadeOnce) {
  ASSERT_EQ(server.sql("CREATE SCHEMA apps"), 0);
  auto first = *open(server.url()), again = *open(server.url());
  auto second = *open(server.url("?table=apps.kv&application_name=other"));
  ASSERT_TRUE(now(first->set("b", "k", as_bytes("first"))));
  EXPECT_EQ(as_text(**now(again->get("b", "k"))), "first");
  EXPECT_EQ(*now(second->get("b", "k")), std::nullopt);

  // Who may only use the tables need not be allowed to make them.
  ASSERT_EQ(
      server.sql("CREATE USER guest PASSWORD 'sesame';"
                 "GRANT SELECT, INSERT, UPDATE, DELETE ON unbolt_kv, unbolt_kv_watch TO guest"),
      0);
  auto guest = open(fmt::format("postgresql://guest:sesame@127.0.0.1:{}/postgres", server.port()));
  ASSERT_TRUE(guest) << guest.error().message;
  EXPECT_EQ(*now((*guest)->increment("b", "n", 2)), 2u);

  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      auto store = open(server.url("?table=together"));
      EXPECT_TRUE(store) << store.error().message;
    });
  }
}

TEST_F(KvPostgres, ServersAreTriedInTheirOrder) {
  auto at = [&](std::string_view hosts, std::string_view options = "") {
    return fmt::format("postgres://unbolt:sesame@{}/postgres?timeout=5s{}", hosts, options);
  };
  const std::string port = std::to_string(server.port()), closed = std::to_string(free_port());
  for (const std::string& url :
       {at("localhost:" + port), at("127.0.0.1:" + closed + ",localhost:" + port),
        at("no-such-host.invalid,127.0.0.1:" + port),
        at("no-such-host.invalid:" + port, "&hostaddr=127.0.0.1"),
        at("", "&host=localhost&port=" + port)}) {
    auto store = open(url);
    ASSERT_TRUE(store) << url << ": " << store.error().message;
    EXPECT_TRUE(now((*store)->set("b", "k", as_bytes("v"))));
  }
  EXPECT_FALSE(open(at("localhost:" + port + ",127.0.0.1:" + port, "&port=1,2,3")));
}

TEST_F(KvPostgres, SpeaksTls) {
  const std::string key = server.folder() + "/data/key.pem";
  const std::string certificate = server.folder() + "/data/cert.pem";
  const std::string make =
      "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
      " -addext subjectAltName=DNS:localhost -keyout '" +
      key + "' -out '" + certificate + "' 2>/dev/null && chmod 600 '" + key +
      "' && chown --reference='" + server.folder() + "/data' '" + key + "' '" + certificate + "'";
  ASSERT_EQ(std::system(make.c_str()), 0) << "openssl is missing: apt-get install openssl";
  ASSERT_EQ(server.sql(fmt::format("ALTER SYSTEM SET ssl_cert_file = '{}'", certificate)), 0);
  ASSERT_EQ(server.sql(fmt::format("ALTER SYSTEM SET ssl_key_file = '{}'", key)), 0);
  ASSERT_EQ(server.sql("ALTER SYSTEM SET ssl = on"), 0);
  ASSERT_EQ(server.sql("SELECT pg_reload_conf()"), 0);
  auto url = [&](std::string_view host, std::string_view ca) {
    return fmt::format("postgres://unbolt:sesame@{}:{}/postgres?sslmode=verify-full&sslrootcert={}",
                       host, server.port(), ca);
  };
  Result<std::shared_ptr<KeyValue>> store;
  for (int i = 0; i < 100 && !(store = open(url("localhost", certificate))); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  ASSERT_TRUE(store) << store.error().message;
  Bytes large(3 << 20, 'v');
  ASSERT_TRUE(now((*store)->set("b", "k", large)));
  EXPECT_TRUE(*now((*store)->get("b", "k")) == large);
  auto other = open(url("127.0.0.1", certificate));
  ASSERT_FALSE(other) << "the certificate is for another name";
  EXPECT_TRUE(other.error().message.contains("certificate")) << other.error().message;
}

// Keys that no index would take whole.
TEST_F(KvPostgres, LongKeysOfRandomBytes) {
  auto store = *open(server.url());
  std::vector<std::string> keys;
  std::uint32_t random = 1;
  for (std::size_t length : {1023, 1024, 1025, 1056, 2000, 4096, 4096, 4096}) {
    std::string key(length, 'x');
    for (std::size_t i = 100; i < length; ++i)
      key[i] = static_cast<char>((random = random * 1664525 + 1013904223) >> 24);
    keys.push_back(key);
  }
  // Alike up to their last byte.
  keys.push_back(keys.back());
  keys.back().back() ^= 1;
  const std::string bucket(KeyValueLimits::kBucketName, '\xfe');
  SeenChanges seen;
  auto watch = *now(store->watch(bucket, seen.callback()));
  std::vector<contracts::KeyValuePair> pairs;
  for (const std::string& key : keys) pairs.emplace_back(key, as_bytes(key));
  ASSERT_TRUE(now(store->set_many(bucket, pairs)));
  std::vector<std::string_view> names(keys.begin(), keys.end());
  auto found = *now(store->get_many(bucket, names));
  for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_TRUE(as_text(*found[i]) == keys[i]) << i;
  auto page = *now(store->list_keys(bucket, std::nullopt));
  EXPECT_EQ(std::set(page.keys.begin(), page.keys.end()), std::set(keys.begin(), keys.end()));
  EXPECT_TRUE(now(store->list_keys(bucket, keys[6])));
  ASSERT_TRUE(now(store->remove(bucket, keys[7])));
  EXPECT_EQ(*now(store->get(bucket, keys[7])), std::nullopt);
  EXPECT_TRUE(*now(store->exists(bucket, keys[8])));
  EXPECT_TRUE(seen.has("deleted " + bucket + "/" + keys[7]));
  EXPECT_TRUE(seen.has("set " + bucket + "/" + keys[8] + "=" + keys[8]));
}

TEST_F(KvPostgres, AStatementThatWaitsEndsAtTheDeadline) {
  auto store = *open(server.url("?timeout=500ms&connections=1"));
  ASSERT_TRUE(now(store->set("b", "k", as_bytes("v"))));
  // Another program holds the table.
  std::jthread holder([this] {
    EXPECT_EQ(server.sql("BEGIN; LOCK TABLE unbolt_kv; SELECT pg_sleep(2); COMMIT"), 0);
  });
  auto begin = std::chrono::steady_clock::now();
  Result<> last;
  while ((last = now(store->set("b", "k", as_bytes("v")))) &&
         std::chrono::steady_clock::now() - begin < std::chrono::seconds(20)) {
  }
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, ErrorCode::Timeout) << last.error().message;
  holder.join();
  EXPECT_TRUE(now(store->set("b", "k", as_bytes("v"))));
}

// A planned restart of the server, or an administrator: nothing was under way.
TEST_F(KvPostgres, ConnectionsThatEndedWhileIdleCostNoCall) {
  auto store = *open(server.url("?connections=4"));
  auto many = [&] {
    std::vector<Result<>> outcomes;
    auto write = [](KeyValue& store, std::vector<Result<>>& outcomes) -> Task<> {
      outcomes.push_back(co_await store.set("b", "k", as_bytes("v")).wait());
    };
    for (int i = 0; i < 100; ++i) {
      asio::co_spawn(loop, write(*store, outcomes),
                     [](std::exception_ptr failure) { EXPECT_FALSE(failure); });
    }
    loop.restart();
    loop.run();
    EXPECT_EQ(outcomes.size(), 100u);
    for (const Result<>& outcome : outcomes) EXPECT_TRUE(outcome) << outcome.error().message;
  };
  for (int i = 0; i < 3; ++i) {
    many();
    ASSERT_EQ(server.sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                         " WHERE application_name = 'unbolt'"),
              0);
  }
  many();
}

TEST_F(KvPostgres, AWatchSeesOtherHosts) {
  auto here = *open(server.url()), there = *open(server.url());
  SeenChanges seen;
  auto watch = *now(here->watch("b", seen.callback()));
  const std::string large(1 << 20, 'v');
  ASSERT_TRUE(now(there->set("b", "large", as_bytes(large))));
  EXPECT_EQ(*now(there->increment("b", "n", 7)), 7u);
  EXPECT_TRUE(seen.has("set b/n=7"));
  EXPECT_TRUE(seen.has("set b/large=" + large));
}

}  // namespace
}  // namespace unbolt::providers
