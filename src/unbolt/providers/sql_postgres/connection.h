// One connection, and statements of strangers on it.
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "unbolt/contracts/sql.h"
#include "unbolt/postgres/session.h"

namespace unbolt::providers::sql_postgres {

// What a result has in a row: called for each with what has come, which holds until it returns. An
// error ends the rows.
using OnRow = std::function<Result<>(const PGresult* row)>;

// What is asked.
struct Order {
  enum class Kind {
    Statement,  // one, with values
    Prepare,    // only whether it is one
    Batch,      // several, without values and rows
  };
  Kind kind = Kind::Statement;
  std::string sql;
  postgres::Parameters parameters;
  OnRow on_row;  // null: rows are thrown away
};

struct Answer {
  std::uint64_t changed = 0;  // rows
};

// On the pool's loop; one task uses it at a time, but for `close` and `usable`.
class Connection {
 public:
  // The options outlive it.
  static Task<Result<std::shared_ptr<Connection>>> open(const postgres::ServerOptions& options,
                                                        std::chrono::milliseconds idle_transaction);

  Task<Result<Answer>> run(const Order& order);
  bool in_transaction() const;
  // Ends the transaction, if there is one.
  Task<Result<>> roll_back();
  // Takes back what statements have changed of the connection itself, if any has.
  Task<Result<>> reset();

  bool usable() { return session_->usable(); }
  bool is_large() const { return session_->is_large(); }
  void close() { session_->close(); }
  PGconn* handle() const { return session_->handle(); }

  // Asks the server to end the statement; set by the pool.
  std::function<void()> cancel;
  // How many such requests are on their way: until they have arrived it may do nothing else.
  int cancels = 0;

 private:
  struct Prepared {
    std::string sql, name;
  };
  explicit Connection(const postgres::ServerOptions& options) : options_(options) {}

  Task<Result<Answer>> run_once(const Order& order, std::string& state);
  // The name under which the server has it.
  Task<Result<std::string>> prepared(const std::string& sql, std::string& state);
  // `state`: the SQLSTATE of what failed.
  Task<Result<Answer>> ask(const postgres::Session::Send& send, const Order& order,
                           std::string& state);
  void take(const Order& order, postgres::ResultPtr result, Result<Answer>& answer,
            std::string& state);
  Task<> forget_prepared();

  const postgres::ServerOptions& options_;
  std::string set_up_;
  std::shared_ptr<postgres::Session> session_;
  std::list<Prepared> prepared_;  // the last used in front
  std::unordered_map<std::string_view, std::list<Prepared>::iterator> by_sql_;
  std::uint64_t names_ = 0;
  bool changed_ = false;
};

// What a failed statement means; an `unbolt::postgres::ErrorOf`.
Error error_of(const PGresult* result, std::string_view server);

}  // namespace unbolt::providers::sql_postgres
