// The contract suite of `Sql`: a provider is done when it passes. Include it in the provider's test
// and write
//   INSTANTIATE_TEST_SUITE_P(Sqlite, SqlSuite, ::testing::Values(SqlCase{"sqlite", make}));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/testing/run_task.h"
#include "unbolt/contracts/sql.h"

namespace unbolt::contracts {

struct SqlCase {
  std::string name;
  // A provider with an empty database, whose statements may take this long.
  std::function<std::shared_ptr<Sql>(BlockingPool&, std::chrono::milliseconds timeout)> make;
};
inline void PrintTo(const SqlCase& provider, std::ostream* out) { *out << provider.name; }

// "a=int32(1) b=null"
inline std::string shown(const SqlCells& cells) {
  static constexpr const char* kNames[] = {"int32",     "int64",  "uint32", "uint64", "float",
                                           "double",    "str",    "bool",   "date",   "time",
                                           "timestamp", "binary", "null"};
  std::string text;
  for (const SqlCell& cell : cells) {
    if (!text.empty()) text += ' ';
    text += cell.field_name + "=" + kNames[cell.value.index()];
    std::visit(
        [&]<class T>(const T& value) {
          if constexpr (std::same_as<T, Bytes>) {
            text += "(" + std::string(as_text(value)) + ")";
          } else if constexpr (!std::same_as<T, std::monostate>) {
            text += fmt::format("({})", value);
          }
        },
        cell.value);
  }
  return text;
}

class SqlSuite : public ::testing::TestWithParam<SqlCase> {
 protected:
  using Values = std::vector<std::string_view>;

  void SetUp() override { open(std::chrono::seconds(30)); }
  void open(std::chrono::milliseconds timeout) {
    session.reset();
    sql = GetParam().make(pool, timeout);
    ASSERT_TRUE(sql);
    session = sql->session();
  }

  template <class T>
  T now(Reply<T> reply) {
    if (reply.ready()) return std::move(reply).take();
    return run_task(loop, std::move(reply).task());
  }
  std::string query(std::string_view statement, const Values& values = {}) {
    return query(*session, statement, values);
  }
  std::string query(SqlSession& on, std::string_view statement, const Values& values = {}) {
    auto cells = now(on.query(statement, values));
    return cells ? shown(*cells) : "error: " + cells.error().message;
  }
  // -1 for an error.
  std::int64_t exec(std::string_view statement, const Values& values = {}) {
    return exec(*session, statement, values);
  }
  std::int64_t exec(SqlSession& on, std::string_view statement, const Values& values = {}) {
    auto count = now(on.exec(statement, values));
    EXPECT_TRUE(count) << statement << ": " << count.error().message;
    return count ? static_cast<std::int64_t>(*count) : -1;
  }
  std::optional<ErrorCode> code(std::string_view statement, const Values& values = {}) {
    auto count = now(session->exec(statement, values));
    if (count) return std::nullopt;
    EXPECT_FALSE(count.error().message.empty());
    return count.error().code;
  }

  BlockingPool pool{2};
  asio::io_context loop;
  std::shared_ptr<Sql> sql;
  std::unique_ptr<SqlSession> session;
};

TEST_P(SqlSuite, ColumnsHaveTheTypesOfTheirDeclaration) {
  exec(
      "CREATE TABLE t (a SMALLINT, b INTEGER, c BIGINT, d REAL, e DOUBLE PRECISION, f "
      "NUMERIC(12,2),"
      " g TEXT, h VARCHAR(20), i BOOLEAN, j DATE, k TIME, l TIMESTAMP)");
  EXPECT_EQ(exec("INSERT INTO t VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                 {"-32768", "2147483647", "-9223372036854775808", "0.5", "1e300", "12.25", "grün",
                  "007", "1", "2024-02-29", "23:59:59", "2024-02-29 23:59:59"}),
            1);
  EXPECT_EQ(query("SELECT * FROM t"),
            "a=int32(-32768) b=int32(2147483647) c=int64(-9223372036854775808) d=float(0.5)"
            " e=double(1e+300) f=str(12.25) g=str(grün) h=str(007) i=bool(true) j=date(2024-02-29)"
            " k=time(23:59:59) l=timestamp(2024-02-29 23:59:59)");
  exec("DELETE FROM t");
  exec("INSERT INTO t(b) VALUES(NULL)");
  EXPECT_EQ(query("SELECT b, g, count(*) AS n FROM t GROUP BY b, g"), "b=null g=null n=int64(1)");
  EXPECT_EQ(query("SELECT b FROM t WHERE 1 = 0"), "");
}

TEST_P(SqlSuite, PlaceholdersOfThreeSpellings) {
  exec("CREATE TABLE t (a INTEGER, b TEXT)");
  EXPECT_EQ(exec("INSERT INTO t VALUES (?, ?), (?1, 'why?')", {"1", "one"}), 2);
  EXPECT_EQ(exec("INSERT INTO t VALUES ($2, $1)", {"two", "2"}), 1);
  EXPECT_EQ(query("SELECT b FROM t WHERE a = ?2 AND b = ?1", {"two", "2"}), "b=str(two)");
  EXPECT_EQ(query("SELECT a FROM t WHERE b LIKE '%?'"), "a=int32(1)");
  // A number is compared as one.
  EXPECT_EQ(query("SELECT a FROM t GROUP BY a HAVING count(*) >= ? ORDER BY a", {"2"}),
            "a=int32(1)");
  EXPECT_EQ(query("SELECT a FROM t ORDER BY a DESC LIMIT ?", {"1"}), "a=int32(2)");
  EXPECT_EQ(code("SELECT a FROM t WHERE b = ?"), ErrorCode::InvalidArgument);
  EXPECT_EQ(code("SELECT a FROM t WHERE b = ?", {"1", "2"}), ErrorCode::InvalidArgument);
}

TEST_P(SqlSuite, CountsRows) {
  exec("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT)");
  EXPECT_EQ(exec("INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')"), 3);
  EXPECT_EQ(exec("UPDATE t SET b = 'w' WHERE a > 1"), 2);
  EXPECT_EQ(exec("SELECT * FROM t"), 0);
  EXPECT_EQ(exec("CREATE TABLE u (a INTEGER)"), 0);
  EXPECT_EQ(exec("DELETE FROM t WHERE a = 9"), 0);
  EXPECT_EQ(query("INSERT INTO t VALUES (4, 'v') RETURNING b"), "b=str(v)");
  EXPECT_EQ(query("SELECT a FROM t ORDER BY a"), "a=int32(1) a=int32(2) a=int32(3) a=int32(4)");
}

TEST_P(SqlSuite, ErrorsSayWhatIsWrong) {
  exec("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT NOT NULL)");
  exec("INSERT INTO t VALUES (1, 'x')");
  EXPECT_EQ(code("SELEC 1"), ErrorCode::InvalidArgument);
  EXPECT_EQ(code("SELECT * FROM nothing"), ErrorCode::InvalidArgument);
  EXPECT_EQ(code("SELECT \"a name\" FROM t"), ErrorCode::InvalidArgument);
  EXPECT_EQ(code("INSERT INTO t VALUES (1, 'y')"), ErrorCode::Conflict);
  EXPECT_EQ(code("INSERT INTO t VALUES (2, NULL)"), ErrorCode::Conflict);
  EXPECT_EQ(code("SELECT 1; SELECT 2"), ErrorCode::InvalidArgument);
  EXPECT_EQ(code(""), ErrorCode::InvalidArgument);
  EXPECT_EQ(code(" -- nothing\n"), ErrorCode::InvalidArgument);
  EXPECT_EQ(code(std::string_view("SELECT 1\0", 9)), ErrorCode::InvalidArgument);
  EXPECT_EQ(code(std::string(SqlLimits::kStatement + 1, ' ')), ErrorCode::LimitExceeded);
  EXPECT_EQ(query("SELECT b FROM t"), "b=str(x)");
}

TEST_P(SqlSuite, TextIsKeptAsItIs) {
  exec("CREATE TABLE t (a TEXT)");
  const std::string large(3 << 20, 'v');
  for (std::string_view text :
       {std::string_view(""), std::string_view("'\"\\; -- \xf0\x9f\x8d\x8b"),
        std::string_view("1.50"), std::string_view("0042"), std::string_view("-1"),
        std::string_view(large)}) {
    exec("DELETE FROM t");
    exec("INSERT INTO t VALUES (?)", {text});
    auto cells = now(session->query("SELECT a FROM t WHERE a = ?", Values{text}));
    ASSERT_TRUE(cells) << cells.error().message;
    ASSERT_EQ(cells->size(), 1u) << text.substr(0, 50);
    EXPECT_TRUE(std::get<6>((*cells)[0].value) == text) << text.substr(0, 50);
  }
}

TEST_P(SqlSuite, TransactionsAreAllOrNothing) {
  exec("CREATE TABLE t (a INTEGER)");
  auto other = sql->session();
  EXPECT_FALSE(session->in_transaction());
  exec("BEGIN");
  EXPECT_TRUE(session->in_transaction());
  exec("INSERT INTO t VALUES (1)");
  EXPECT_EQ(query("SELECT a FROM t"), "a=int32(1)");
  EXPECT_EQ(query(*other, "SELECT a FROM t"), "");
  exec("COMMIT");
  EXPECT_FALSE(session->in_transaction());
  EXPECT_EQ(query(*other, "SELECT a FROM t"), "a=int32(1)");

  exec(*other, "start transaction isolation level serializable;");
  exec(*other, "DELETE FROM t");
  exec(*other, "ROLLBACK");
  EXPECT_FALSE(other->in_transaction());
  EXPECT_EQ(query("SELECT a FROM t"), "a=int32(1)");

  // Dropped in the middle.
  exec(*other, "BEGIN");
  exec(*other, "DELETE FROM t");
  other.reset();
  EXPECT_EQ(exec("UPDATE t SET a = 2"), 1);
  EXPECT_EQ(query("SELECT a FROM t"), "a=int32(2)");

  exec("BEGIN");
  exec("INSERT INTO t VALUES (3)");
  exec("SAVEPOINT s");
  exec("INSERT INTO t VALUES (4)");
  exec("ROLLBACK TO s");
  exec("COMMIT");
  EXPECT_EQ(query("SELECT a FROM t ORDER BY a"), "a=int32(2) a=int32(3)");
}

TEST_P(SqlSuite, WritersDoNotDisturbEachOther) {
  exec("CREATE TABLE t (name TEXT PRIMARY KEY, n INTEGER)");
  exec("INSERT INTO t VALUES ('from', 1000), ('to', 0)");
  auto move = [](Sql& sql, int& failed) -> Task<> {
    auto session = sql.session();
    for (int i = 0; i < 10; ++i) {
      for (std::string_view statement : {"BEGIN", "UPDATE t SET n = n - 1 WHERE name = 'from'",
                                         "UPDATE t SET n = n + 1 WHERE name = 'to'", "COMMIT"}) {
        auto done = co_await session->exec(statement, {}).wait();
        if (!done) ++failed;
        EXPECT_TRUE(done) << done.error().message;
      }
    }
  };
  int failed = 0;
  for (int i = 0; i < 12; ++i) {
    asio::co_spawn(loop, move(*sql, failed),
                   [](std::exception_ptr failure) { EXPECT_FALSE(failure); });
  }
  loop.restart();
  loop.run();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(query("SELECT n FROM t ORDER BY name"), "n=int32(880) n=int32(120)");
}

TEST_P(SqlSuite, AnswersAreBounded) {
  exec("CREATE TABLE t (a TEXT)");
  exec("INSERT INTO t VALUES (?)", {std::string(1 << 20, 'v')});
  exec("BEGIN");
  const std::string all =
      "SELECT t.a FROM t, (WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
      " WHERE i < 100000) SELECT i FROM n) AS many";
  auto cells = now(session->query(all, {}));
  ASSERT_FALSE(cells);
  EXPECT_EQ(cells.error().code, ErrorCode::LimitExceeded) << cells.error().message;
  exec("ROLLBACK");
  EXPECT_EQ(query("SELECT length(a) AS n FROM t").substr(0, 2), "n=");
}

constexpr std::string_view kEndless =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i % 10 + 1 FROM n)"
    " SELECT count(*) FROM n";

TEST_P(SqlSuite, AStatementThatNeverEndsIsEnded) {
  open(std::chrono::milliseconds(700));
  exec("CREATE TABLE t (a INTEGER)");
  exec("BEGIN");
  exec("INSERT INTO t VALUES (1)");
  const auto begin = std::chrono::steady_clock::now();
  auto cells = now(session->query(kEndless, {}));
  ASSERT_FALSE(cells);
  EXPECT_EQ(cells.error().code, ErrorCode::Timeout) << cells.error().message;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
  // Its transaction is gone with it.
  auto other = sql->session();
  EXPECT_EQ(exec(*other, "INSERT INTO t VALUES (2)"), 1);
  EXPECT_EQ(query(*other, "SELECT a FROM t"), "a=int32(2)");
}

TEST_P(SqlSuite, NothingIsDoneOutsideOfATransactionThatAnErrorHasEnded) {
  open(std::chrono::milliseconds(700));
  exec("CREATE TABLE t (a INTEGER)");
  for (std::string_view end : {"ROLLBACK", "COMMIT"}) {
    exec("BEGIN");
    exec("INSERT INTO t VALUES (1)");
    ASSERT_EQ(code(kEndless), ErrorCode::Timeout);
    EXPECT_TRUE(session->in_transaction());
    // Whoever has not looked at the error goes on like this.
    for (std::string_view statement : {"INSERT INTO t VALUES (2)", "SELECT a FROM t", "BEGIN",
                                       "ROLLBACK TO s", "ROLLBACK AND CHAIN", "SELEC"})
      EXPECT_EQ(code(statement), ErrorCode::Conflict) << statement;
    EXPECT_TRUE(session->in_transaction());
    if (end == "ROLLBACK") {
      exec(end);
    } else {
      EXPECT_EQ(code(end), ErrorCode::Conflict);
    }
    EXPECT_FALSE(session->in_transaction());
    EXPECT_EQ(query("SELECT a FROM t"), "");
    // The session is as good as before.
    exec("BEGIN");
    exec("INSERT INTO t VALUES (3)");
    exec("COMMIT");
    EXPECT_EQ(exec("DELETE FROM t"), 1);
  }
  // Another session has nothing to do with it.
  exec("BEGIN");
  ASSERT_EQ(code(kEndless), ErrorCode::Timeout);
  auto other = sql->session();
  EXPECT_EQ(exec(*other, "INSERT INTO t VALUES (4)"), 1);
}

TEST_P(SqlSuite, WhoWaitsForALockIsAnswered) {
  open(std::chrono::milliseconds(700));
  exec("CREATE TABLE t (a INTEGER)");
  exec("INSERT INTO t VALUES (1)");
  exec("BEGIN");
  exec("UPDATE t SET a = 2");
  auto other = sql->session();
  auto late = now(other->exec("UPDATE t SET a = 3", {}));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::Timeout) << late.error().message;
  exec("COMMIT");
  EXPECT_EQ(exec(*other, "UPDATE t SET a = a + 1"), 1);
  EXPECT_EQ(query("SELECT a FROM t"), "a=int32(3)");
}

TEST_P(SqlSuite, ACancelledCallLetsGo) {
  exec("CREATE TABLE t (a INTEGER)");
  exec("INSERT INTO t VALUES (1)");
  exec("BEGIN");
  exec("UPDATE t SET a = 2");
  auto other = sql->session();
  const auto begin = std::chrono::steady_clock::now();
  // One runs, one waits for it.
  for (auto [on, statement] : {std::pair(session.get(), kEndless),
                               std::pair(other.get(), std::string_view("UPDATE t SET a = 3"))}) {
    auto stop = std::make_shared<asio::cancellation_signal>();
    auto timer = std::make_shared<Timer>(loop.get_executor(), std::chrono::milliseconds(200));
    timer->async_wait([stop, timer](boost::system::error_code) {
      stop->emit(asio::cancellation_type::terminal);
    });
    asio::co_spawn(loop, on->exec(statement, {}).task(),
                   asio::bind_cancellation_slot(
                       stop->slot(), [stop](std::exception_ptr failure, Result<std::uint64_t>) {
                         EXPECT_TRUE(failure) << "it was not cancelled";
                       }));
  }
  loop.restart();
  loop.run();
  session.reset();
  other.reset();
  auto next = sql->session();
  EXPECT_EQ(exec(*next, "UPDATE t SET a = a + 10"), 1);
  // The one that waited is alone: it may be done, before or after, when the first lets go of the
  // row.
  EXPECT_THAT(query(*next, "SELECT a FROM t"),
              ::testing::AnyOf("a=int32(11)", "a=int32(13)", "a=int32(3)"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(15));
}

}  // namespace unbolt::contracts
