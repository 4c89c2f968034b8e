#include "unbolt/providers/sql_sqlite/sql_sqlite.h"

#include <sqlite3.h>

#include <thread>

#include "unbolt/base/testing/temporary_folder.h"
#include "unbolt/contracts/testing/sql_suite.h"

namespace unbolt::providers {
namespace {

using namespace std::chrono_literals;
using contracts::Sql;
using contracts::SqlCase;
using contracts::SqlSession;
using contracts::SqlSuite;

// A file of its own for each provider of the suite; all of them go with the program.
std::string new_file() {
  static TemporaryFolder folder;
  static int number = 0;
  return folder.path() + "/" + std::to_string(++number) + ".db";
}

std::shared_ptr<Sql> make(BlockingPool& pool, SqlSqliteOptions options) {
  if (options.file.path.empty()) options.file.path = new_file();
  options.file.durability = unbolt::sqlite::Durability::Crash;
  auto sql = make_sql_sqlite(options, pool);
  EXPECT_TRUE(sql) << sql.error().message;
  return sql ? *sql : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Sqlite, SqlSuite,
                         ::testing::Values(SqlCase{
                             "sqlite", [](BlockingPool& pool, std::chrono::milliseconds timeout) {
                               return make(pool, {.timeout = timeout});
                             }}));

class SqlSqlite : public ::testing::Test {
 protected:
  template <class T>
  T now(Reply<T> reply) {
    if (reply.ready()) return std::move(reply).take();
    return run_task(loop, std::move(reply).task());
  }
  std::string query(SqlSession& session, std::string_view statement) {
    auto cells = now(session.query(statement, {}));
    return cells ? contracts::shown(*cells) : "error: " + cells.error().message;
  }

  BlockingPool pool{2};
  asio::io_context loop;
};

TEST_F(SqlSqlite, NothingBeyondTheFileIsInReach) {
  auto sql = make(pool, {});
  auto session = sql->session();
  const std::string other = new_file();
  for (const std::string& statement :
       {"ATTACH '" + other + "' AS o", "VACUUM INTO '" + other + "'", std::string("VACUUM"),
        std::string("PRAGMA journal_mode=DELETE"), std::string("PRAGMA writable_schema=1"),
        std::string("PRAGMA temp_store_directory='/tmp'"),
        std::string("SELECT load_extension('x')"), std::string("PRAGMA foreign_keys=0")}) {
    auto done = now(session->exec(statement, {}));
    ASSERT_FALSE(done) << statement;
    EXPECT_EQ(done.error().code, ErrorCode::Denied) << statement << ": " << done.error().message;
  }
  EXPECT_NE(::access(other.c_str(), F_OK), 0);
  EXPECT_EQ(query(*session, "PRAGMA foreign_keys"), "foreign_keys=int64(1)");
  EXPECT_EQ(query(*session, "PRAGMA table_info(t)"), "");
}

TEST_F(SqlSqlite, TextThatIsNotUtf8) {
  auto sql = make(pool, {});
  auto session = sql->session();
  (void)now(session->exec("CREATE TABLE t (a TEXT, b BLOB)", {}));
  (void)now(session->exec("INSERT INTO t VALUES (CAST(x'ff41' AS TEXT), x'00ff')", {}));
  EXPECT_NE(query(*session, "SELECT a FROM t").find("'a' holds a text that is not UTF-8"),
            std::string::npos);
  auto cells = now(session->query("SELECT CAST(a AS BLOB) AS a, b FROM t", {}));
  ASSERT_TRUE(cells);
  EXPECT_EQ(std::get<Bytes>((*cells)[0].value), (Bytes{0xff, 0x41}));
  EXPECT_EQ(std::get<Bytes>((*cells)[1].value), (Bytes{0x00, 0xff}));
}

TEST_F(SqlSqlite, TemporaryTablesGoWithTheirConnection) {
  auto sql = make(pool, {.connections = 1});
  auto session = sql->session();
  EXPECT_TRUE(now(session->exec("CREATE TEMP TABLE mine (a INTEGER)", {})));
  EXPECT_FALSE(now(session->exec("SELECT * FROM mine", {})));
}

TEST_F(SqlSqlite, AnIdleTransactionDoesNotHoldOthersUpForEver) {
  auto sql = make(pool, {.timeout = 400ms, .idle_transaction = 600ms});
  auto holder = sql->session(), other = sql->session();
  ASSERT_TRUE(now(holder->exec("CREATE TABLE t (a INTEGER)", {})));
  ASSERT_TRUE(now(holder->exec("BEGIN", {})));
  ASSERT_TRUE(now(holder->exec("INSERT INTO t VALUES (1)", {})));
  Result<std::uint64_t> done;
  for (int i = 0; i < 20 && !(done = now(other->exec("INSERT INTO t VALUES (2)", {}))); ++i)
    EXPECT_EQ(done.error().code, ErrorCode::Timeout);
  EXPECT_TRUE(done);
  // It hears of it before anything is done outside of the transaction that it believes in.
  EXPECT_TRUE(holder->in_transaction());
  auto late = now(holder->exec("INSERT INTO t VALUES (3)", {}));
  ASSERT_FALSE(late);
  EXPECT_TRUE(late.error().message.contains("rolled back")) << late.error().message;
  EXPECT_TRUE(late.error().message.contains("600 ms")) << late.error().message;
  EXPECT_FALSE(now(holder->exec("INSERT INTO t VALUES (4)", {})));
  EXPECT_TRUE(now(holder->exec("ROLLBACK", {})));
  EXPECT_FALSE(holder->in_transaction());
  EXPECT_EQ(query(*holder, "SELECT a FROM t"), "a=int32(2)");
}

TEST_F(SqlSqlite, AnotherProgramHoldsTheFile) {
  const std::string path = new_file();
  auto sql = make(pool, {.file = {.path = path, .busy_timeout = 200ms}});
  auto session = sql->session();
  ASSERT_TRUE(now(session->exec("CREATE TABLE t (a INTEGER)", {})));
  sqlite3* program = nullptr;
  sqlite3_open(path.c_str(), &program);
  sqlite3_exec(program, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr);
  auto held = now(session->exec("INSERT INTO t VALUES (1)", {}));
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, ErrorCode::Unavailable) << held.error().message;
  EXPECT_EQ(query(*session, "SELECT count(*) AS n FROM t"), "n=int64(0)");
  sqlite3_exec(program, "ROLLBACK", nullptr, nullptr, nullptr);
  sqlite3_close(program);
  EXPECT_TRUE(now(session->exec("INSERT INTO t VALUES (1)", {})));
}

}  // namespace
}  // namespace unbolt::providers
