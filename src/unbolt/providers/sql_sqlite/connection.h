// One connection to the file, and statements of strangers on it.
#pragma once

#include <atomic>
#include <chrono>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "unbolt/contracts/sql.h"
#include "unbolt/sqlite/file.h"

struct sqlite3;
struct sqlite3_stmt;

namespace unbolt::providers::sql_sqlite {

// When a statement has to end; shared by the one who waits for it and the one who runs it.
struct Bounds {
  std::chrono::steady_clock::time_point deadline;
  std::chrono::milliseconds timeout;  // for messages
  std::atomic<bool> cancelled = false;

  bool passed() const;
  // Timeout or Cancelled.
  Error error() const;
};

struct Answer {
  contracts::SqlCells cells;
  std::uint64_t changed = 0;
};

// On one thread at a time. A statement can reach nothing beyond the file: no other database, no
// extension, no setting.
class Connection {
 public:
  enum class IfAbsent { Fail, Create };
  static Result<std::unique_ptr<Connection>> open(const unbolt::sqlite::FileOptions& options,
                                                  IfAbsent if_absent);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // A statement that compiled; belongs to the connection and is good until the next `prepare`.
  // `bounds` count while it waits for another process.
  Result<sqlite3_stmt*> prepare(std::string_view sql, const Bounds& bounds);
  bool writes(sqlite3_stmt* statement) const;
  Result<Answer> run(sqlite3_stmt* statement, const std::vector<std::string>& parameters,
                     const Bounds& bounds);

  bool in_transaction() const;
  // Ends the transaction, if there is one.
  void roll_back();
  // Whether a statement left something behind that others must not find: a temporary table.
  bool spoiled() const { return spoiled_; }

 private:
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  using StatementPtr = std::unique_ptr<sqlite3_stmt, Finalize>;
  struct Prepared {
    std::string sql;
    StatementPtr statement;
  };

  explicit Connection(const unbolt::sqlite::FileOptions& options) : options_(options) {}
  Result<> restrict();
  Error last_error() const;
  static int authorize(void* self, int action, const char* one, const char* two, const char*,
                       const char*);
  static int may_go_on(void* self);
  static int busy(void* self, int attempt);

  const unbolt::sqlite::FileOptions& options_;
  std::unique_ptr<sqlite3, Close> handle_;
  std::list<Prepared> prepared_;  // the last used in front
  std::unordered_map<std::string_view, std::list<Prepared>::iterator> by_sql_;
  const Bounds* bounds_ = nullptr;  // of the statement that runs
  std::chrono::steady_clock::time_point busy_since_;
  std::string refused_;  // what the authorizer did not let through
  bool spoiled_ = false;
};

}  // namespace unbolt::providers::sql_sqlite
