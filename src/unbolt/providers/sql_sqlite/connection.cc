#include "unbolt/providers/sql_sqlite/connection.h"

#include <sqlite3.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "unbolt/contracts/sql_text.h"
#include "unbolt/providers/sql_sqlite/values.h"

namespace unbolt::providers::sql_sqlite {
namespace {

using namespace std::chrono_literals;
using contracts::SqlLimits;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kPrepared = 128;
// Steps of SQLite's machine between two looks at the deadline: some 100 µs.
constexpr int kSteps = 10'000;

// They look, and change nothing.
bool is_harmless_pragma(std::string_view name, bool with_argument) {
  static constexpr std::string_view kHarmless[] = {
      "foreign_key_check", "foreign_key_list", "index_info",   "index_list",
      "index_xinfo",       "integrity_check",  "quick_check",  "table_info",
      "table_list",        "table_xinfo",      "user_version",
  };
  static constexpr std::string_view kToRead[] = {"encoding", "foreign_keys", "page_count",
                                                 "page_size"};
  return std::ranges::find(kHarmless, name) != std::end(kHarmless) ||
         (!with_argument && std::ranges::find(kToRead, name) != std::end(kToRead));
}

}  // namespace

bool Bounds::passed() const {
  return cancelled.load(std::memory_order_relaxed) || Clock::now() >= deadline;
}

Error Bounds::error() const {
  if (cancelled) return Error{ErrorCode::Cancelled, "the call was cancelled", {}};
  return Error{ErrorCode::Timeout,
               fmt::format("the statement was ended: it took longer than {} ms", timeout.count()),
               {}};
}

void Connection::Close::operator()(sqlite3* handle) const { sqlite3_close_v2(handle); }
void Connection::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}
Connection::~Connection() = default;

Result<std::unique_ptr<Connection>> Connection::open(const unbolt::sqlite::FileOptions& options,
                                                     IfAbsent if_absent) {
  std::unique_ptr<Connection> connection(new Connection(options));
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (if_absent == IfAbsent::Create) flags |= SQLITE_OPEN_CREATE;
  sqlite3* db = nullptr;
  const int status = sqlite3_open_v2(options.path.c_str(), &db, flags, nullptr);
  connection->handle_.reset(db);
  if (!db) return fail(ErrorCode::LimitExceeded, "no memory to open '{}'", options.path);
  if (status != SQLITE_OK) return std::unexpected(connection->last_error());
  if (sqlite3_db_readonly(db, "main") == 1) {
    return std::unexpected(Error{ErrorCode::Io,
                                 fmt::format("the database '{}' is read-only", options.path),
                                 "make the file and its folder writable for this user"});
  }
  sqlite3_busy_timeout(db, static_cast<int>(options.busy_timeout.count()));
  // Changing the journal mode does not wait for others by itself.
  const auto deadline = Clock::now() + options.busy_timeout;
  Result<> ready = unbolt::sqlite::set_up(db, options);
  while (!ready && ready.error().code == ErrorCode::Unavailable && Clock::now() < deadline) {
    std::this_thread::sleep_for(10ms);
    ready = unbolt::sqlite::set_up(db, options);
  }
  UNBOLT_TRY(ready);
  UNBOLT_TRY(connection->restrict());
  return connection;
}

// Foreign keys count and "x" is a name, as the standard and other databases have it.
Result<> Connection::restrict() {
  sqlite3* db = handle_.get();
  if (sqlite3_exec(db, "PRAGMA foreign_keys=1", nullptr, nullptr, nullptr) != SQLITE_OK)
    return std::unexpected(last_error());
  for (auto [option, value] :
       {std::pair(SQLITE_DBCONFIG_DEFENSIVE, 1), std::pair(SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
        std::pair(SQLITE_DBCONFIG_DQS_DML, 0), std::pair(SQLITE_DBCONFIG_DQS_DDL, 0)})
    sqlite3_db_config(db, option, value, nullptr);
  sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, SqlLimits::kAnswer);
  sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, SqlLimits::kStatement);
  sqlite3_set_authorizer(db, authorize, this);
  sqlite3_progress_handler(db, kSteps, may_go_on, this);
  sqlite3_busy_handler(db, busy, this);
  return {};
}

int Connection::authorize(void* self, int action, const char* one, const char* two, const char*,
                          const char*) {
  auto& connection = *static_cast<Connection*>(self);
  switch (action) {
    case SQLITE_ATTACH:
    case SQLITE_DETACH:
      connection.refused_ = "VACUUM, ATTACH and DETACH are not for components";
      return SQLITE_DENY;
    case SQLITE_PRAGMA:
      if (one && is_harmless_pragma(one, two != nullptr)) return SQLITE_OK;
      connection.refused_ = fmt::format("PRAGMA {} is not for components", one ? one : "");
      return SQLITE_DENY;
    case SQLITE_FUNCTION:
      if (!two || std::string_view(two) != "load_extension") return SQLITE_OK;
      connection.refused_ = "load_extension is not for components";
      return SQLITE_DENY;
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_CREATE_TEMP_VIEW: connection.spoiled_ = true; return SQLITE_OK;
    default: return SQLITE_OK;
  }
}

int Connection::may_go_on(void* self) {
  const Bounds* bounds = static_cast<Connection*>(self)->bounds_;
  return bounds && bounds->passed() ? 1 : 0;
}

// Another process has locked the file.
int Connection::busy(void* self, int attempt) {
  auto& connection = *static_cast<Connection*>(self);
  if (attempt == 0) connection.busy_since_ = Clock::now();
  const Bounds* bounds = connection.bounds_;
  if ((bounds && bounds->passed()) ||
      Clock::now() - connection.busy_since_ >= connection.options_.busy_timeout)
    return 0;
  std::this_thread::sleep_for(attempt < 10 ? 1ms : 10ms);
  return 1;
}

Error Connection::last_error() const {
  sqlite3* db = handle_.get();
  const auto said = [&](ErrorCode code) { return Error{code, sqlite3_errmsg(db), {}}; };
  if (!refused_.empty()) return Error{ErrorCode::Denied, refused_, {}};
  switch (sqlite3_extended_errcode(db) & 0xff) {
    case SQLITE_INTERRUPT:
      if (bounds_) return bounds_->error();
      return said(ErrorCode::Cancelled);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      if (bounds_ && bounds_->passed()) return bounds_->error();
      if (sqlite3_extended_errcode(db) == SQLITE_BUSY_SNAPSHOT) {
        return Error{ErrorCode::Conflict, "another program has written since this transaction read",
                     "roll it back and try it again"};
      }
      break;
    case SQLITE_CONSTRAINT: return said(ErrorCode::Conflict);
    case SQLITE_ERROR:
    case SQLITE_MISMATCH:
    case SQLITE_RANGE: return said(ErrorCode::InvalidArgument);
    default: break;
  }
  return unbolt::sqlite::error_of(db, options_.path);
}

Result<sqlite3_stmt*> Connection::prepare(std::string_view sql, const Bounds& bounds) {
  if (auto found = by_sql_.find(sql); found != by_sql_.end()) {
    prepared_.splice(prepared_.begin(), prepared_, found->second);
    return prepared_.front().statement.get();
  }
  bounds_ = &bounds;
  refused_.clear();
  sqlite3_stmt* made = nullptr;
  const char* rest = nullptr;
  const int status = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &made, &rest);
  StatementPtr statement(made);
  Error error = status == SQLITE_OK ? Error() : last_error();
  bounds_ = nullptr;
  if (status != SQLITE_OK) return std::unexpected(std::move(error));
  if (!made) return fail(ErrorCode::InvalidArgument, "there is no statement in the text");
  if (!contracts::skip_blank(sql.substr(static_cast<std::size_t>(rest - sql.data()))).empty()) {
    return fail(ErrorCode::InvalidArgument,
                "there is more than one statement in the text: give them one at a time");
  }
  prepared_.push_front({std::string(sql), std::move(statement)});
  by_sql_.emplace(prepared_.front().sql, prepared_.begin());
  if (prepared_.size() > kPrepared) {
    by_sql_.erase(prepared_.back().sql);
    prepared_.pop_back();
  }
  return made;
}

bool Connection::writes(sqlite3_stmt* statement) const {
  return sqlite3_stmt_readonly(statement) == 0;
}

Result<Answer> Connection::run(sqlite3_stmt* statement, const std::vector<std::string>& parameters,
                               const Bounds& bounds) {
  struct Use {
    Connection& connection;
    sqlite3_stmt* statement;
    ~Use() {
      sqlite3_reset(statement);
      sqlite3_clear_bindings(statement);
      connection.bounds_ = nullptr;
    }
  } use{*this, statement};
  bounds_ = &bounds;
  refused_.clear();
  UNBOLT_TRY(bind(statement, parameters));
  const auto before = sqlite3_total_changes64(handle_.get());
  Answer answer;
  Row row(statement);
  std::size_t bytes = 0;
  while (true) {
    const int status = sqlite3_step(statement);
    if (status == SQLITE_DONE) break;
    if (status != SQLITE_ROW) return std::unexpected(last_error());
    UNBOLT_TRY(row.append(answer.cells, bytes));
  }
  if (sqlite3_total_changes64(handle_.get()) != before)
    answer.changed = static_cast<std::uint64_t>(sqlite3_changes64(handle_.get()));
  return answer;
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_.get()) == 0; }

void Connection::roll_back() {
  if (in_transaction()) sqlite3_exec(handle_.get(), "ROLLBACK", nullptr, nullptr, nullptr);
}

}  // namespace unbolt::providers::sql_sqlite
