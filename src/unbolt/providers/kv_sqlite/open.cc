#include "unbolt/providers/kv_sqlite/open.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <thread>

namespace unbolt::providers::sqlite {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kSchema = 1;

// Before SQLite is asked, since it says "unable to open database file" to all of these.
Result<> check_place(const std::string& path) {
  std::error_code failure;
  fs::file_status file = fs::status(path, failure);
  if (fs::exists(file)) {
    if (fs::is_regular_file(file)) return {};
    return fail(ErrorCode::InvalidArgument, "there is no database '{}': it is {}", path,
                fs::is_directory(file) ? "a folder" : "not a file");
  }
  fs::path folder = fs::path(path).parent_path();
  if (fs::is_directory(folder, failure)) {
    if (::faccessat(AT_FDCWD, folder.c_str(), W_OK | X_OK, AT_EACCESS) == 0) return {};
    return std::unexpected(
        Error{ErrorCode::Io,
              fmt::format("the database '{}' cannot be created: {}", path, std::strerror(errno)),
              fmt::format("make the folder '{}' writable for this user", folder.string())});
  }
  return std::unexpected(Error{
      ErrorCode::NotFound,
      fmt::format("there is no database '{}': the folder '{}' is not there", path, folder.string()),
      fmt::format("create it (mkdir -p '{}'), or name another file", folder.string())});
}

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
  UNBOLT_ASSIGN(std::string mode, connection.ask("PRAGMA journal_mode=WAL"));
  if (mode != "wal") {
    return std::unexpected(
        Error{ErrorCode::Unsupported,
              fmt::format("the database '{}' has no write-ahead log here (journal mode '{}')",
                          options.path, mode),
              "keep it on a local disk"});
  }
  bool full = options.durability == KvDurability::PowerLoss;
  UNBOLT_TRY(connection.run(full ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL"));
  // The log shrinks again after a large write.
  UNBOLT_TRY(connection.run("PRAGMA journal_size_limit=67108864"));
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
  if (options.max_bytes == 0) return {};
  Query size(connection, "PRAGMA page_size");
  UNBOLT_TRY(size.step());
  auto pages = std::clamp<std::uint64_t>(
      options.max_bytes / static_cast<std::uint64_t>(size.number(0)), 1, 0x7fffffff);
  return connection.set_max_pages(static_cast<std::uint32_t>(pages));
}

}  // namespace

Result<std::unique_ptr<Connection>> open_for_writing(const KvSqliteOptions& options) {
  UNBOLT_TRY(check_place(options.path));
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
