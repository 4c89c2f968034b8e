#include "unbolt/providers/sql_postgres/sql_postgres.h"

#include <sys/resource.h>

#include <thread>

#include "unbolt/contracts/testing/sql_suite.h"
#include "unbolt/providers/testing/postgres_server.h"

namespace unbolt::providers {
namespace {

using namespace std::chrono_literals;
using contracts::Sql;
using contracts::SqlCase;
using contracts::SqlSession;
using contracts::SqlSuite;

PostgresServer& shared_server() {
  static PostgresServer server;
  return server;
}

Result<std::shared_ptr<Sql>> open(BlockingPool& pool, std::string_view url) {
  contracts::ProviderTable<Sql> table(
      {{"postgres", open_sql_postgres}, {"postgresql", open_sql_postgres}});
  return table.open(url, {stderr_log(), pool});
}

// A database of its own for each provider of the suite.
std::shared_ptr<Sql> make(BlockingPool& pool, std::string_view options) {
  static int number = 0;
  const std::string name = "suite" + std::to_string(++number);
  EXPECT_EQ(shared_server().sql("CREATE DATABASE " + name), 0);
  auto sql = open(pool, fmt::format("postgres://unbolt:sesame@127.0.0.1:{}/{}?{}",
                                    shared_server().port(), name, options));
  EXPECT_TRUE(sql) << sql.error().message;
  return sql ? *sql : nullptr;
}

INSTANTIATE_TEST_SUITE_P(Postgres, SqlSuite,
                         ::testing::Values(SqlCase{
                             "postgres", [](BlockingPool& pool, std::chrono::milliseconds timeout) {
                               return make(pool, fmt::format("timeout={}ms", timeout.count()));
                             }}));

class SqlPostgres : public ::testing::Test {
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
  bool exec(SqlSession& session, std::string_view statement) {
    auto done = now(session.exec(statement, {}));
    EXPECT_TRUE(done) << statement << ": " << done.error().message;
    return done.has_value();
  }
  // How many statements of ours run at the server.
  std::string running(SqlSession& session) {
    return query(session,
                 "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'unbolt'"
                 " AND state = 'active' AND pid <> pg_backend_pid()");
  }

  BlockingPool pool{2};
  asio::io_context loop;
};

TEST_F(SqlPostgres, ExtremesOfTypes) {
  auto sql = make(pool, "");
  auto session = sql->session();
  EXPECT_EQ(query(*session,
                  "SELECT 'NaN'::float8 AS a, '-Infinity'::float4 AS b, 1e308::float8 AS c,"
                  " '\\x00ff'::bytea AS d, 4294967295::oid AS e, 'infinity'::timestamp AS f,"
                  " '0044-03-15 BC'::date AS g, ARRAY[1,NULL] AS h, '1 day 02:03'::interval AS i,"
                  " '123456789012345678901234567890.123456789'::numeric AS j"),
            std::string("a=double(nan) b=float(-inf) c=double(1e+308) d=binary(") +
                std::string("\0\xff", 2) +
                ") e=uint32(4294967295) f=timestamp(infinity) g=date(0044-03-15 BC) h=str({1,NULL})"
                " i=str(1 day 02:03:00) j=str(123456789012345678901234567890.123456789)");
  EXPECT_EQ(query(*session, "SELECT 1 AS a, 2 AS a"), "a=int32(1) a=int32(2)");
  EXPECT_EQ(query(*session, "SELECT"), "");
}

TEST_F(SqlPostgres, NothingOfASessionIsLeftToTheNext) {
  auto sql = make(pool, "connections=1");
  auto session = sql->session();
  exec(*session, "SET DateStyle = 'German'");
  exec(*session, "CREATE TEMP TABLE mine AS SELECT 1 AS a");
  exec(*session, "SET search_path = nowhere");
  EXPECT_EQ(query(*session, "SELECT '2024-02-29'::date AS d, current_schemas(false)::text AS s"),
            "d=date(2024-02-29) s=str({public})");
  EXPECT_FALSE(now(session->exec("SELECT * FROM mine", {})));
  EXPECT_FALSE(now(session->exec("COPY (SELECT 1) TO STDOUT", {})));
  EXPECT_FALSE(now(session->exec("COPY pg_class FROM STDIN", {})));
  EXPECT_EQ(query(*session, "SELECT 1 AS a"), "a=int32(1)");
}

TEST_F(SqlPostgres, ATableThatChangesIsReadAgain) {
  auto sql = make(pool, "connections=1");
  auto session = sql->session();
  exec(*session, "CREATE TABLE t (a INTEGER)");
  exec(*session, "INSERT INTO t VALUES (1)");
  EXPECT_EQ(query(*session, "SELECT * FROM t"), "a=int32(1)");
  exec(*session, "ALTER TABLE t ALTER a TYPE BIGINT, ADD b TEXT");
  EXPECT_EQ(query(*session, "SELECT * FROM t"), "a=int64(1) b=null");
  for (int i = 0; i < 600; ++i) {
    ASSERT_EQ(query(*session, fmt::format("SELECT {} AS a", i)), fmt::format("a=int32({})", i));
  }
}

TEST_F(SqlPostgres, CancellationReachesTheServer) {
  auto sql = make(pool, "");
  auto session = sql->session(), observer = sql->session();
  auto stop = std::make_shared<asio::cancellation_signal>();
  Timer timer(loop.get_executor(), 300ms);
  timer.async_wait(
      [stop](boost::system::error_code) { stop->emit(asio::cancellation_type::terminal); });
  asio::co_spawn(loop, session->exec("SELECT pg_sleep(20)", {}).task(),
                 asio::bind_cancellation_slot(
                     stop->slot(), [](std::exception_ptr failure, Result<std::uint64_t>) {
                       EXPECT_TRUE(failure);
                     }));
  loop.restart();
  loop.run();
  std::string count;
  for (int i = 0; i < 100 && (count = running(*observer)) != "n=int64(0)"; ++i)
    std::this_thread::sleep_for(20ms);
  EXPECT_EQ(count, "n=int64(0)");
  EXPECT_EQ(query(*session, "SELECT 1 AS a"), "a=int32(1)");
}

TEST_F(SqlPostgres, TheProviderGoesWhileItsStatementRuns) {
  auto sql = make(pool, "");
  auto other = open(pool, shared_server().url());
  ASSERT_TRUE(other);
  auto observer = (*other)->session();
  {
    auto session = sql->session();
    sql.reset();
    auto stop = std::make_shared<asio::cancellation_signal>();
    Timer timer(loop.get_executor(), 200ms);
    timer.async_wait(
        [stop](boost::system::error_code) { stop->emit(asio::cancellation_type::terminal); });
    asio::co_spawn(loop, session->exec("SELECT pg_sleep(20)", {}).task(),
                   asio::bind_cancellation_slot(stop->slot(),
                                                [](std::exception_ptr, Result<std::uint64_t>) {}));
    loop.restart();
    loop.run();
  }
  std::string count;
  for (int i = 0; i < 150 && (count = running(*observer)) != "n=int64(0)"; ++i)
    std::this_thread::sleep_for(20ms);
  EXPECT_EQ(count, "n=int64(0)");
}

TEST_F(SqlPostgres, AServerThatEndsTheConnection) {
  auto sql = make(pool, "connections=2");
  auto session = sql->session();
  exec(*session, "CREATE TABLE t (a INTEGER)");
  exec(*session, "BEGIN");
  exec(*session, "INSERT INTO t VALUES (1)");
  auto lost = now(session->exec("SELECT pg_terminate_backend(pg_backend_pid())", {}));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, ErrorCode::Unavailable) << lost.error().message;
  auto after = now(session->exec("INSERT INTO t VALUES (2)", {}));
  ASSERT_FALSE(after);
  EXPECT_EQ(after.error().code, ErrorCode::Conflict);
  EXPECT_TRUE(after.error().message.contains("administrator command")) << after.error().message;
  EXPECT_TRUE(session->in_transaction());
  exec(*session, "ROLLBACK");
  EXPECT_FALSE(session->in_transaction());
  EXPECT_EQ(query(*session, "SELECT count(*) AS n FROM t"), "n=int64(0)");
  // While nothing was asked: that costs no statement.
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(shared_server().sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
                                  " WHERE application_name = 'unbolt'"),
              0);
    EXPECT_EQ(query(*session, "SELECT count(*) AS n FROM t"), "n=int64(0)");
  }
}

TEST_F(SqlPostgres, ACommitThatRollsBackIsNone) {
  auto sql = make(pool, "");
  auto session = sql->session();
  exec(*session, "CREATE TABLE t (a INTEGER PRIMARY KEY)");
  exec(*session, "BEGIN");
  exec(*session, "INSERT INTO t VALUES (1)");
  EXPECT_FALSE(now(session->exec("INSERT INTO t VALUES (1)", {})));
  auto refused = now(session->exec("INSERT INTO t VALUES (2)", {}));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::Conflict) << refused.error().message;
  auto committed = now(session->exec("commit work;", {}));
  ASSERT_FALSE(committed);
  EXPECT_EQ(committed.error().code, ErrorCode::Conflict) << committed.error().message;
  EXPECT_FALSE(session->in_transaction());
  EXPECT_EQ(query(*session, "SELECT count(*) AS n FROM t"), "n=int64(0)");
}

TEST_F(SqlPostgres, AnIdleTransactionIsEndedByTheServer) {
  auto sql = make(pool, "idle_transaction=300ms");
  auto session = sql->session();
  exec(*session, "CREATE TABLE t (a INTEGER)");
  exec(*session, "BEGIN");
  exec(*session, "INSERT INTO t VALUES (1)");
  std::this_thread::sleep_for(1s);
  for (int i = 0; i < 2; ++i) EXPECT_FALSE(now(session->exec("INSERT INTO t VALUES (2)", {})));
  exec(*session, "ROLLBACK");
  EXPECT_EQ(query(*session, "SELECT count(*) AS n FROM t"), "n=int64(0)");
}

#if __has_feature(address_sanitizer)
constexpr bool kSanitized = true;  // keeps for a while what was freed
#else
constexpr bool kSanitized = false;
#endif

// The most memory that this program ever had, in MiB.
long peak() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss >> 10;
}

TEST_F(SqlPostgres, ARowThatIsTooLargeIsNotKept) {
  auto sql = make(pool, "");
  auto session = sql->session();
  exec(*session, "CREATE TABLE t (a INTEGER)");
  // As large as it may be, first: what that takes is the measure.
  auto most = now(session->query("SELECT repeat('x', 60 << 20) AS a", {}));
  ASSERT_TRUE(most) << most.error().message;
  most = {};
  const long before = peak();
  for (std::string_view statement : {"SELECT repeat('x', 300 << 20) AS a",
                                     "SELECT a, a AS b FROM repeat('x', 150 << 20) AS a"}) {
    exec(*session, "BEGIN");
    exec(*session, "INSERT INTO t VALUES (1)");
    auto cells = now(session->query(statement, {}));
    ASSERT_FALSE(cells);
    EXPECT_EQ(cells.error().code, ErrorCode::LimitExceeded) << cells.error().message;
    EXPECT_TRUE(cells.error().message.contains("64 MiB")) << cells.error().message;
    EXPECT_FALSE(now(session->exec("INSERT INTO t VALUES (2)", {})));
    exec(*session, "ROLLBACK");
  }
  // The library doubles its buffer.
  if (!kSanitized) EXPECT_LT(peak() - before, 200);
  EXPECT_EQ(query(*session, "SELECT count(*) AS n FROM t"), "n=int64(0)");
  // Many rows that are thrown away are no row that is too large.
  exec(*session, "SELECT repeat('x', 1 << 20) FROM generate_series(1, 150)");
  exec(*session, "DO $$ BEGIN RAISE NOTICE '%', repeat('x', 1 << 20); END $$");
}

// In the middle of its rows: kill -9, and back.
TEST(SqlPostgresServer, DiesAndReturns) {
  PostgresServer server;
  BlockingPool pool{2};
  asio::io_context loop;
  auto sql = open(pool, server.url("?timeout=5s"));
  ASSERT_TRUE(sql);
  auto session = (*sql)->session();
  std::jthread killer([&] {
    std::this_thread::sleep_for(400ms);
    server.kill();
  });
  auto cells = run_task(loop, session
                                  ->query("SELECT i, pg_sleep(0.01), repeat('x', 10000) FROM"
                                          " generate_series(1, 5000) AS i",
                                          {})
                                  .wait());
  killer.join();
  ASSERT_FALSE(cells);
  EXPECT_EQ(cells.error().code, ErrorCode::Unavailable) << cells.error().message;
  auto away = run_task(loop, session->query("SELECT 1", {}).wait());
  ASSERT_FALSE(away);
  EXPECT_EQ(away.error().code, ErrorCode::Unavailable) << away.error().message;
  server.start();
  auto back = run_task(loop, session->query("SELECT 1 AS a", {}).wait());
  EXPECT_TRUE(back) << back.error().message;

  // It hangs: the answer comes in time, and the pool serves again afterwards.
  auto late = open(pool, server.url("?timeout=500ms"));
  ASSERT_TRUE(late);
  auto other = (*late)->session();
  server.suspend();
  const auto begin = std::chrono::steady_clock::now();
  auto hung = run_task(loop, other->query("SELECT 1", {}).wait());
  ASSERT_FALSE(hung);
  EXPECT_EQ(hung.error().code, ErrorCode::Timeout) << hung.error().message;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 8s);
  server.resume();
  Result<contracts::SqlCells> again;
  for (int i = 0; i < 50 && !(again = run_task(loop, other->query("SELECT 1 AS a", {}).wait()));
       ++i)
    std::this_thread::sleep_for(100ms);
  EXPECT_TRUE(again) << again.error().message;
}

TEST_F(SqlPostgres, ErrorsSayWhatToDo) {
  struct Wrong {
    std::string url;
    ErrorCode code;
    std::string_view part;
  };
  const std::string place = fmt::format("127.0.0.1:{}/", shared_server().port());
  for (const Wrong& one : {
           Wrong{"postgres://unbolt:hidden@" + place + "postgres", ErrorCode::Denied, "password"},
           Wrong{"postgres://unbolt:sesame@" + place + "nothing", ErrorCode::NotFound, "nothing"},
           Wrong{"postgres://unbolt:hidden@127.0.0.1:1/x?timeout=1s", ErrorCode::Unavailable, ""},
           Wrong{"postgres://unbolt:hidden/hidden@" + place, ErrorCode::InvalidArgument, "cannot"},
           Wrong{"postgres://unbolt:hidden@" + place + "?table=x", ErrorCode::InvalidArgument, ""},
       }) {
    auto sql = open(pool, one.url);
    ASSERT_FALSE(sql) << one.url;
    EXPECT_EQ(sql.error().code, one.code) << one.url << ": " << sql.error().message;
    EXPECT_TRUE(sql.error().message.contains(one.part)) << sql.error().message;
    EXPECT_FALSE(sql.error().message.contains("hidden")) << sql.error().message;
    EXPECT_FALSE(sql.error().message.contains("sesame")) << sql.error().message;
  }
}

TEST_F(SqlPostgres, ADatabaseWithoutAnEncoding) {
  shared_server().sql("DROP DATABASE IF EXISTS ascii");
  ASSERT_EQ(shared_server().sql("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0"
                                " LC_COLLATE 'C' LC_CTYPE 'C'"),
            0);
  auto sql = open(
      pool, fmt::format("postgres://unbolt:sesame@127.0.0.1:{}/ascii", shared_server().port()));
  ASSERT_TRUE(sql) << sql.error().message;
  auto session = (*sql)->session();
  exec(*session, "CREATE TABLE t (a TEXT)");
  exec(*session, "INSERT INTO t VALUES (E'\\xff')");
  // The server notices.
  EXPECT_EQ(query(*session, "SELECT a FROM t"),
            "error: invalid byte sequence for encoding \"UTF8\": 0xff");
  EXPECT_EQ(query(*session, "SELECT length(a) AS n FROM t"), "n=int32(1)");
}

}  // namespace
}  // namespace unbolt::providers
