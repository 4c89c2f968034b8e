#include "unbolt/providers/kv_sqlite/kv_sqlite.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "unbolt/contracts/testing/key_value_suite.h"
#include "unbolt/providers/kv_sqlite/open.h"
#include "unbolt/providers/kv_sqlite/testing.h"

namespace unbolt::providers {
namespace {

using contracts::KeyValue;
using contracts::KeyValueCase;
using contracts::KeyValuePair;
using contracts::KeyValueSuite;
using ::testing::HasSubstr;

// A file of its own for each provider of the suite; all of them go with the program.
std::string new_file() {
  static TemporaryFolder folder;
  static int number = 0;
  return folder.file(std::to_string(++number) + ".db");
}

std::shared_ptr<KeyValue> make(BlockingPool& pool, KvSqliteOptions options) {
  auto store = make_kv_sqlite(options, pool);
  EXPECT_TRUE(store) << store.error().message;
  return store ? *store : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Sqlite, KeyValueSuite,
                         ::testing::Values(KeyValueCase{"sqlite", [](BlockingPool& pool) {
                                                          return make(pool, {.path = new_file()});
                                                        }}));

// Another program on the same file.
class OtherProgram {
 public:
  explicit OtherProgram(const std::string& path) { sqlite3_open(path.c_str(), &handle_); }
  ~OtherProgram() { sqlite3_close(handle_); }
  void run(const char* sql) {
    EXPECT_EQ(sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr), SQLITE_OK)
        << sqlite3_errmsg(handle_);
  }

 private:
  sqlite3* handle_ = nullptr;
};

class KvSqlite : public ::testing::Test {
 protected:
  std::shared_ptr<KeyValue> open(KvSqliteOptions options = {}) {
    options.path = path;
    return make(*pool, options);
  }
  Error open_error(std::string_view url) {
    contracts::ProviderTable<KeyValue> table({{"memory", nullptr}, {"sqlite", open_kv_sqlite}});
    auto store = table.open(url, {stderr_log(), *pool});
    EXPECT_FALSE(store) << url;
    return store ? Error{} : store.error();
  }
  template <class T>
  T now(Reply<T> reply) {
    if (reply.ready()) return std::move(reply).take();
    return run_task(loop, std::move(reply).task());
  }
  std::string get(KeyValue& store, std::string_view key) {
    auto value = now(store.get("b", key));
    if (!value) return "error: " + value.error().message;
    return *value ? std::string(as_text(**value)) : "none";
  }
  // What was open is closed.
  void settle() {
    pool.reset();
    pool.emplace(3);
  }

  TemporaryFolder folder;
  std::string path = folder.file("app.db");
  asio::io_context loop{1};
  std::optional<BlockingPool> pool{std::in_place, 3};
};

TEST_F(KvSqlite, KeepsWhatWasWritten) {
  auto store = open();
  ASSERT_TRUE(now(store->set("b", "k", as_bytes("v"))));
  EXPECT_EQ(*now(store->increment("b", "n", 7)), 7u);
  store.reset();
  settle();
  EXPECT_FALSE(std::filesystem::exists(path + "-wal")) << "closed: the log was copied back";
  store = open();
  EXPECT_EQ(get(*store, "k"), "v");
  EXPECT_EQ(*now(store->increment("b", "n", 1)), 8u);
}

TEST_F(KvSqlite, AnAnsweredWriteIsSyncedToTheDisk) {
  KvSqliteOptions options{.path = path};
  auto connection = sqlite::open_for_writing(options);
  ASSERT_TRUE(connection);
  EXPECT_EQ(*(*connection)->ask("PRAGMA journal_mode"), "wal");
  EXPECT_EQ(*(*connection)->ask("PRAGMA synchronous"), "2");
  options.durability = KvDurability::Crash;
  EXPECT_EQ(*(*sqlite::open_for_writing(options))->ask("PRAGMA synchronous"), "1");
}

TEST_F(KvSqlite, TwoProvidersShareAFile) {
  auto one = open(), two = open();
  std::vector<std::jthread> threads;
  for (KeyValue* store : {one.get(), two.get()}) {
    threads.emplace_back([store] {
      asio::io_context own(1);
      auto task = [](KeyValue& store) -> Task<Result<>> {
        for (int i = 0; i < 50; ++i) {
          auto sum = co_await store.increment("b", "n", 1).wait();
          EXPECT_TRUE(sum) << sum.error().message;
        }
        co_return Result<>();
      };
      EXPECT_TRUE(run_task(own, task(*store)));
    });
  }
  threads.clear();
  EXPECT_EQ(get(*one, "n"), "100");
}

TEST_F(KvSqlite, AWriteThatWaitsForAnotherProgramHoldsUpNoReadAndNoLoop) {
  auto store = open();
  ASSERT_TRUE(now(store->set("b", "k", as_bytes("old"))));
  OtherProgram other(path);
  other.run("BEGIN IMMEDIATE");
  bool written = false;
  asio::co_spawn(
      loop,
      [](KeyValue& store, bool& written) -> Task<> {
        auto done = co_await store.set("b", "k", as_bytes("new")).wait();
        EXPECT_TRUE(done) << done.error().message;
        written = true;
      }(*store, written),
      [](std::exception_ptr failure) { EXPECT_FALSE(failure); });
  asio::co_spawn(
      loop,
      [](KeyValue& store, OtherProgram& other, bool& written) -> Task<> {
        for (int i = 0; i < 20; ++i) {
          Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(2));
          co_await timer.async_wait(use_task);
          auto value = co_await store.get("b", "k").wait();
          EXPECT_TRUE(value && *value);
          EXPECT_EQ(as_text(**value), "old");
        }
        EXPECT_FALSE(written);
        other.run("COMMIT");
      }(*store, other, written),
      [](std::exception_ptr failure) { EXPECT_FALSE(failure); });
  loop.restart();
  loop.run();
  EXPECT_TRUE(written);
  EXPECT_EQ(get(*store, "k"), "new");
}

TEST_F(KvSqlite, SaysWhenAnotherProgramDoesNotLetGo) {
  auto store = open({.busy_timeout = std::chrono::milliseconds(30)});
  OtherProgram other(path);
  other.run("BEGIN IMMEDIATE");
  auto done = now(store->set("b", "k", as_bytes("v")));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::Unavailable);
  EXPECT_THAT(done.error().message, HasSubstr("locked by another process"));
  other.run("ROLLBACK");
  EXPECT_TRUE(now(store->set("b", "k", as_bytes("v"))));
}

TEST_F(KvSqlite, AFullDatabaseRefusesAndChangesNothing) {
  auto store = open({.max_bytes = 256 << 10});
  Bytes large(100 << 10, 'x');
  ASSERT_TRUE(now(store->set("b", "a", as_bytes("old"))));
  std::vector<KeyValuePair> pairs = {
      {"a", as_bytes("new")}, {"x", large}, {"y", large}, {"z", large}};
  auto done = now(store->set_many("b", pairs));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::LimitExceeded);
  EXPECT_THAT(done.error().message, HasSubstr("full"));
  EXPECT_EQ(get(*store, "a"), "old");
  EXPECT_EQ(get(*store, "x"), "none");
  EXPECT_TRUE(now(store->set("b", "x", large)));
}

TEST_F(KvSqlite, AWriteThatIsTooLargeDoesNotTakeOthersOfItsGroupDown) {
  auto store = open({.max_bytes = 256 << 10});
  OtherProgram other(path);
  other.run("BEGIN IMMEDIATE");  // so that all of them gather in one group
  Bytes large(400 << 10, 'x');
  int good = 0, refused = 0, ended = 0;
  auto write = [](KeyValue& store, std::string key, ByteView value, int& good, int& refused,
                  int& ended) -> Task<> {
    auto done = co_await store.set("b", key, value).wait();
    ++(done ? good : refused);
    ++ended;
  };
  for (int i = 0; i < 20; ++i) {
    ByteView value = i == 10 ? ByteView(large) : as_bytes("small");
    asio::co_spawn(loop, write(*store, std::to_string(i), value, good, refused, ended),
                   [](std::exception_ptr) {});
  }
  asio::post(loop, [&] { other.run("COMMIT"); });
  loop.run();
  EXPECT_EQ(good, 19);
  EXPECT_EQ(refused, 1);
  EXPECT_EQ(get(*store, "10"), "none");
  EXPECT_EQ(get(*store, "19"), "small");
}

TEST_F(KvSqlite, OpensByUrl) {
  contracts::ProviderTable<KeyValue> table({{"sqlite", open_kv_sqlite}});
  contracts::ProviderContext context{stderr_log(), *pool};
  for (std::string url :
       {"sqlite:" + path, "sqlite://" + path + "?synchronous=normal&busy_timeout=1s&max_bytes=1G",
        "sqlite:" + folder.path() + "/with%20space%3f.db"}) {
    auto store = table.open(url, context);
    ASSERT_TRUE(store) << store.error().message;
    EXPECT_TRUE(now((*store)->set("b", "k", as_bytes("v"))));
  }
  EXPECT_TRUE(std::filesystem::exists(folder.file("with space?.db")));

  EXPECT_EQ(open_error("sqlite:").hint, "write sqlite:app.db");
  EXPECT_EQ(open_error("sqlite::memory:").hint, "did you mean memory:?");
  EXPECT_EQ(open_error("sqlite://app.db").hint, "did you mean sqlite:app.db?");
  EXPECT_EQ(open_error("sqlite:a.db?sync=full").code, ErrorCode::InvalidArgument);
  EXPECT_EQ(open_error("sqlite:a.db?synchronous=off").code, ErrorCode::InvalidArgument);
  EXPECT_EQ(open_error("sqlite:a.db?busy_timeout=soon").code, ErrorCode::InvalidArgument);
  EXPECT_FALSE(std::filesystem::exists("a.db"));
}

TEST_F(KvSqlite, SaysWhichFolderIsMissing) {
  Error error = open_error("sqlite:" + folder.file("no/such/app.db"));
  EXPECT_EQ(error.code, ErrorCode::NotFound);
  EXPECT_THAT(error.message, HasSubstr("there is no database '" + folder.file("no/such/app.db")));
  EXPECT_THAT(error.message, HasSubstr("the folder '" + folder.file("no/such") + "' is not there"));
  EXPECT_THAT(error.hint, HasSubstr("mkdir -p"));

  error = open_error("sqlite:" + folder.path());
  EXPECT_EQ(error.code, ErrorCode::InvalidArgument);
  EXPECT_THAT(error.message, HasSubstr("a folder"));
}

TEST_F(KvSqlite, SaysWhenTheFileIsNoDatabase) {
  const std::string text(5000, 'x');
  std::ofstream(path) << text;
  Error error = open_error("sqlite:" + path);
  EXPECT_EQ(error.code, ErrorCode::InvalidFile);
  EXPECT_THAT(error.message, HasSubstr("'" + path + "' is not a SQLite database"));
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), text) << "and leaves it alone";
}

TEST_F(KvSqlite, SaysWhenTheFileIsReadOnly) {
  {
    auto store = open();
  }
  settle();
  ASSERT_EQ(::chmod(path.c_str(), 0444), 0);
  ASSERT_EQ(::chmod(folder.path().c_str(), 0555), 0);
  bool root = ::geteuid() == 0;
  if (root) ASSERT_EQ(::seteuid(65534), 0);
  Error error = open_error("sqlite:" + path);
  Error created = open_error("sqlite:" + folder.file("new.db"));
  if (root) ASSERT_EQ(::seteuid(0), 0);
  ::chmod(folder.path().c_str(), 0755);
  EXPECT_EQ(error.code, ErrorCode::Io);
  EXPECT_THAT(error.message, HasSubstr("is read-only"));
  EXPECT_EQ(created.code, ErrorCode::Io);
  EXPECT_THAT(created.message, HasSubstr("denied"));
}

TEST_F(KvSqlite, SaysWhenAnotherProgramHasLockedTheFile) {
  OtherProgram other(path);
  other.run("PRAGMA locking_mode=EXCLUSIVE");
  other.run("PRAGMA journal_mode=WAL");
  other.run("CREATE TABLE t(x)");
  Error error = open_error("sqlite:" + path + "?busy_timeout=30ms");
  EXPECT_EQ(error.code, ErrorCode::Conflict);
  EXPECT_THAT(error.message, HasSubstr("locked by another process"));
}

TEST_F(KvSqlite, SaysWhenTheSchemaIsNewer) {
  {
    auto store = open();
  }
  settle();
  {
    OtherProgram(path).run("UPDATE unbolt_kv_schema SET version = 2");
  }
  Error error = open_error("sqlite:" + path);
  EXPECT_EQ(error.code, ErrorCode::Unsupported);
  EXPECT_THAT(error.message, HasSubstr("its schema is 2, this one reads 1"));
}

TEST_F(KvSqlite, LeavesTheTablesOfOthersAlone) {
  OtherProgram other(path);
  other.run("CREATE TABLE kv(a)");
  other.run("INSERT INTO kv VALUES(1)");
  auto store = open();
  EXPECT_TRUE(now(store->set("b", "k", as_bytes("v"))));
  other.run("UPDATE kv SET a = 2");
  EXPECT_EQ(get(*store, "k"), "v");
}

}  // namespace
}  // namespace unbolt::providers
