// SQLite's C interface with owners and errors as values. Bytes are bound and read as blobs, never
// as text.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/sqlite/file.h"

struct sqlite3;
struct sqlite3_stmt;

namespace unbolt::providers::sqlite {

// One connection, on one thread at a time. It keeps the statements that it prepared.
class Connection {
 public:
  enum class IfAbsent { Fail, Create };

  // InvalidFile, NotFound, Io, Conflict: with the file's name and what to do. `busy`: how long any
  // statement waits for another process.
  static Result<std::unique_ptr<Connection>> open(const std::string& path, IfAbsent if_absent,
                                                  std::chrono::milliseconds busy);

  // Runs one statement without parameters and rows; `sql` is a constant of the program.
  Result<> run(const char* sql);
  // The first column of the first row, as text.
  Result<std::string> ask(const char* sql);

  // See `set_up` of unbolt/sqlite/file.h.
  Result<> set_up(const unbolt::sqlite::FileOptions& options);

  bool in_transaction() const;
  bool read_only() const;
  // What SQLite says of its last call, as one of our errors.
  Error last_error() const;

 private:
  friend class Query;
  struct Close {
    void operator()(sqlite3* handle) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };

  explicit Connection(std::string path) : path_(std::move(path)) {}
  // Null where it does not compile: see `last_error`.
  sqlite3_stmt* prepared(const char* sql);

  std::string path_;
  std::unique_ptr<sqlite3, Close> handle_;
  std::vector<std::pair<const char*, std::unique_ptr<sqlite3_stmt, Finalize>>> statements_;
};

// One use of a prepared statement; on the stack, ends before its connection and before what was
// bound to it.
class Query {
 public:
  // `sql` is a constant of the program: its address is the key of the cached statement.
  Query(Connection& connection, const char* sql);
  ~Query();
  Query(const Query&) = delete;
  Query& operator=(const Query&) = delete;

  // Parameters in the order of the calls, from ?1.
  Query& bind(ByteView bytes);
  Query& bind(std::string_view bytes) { return bind(as_bytes(bytes)); }
  Query& bind(std::int64_t number);
  // From the first parameter again, with the rows forgotten.
  Query& again();

  // Whether there is a (next) row.
  Result<bool> step();
  // Of the row; bytes hold until the next step.
  ByteView bytes(int column) const;
  std::int64_t number(int column) const;

 private:
  Connection& connection_;
  sqlite3_stmt* statement_;
  int bound_ = 0;
  bool failed_ = false;
};

}  // namespace unbolt::providers::sqlite
