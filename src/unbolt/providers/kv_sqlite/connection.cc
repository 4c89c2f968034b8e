#include "unbolt/providers/kv_sqlite/connection.h"

#include <sqlite3.h>

namespace unbolt::providers::sqlite {

void Connection::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
void Connection::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, IfAbsent if_absent,
                                                     std::chrono::milliseconds busy) {
  auto connection = std::unique_ptr<Connection>(new Connection(path));
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (if_absent == IfAbsent::Create) flags |= SQLITE_OPEN_CREATE;
  sqlite3* handle = nullptr;
  int status = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
  connection->handle_.reset(handle);
  if (!handle) return fail(ErrorCode::LimitExceeded, "no memory to open '{}'", path);
  if (status != SQLITE_OK) return std::unexpected(connection->last_error());
  sqlite3_busy_timeout(handle, static_cast<int>(busy.count()));
  return connection;
}

Error Connection::last_error() const { return unbolt::sqlite::error_of(handle_.get(), path_); }

Result<> Connection::run(const char* sql) {
  Query query(*this, sql);
  auto row = query.step();
  if (!row) return std::unexpected(std::move(row.error()));
  return {};
}

Result<std::string> Connection::ask(const char* sql) {
  Query query(*this, sql);
  UNBOLT_ASSIGN(bool row, query.step());
  return row ? std::string(as_text(query.bytes(0))) : std::string();
}

Result<> Connection::set_up(const unbolt::sqlite::FileOptions& options) {
  return unbolt::sqlite::set_up(handle_.get(), options);
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }
bool Connection::read_only() const { return sqlite3_db_readonly(handle_.get(), "main") == 1; }

sqlite3_stmt* Connection::prepared(const char* sql) {
  for (const auto& [known, statement] : statements_) {
    if (known == sql) return statement.get();
  }
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v3(handle_.get(), sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (statement) statements_.emplace_back(sql, std::unique_ptr<sqlite3_stmt, Finalize>(statement));
  return statement;
}

Query::Query(Connection& connection, const char* sql)
    : connection_(connection), statement_(connection.prepared(sql)) {}

Query::~Query() {
  if (!statement_) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

Query& Query::bind(ByteView bytes) {
  // A null pointer would bind NULL.
  const void* data = bytes.empty() ? "" : static_cast<const void*>(bytes.data());
  if (statement_ && sqlite3_bind_blob64(statement_, ++bound_, data, bytes.size(), SQLITE_STATIC))
    failed_ = true;
  return *this;
}

Query& Query::bind(std::int64_t number) {
  if (statement_ && sqlite3_bind_int64(statement_, ++bound_, number)) failed_ = true;
  return *this;
}

Query& Query::again() {
  if (statement_) sqlite3_reset(statement_);
  bound_ = 0;
  return *this;
}

Result<bool> Query::step() {
  if (!statement_ || failed_) return std::unexpected(connection_.last_error());
  switch (sqlite3_step(statement_)) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: return std::unexpected(connection_.last_error());
  }
}

ByteView Query::bytes(int column) const {
  const void* data = sqlite3_column_blob(statement_, column);
  return {static_cast<const std::uint8_t*>(data),
          static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

std::int64_t Query::number(int column) const { return sqlite3_column_int64(statement_, column); }

}  // namespace unbolt::providers::sqlite
