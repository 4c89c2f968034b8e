#include "unbolt/providers/kv_sqlite/open.h"

#include <chrono>
#include <thread>

namespace unbolt::providers::sqlite {
namespace {

constexpr std::int64_t kSchema = 1;

Result<std::int64_t> schema_of(Connection& connection) {
  UNBOLT_ASSIGN(
      std::string table,
      connection.ask(
          "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'unbolt_kv_schema'"));
  if (table.empty()) return 0;
  Query query(connection, "SELECT version FROM unbolt_kv_schema");
  UNBOLT_ASSIGN(bool row, query.step());
  return row ? query.number(0) : 0;
}

// In one transaction: of two programs that start at once, the second finds what the first made.
Result<> make_schema(Connection& connection) {
  UNBOLT_TRY(connection.run("BEGIN IMMEDIATE"));
  auto make = [&]() -> Result<> {
    UNBOLT_ASSIGN(std::int64_t version, schema_of(connection));
    if (version != 0) return {};
    UNBOLT_TRY(connection.run("CREATE TABLE unbolt_kv_schema(version INTEGER NOT NULL)"));
    UNBOLT_TRY(connection.run(
        "CREATE TABLE unbolt_kv(bucket BLOB NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL,"
        " PRIMARY KEY(bucket, key)) WITHOUT ROWID"));
    UNBOLT_TRY(connection.run("INSERT INTO unbolt_kv_schema VALUES(1)"));
    return {};
  };
  Result<> made = make();
  if (made) made = connection.run("COMMIT");
  if (!made && connection.in_transaction()) (void)connection.run("ROLLBACK");
  return made;
}

Result<> prepare(Connection& connection, const KvSqliteOptions& options) {
  UNBOLT_TRY(connection.set_up(options));
  UNBOLT_ASSIGN(std::int64_t version, schema_of(connection));
  if (version == 0) {
    UNBOLT_TRY(make_schema(connection));
  } else if (version != kSchema) {
    return std::unexpected(
        Error{ErrorCode::Unsupported,
              fmt::format("the database '{}' was made by another version of this program: its "
                          "schema is {}, this one reads {}",
                          options.path, version, kSchema),
              "use the newer program"});
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Connection>> open_for_writing(const KvSqliteOptions& options) {
  UNBOLT_TRY(unbolt::sqlite::check_place(options.path));
  UNBOLT_ASSIGN(auto connection,
                Connection::open(options.path, Connection::IfAbsent::Create, options.busy_timeout));
  if (connection->read_only()) {
    return std::unexpected(Error{ErrorCode::Io,
                                 fmt::format("the database '{}' is read-only", options.path),
                                 "make the file and its folder writable for this user"});
  }
  // Changing the journal mode does not wait for others by itself.
  auto deadline = std::chrono::steady_clock::now() + options.busy_timeout;
  Result<> ready = prepare(*connection, options);
  while (!ready && ready.error().code == ErrorCode::Unavailable &&
         std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ready = prepare(*connection, options);
  }
  if (ready) return connection;
  if (ready.error().code == ErrorCode::Unavailable) ready.error().code = ErrorCode::Conflict;
  return std::unexpected(std::move(ready.error()));
}

Result<std::unique_ptr<Connection>> open_for_reading(const KvSqliteOptions& options) {
  UNBOLT_ASSIGN(auto connection,
                Connection::open(options.path, Connection::IfAbsent::Fail, options.busy_timeout));
  UNBOLT_TRY(connection->run("PRAGMA query_only=1"));
  return connection;
}

}  // namespace unbolt::providers::sqlite
