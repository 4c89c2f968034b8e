#include "unbolt/providers/sql_postgres/connection.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "unbolt/contracts/sql_text.h"

namespace unbolt::providers::sql_postgres {
namespace {

using postgres::field;
using postgres::pq;
using postgres::ResultPtr;
using postgres::Session;

constexpr std::size_t kPrepared = 256;

// The first word of what the server says that it did.
std::string_view verb_of(std::string_view tag) { return tag.substr(0, tag.find(' ')); }

bool changes_rows(std::string_view verb) {
  return verb == "INSERT" || verb == "UPDATE" || verb == "DELETE" || verb == "MERGE";
}

// Whether the connection is as it was. All else may have set something, or made something that is
// this connection's alone: SET, LISTEN, PREPARE, a temporary table, a block of code.
bool leaves_no_trace(std::string_view verb) {
  static constexpr std::string_view kNoTrace[] = {
      "BEGIN",    "START",  "COMMIT", "ROLLBACK", "ALTER",  "SAVEPOINT", "RELEASE",
      "TRUNCATE", "NOTIFY", "DROP",   "GRANT",    "REVOKE", "DEALLOCATE"};
  return changes_rows(verb) || std::ranges::find(kNoTrace, verb) != std::end(kNoTrace);
}

std::size_t bytes_of(const PGresult* row) {
  std::size_t sum = 0;
  for (int column = 0; column < pq().PQnfields(row); ++column)
    sum += static_cast<std::size_t>(pq().PQgetlength(row, 0, column));
  return sum;
}

}  // namespace

Error error_of(const PGresult* result, std::string_view server) {
  struct Known {
    std::string_view state;  // as it begins: a class of errors, or one of them
    ErrorCode code;
    std::string_view hint;
  };
  static constexpr Known kKnown[] = {
      {"57014", ErrorCode::Timeout, {}},
      {"55P03", ErrorCode::Timeout, {}},
      {"42501", ErrorCode::Denied, {}},
      {"25006", ErrorCode::Denied, {}},
      {"23", ErrorCode::Conflict, {}},
      {"40", ErrorCode::Conflict, "roll the transaction back and try it again"},
      {"25P02", ErrorCode::Conflict, "roll the transaction back"},
      {"53", ErrorCode::LimitExceeded, {}},
      {"54", ErrorCode::LimitExceeded, {}},
      {"28", ErrorCode::Denied, "check the user and the password in the URL"},
      {"3D000", ErrorCode::NotFound, "create the database, or name another"},
      {"08P01", ErrorCode::InvalidArgument, {}},
      {"08", ErrorCode::Unavailable, {}},
      {"57", ErrorCode::Unavailable, {}},
      {"58", ErrorCode::Unavailable, {}},
      {"XX", ErrorCode::Unavailable, {}},
  };
  const std::string_view state = field(result, PG_DIAG_SQLSTATE);
  std::string message = postgres::one_line(field(result, PG_DIAG_MESSAGE_PRIMARY));
  if (auto detail = field(result, PG_DIAG_MESSAGE_DETAIL); !detail.empty())
    message += ": " + postgres::one_line(detail);
  // A failure without a state is the library's: it has lost the connection.
  Error error{state.empty() ? ErrorCode::Unavailable : ErrorCode::InvalidArgument,
              message.empty() ? fmt::format("{} gave no reason", server) : std::move(message),
              {}};
  for (const Known& known : kKnown) {
    if (!state.starts_with(known.state)) continue;
    error.code = known.code;
    error.hint = known.hint;
    break;
  }
  return error;
}

Task<Result<std::shared_ptr<Connection>>> Connection::open(
    const postgres::ServerOptions& options, std::chrono::milliseconds idle_transaction) {
  std::shared_ptr<Connection> connection(new Connection(options));
  auto session = co_await Session::open(options, error_of);
  if (!session) co_return std::unexpected(std::move(session.error()));
  connection->session_ = std::move(*session);
  connection->session_->limit_result(contracts::SqlLimits::kAnswer);
  // The pool ends statements by itself; the server does so a little later, in case that we are
  // gone.
  connection->set_up_ = fmt::format(
      "SET statement_timeout = {}; SET lock_timeout = 0;"
      " SET idle_in_transaction_session_timeout = {}; SET client_encoding = 'UTF8';"
      " SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex';"
      " SET extra_float_digits = 3; SET standard_conforming_strings = on",
      options.timeout.count() + 2000, idle_transaction.count());
  // A statement whose host has died.
  if (pq().PQserverVersion(connection->handle()) >= 140'000)
    connection->set_up_ += "; SET client_connection_check_interval = 2000";
  auto ready = co_await connection->session_->run(connection->set_up_);
  if (!ready) co_return std::unexpected(std::move(ready.error()));
  co_return connection;
}

bool Connection::in_transaction() const {
  const auto status = pq().PQtransactionStatus(session_->handle());
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR;
}

Task<Result<>> Connection::roll_back() {
  if (!in_transaction()) co_return Result<>();
  co_return co_await session_->run("ROLLBACK");
}

Task<Result<>> Connection::reset() {
  if (!changed_) co_return Result<>();
  auto discarded = co_await session_->run("DISCARD ALL");
  if (!discarded) co_return discarded;
  prepared_.clear();
  by_sql_.clear();
  changed_ = false;
  co_return co_await session_->run(set_up_);
}

Task<> Connection::forget_prepared() {
  prepared_.clear();
  by_sql_.clear();
  (void)co_await session_->run("DEALLOCATE ALL");
}

Task<Result<Answer>> Connection::run(const Order& order) {
  std::string state;
  auto answer = co_await run_once(order, state);
  // A table has other columns since it was prepared, or somebody has taken it away.
  const bool stale = !answer && (state == "0A000" || state == "26000");
  if (!stale) co_return answer;
  if (in_transaction()) {
    changed_ = true;  // forgotten when it is over
    co_return answer;
  }
  co_await forget_prepared();
  state.clear();
  co_return co_await run_once(order, state);
}

Task<Result<Answer>> Connection::run_once(const Order& order, std::string& state) {
  if (order.kind == Order::Kind::Batch) {
    const Session::Send send = [&](PGconn* to) {
      return pq().PQsendQuery(to, order.sql.c_str()) && pq().PQsetSingleRowMode(to);
    };
    co_return co_await ask(send, order, state);
  }
  auto name = co_await prepared(order.sql, state);
  if (!name) co_return std::unexpected(std::move(name.error()));
  if (order.kind == Order::Kind::Prepare) co_return Answer();
  const auto& with = order.parameters;
  session_->note_bytes(with.bytes());
  const Session::Send send = [&](PGconn* to) {
    return pq().PQsendQueryPrepared(to, name->c_str(), with.size(), with.values().data(),
                                    with.lengths().data(), with.formats().data(), 0) &&
           pq().PQsetSingleRowMode(to);
  };
  co_return co_await ask(send, order, state);
}

Task<Result<std::string>> Connection::prepared(const std::string& sql, std::string& state) {
  if (auto found = by_sql_.find(sql); found != by_sql_.end()) {
    prepared_.splice(prepared_.begin(), prepared_, found->second);
    co_return prepared_.front().name;
  }
  if (prepared_.size() >= kPrepared) {
    const std::string oldest = prepared_.back().name;
    by_sql_.erase(prepared_.back().sql);
    prepared_.pop_back();
    (void)co_await session_->run("DEALLOCATE " + oldest);
  }
  std::string name = fmt::format("u{}", ++names_);
  const Session::Send send = [&](PGconn* to) {
    return pq().PQsendPrepare(to, name.c_str(), sql.c_str(), 0, nullptr);
  };
  static const Order kNothing;
  const bool changed = changed_;
  auto made = co_await ask(send, kNothing, state);
  changed_ = changed;
  if (!made) co_return std::unexpected(std::move(made.error()));
  prepared_.push_front({sql, name});
  by_sql_.emplace(prepared_.front().sql, prepared_.begin());
  co_return name;
}

Task<Result<Answer>> Connection::ask(const Session::Send& send, const Order& order,
                                     std::string& state) {
  Result<Answer> answer;
  const Session::Take taken = [&](ResultPtr result) {
    take(order, std::move(result), answer, state);
  };
  auto asked = co_await session_->ask(send, taken);
  if (!asked && (answer || answer.error().code == ErrorCode::Timeout ||
                 asked.error().code == ErrorCode::LimitExceeded))
    co_return std::unexpected(std::move(asked.error()));
  co_return answer;
}

void Connection::take(const Order& order, ResultPtr result, Result<Answer>& answer,
                      std::string& state) {
  const auto refuse = [&](Error error) {
    if (answer) answer = std::unexpected(std::move(error));
  };
  switch (pq().PQresultStatus(result.get())) {
    case PGRES_SINGLE_TUPLE: {
      session_->note_bytes(bytes_of(result.get()));
      if (!answer || !order.on_row) return;
      if (auto row = order.on_row(result.get()); !row) {
        refuse(std::move(row.error()));
        if (cancel) cancel();  // there may be any number of them
      }
      return;
    }
    case PGRES_TUPLES_OK:
    case PGRES_COMMAND_OK: {
      const std::string_view tag = pq().PQcmdStatus(result.get());
      const std::string_view verb = verb_of(tag);
      const std::string_view rows = pq().PQcmdTuples(result.get());
      // What PostgreSQL makes of a COMMIT after an error.
      if (verb == "ROLLBACK" && order.kind == Order::Kind::Statement &&
          contracts::transaction_end(order.sql) == contracts::TransactionEnd::Commit) {
        refuse(
            {ErrorCode::Conflict,
             "nothing was committed: a statement of the transaction had failed, and it was rolled "
             "back",
             "begin again"});
      }
      if (answer && changes_rows(verb))
        std::from_chars(rows.data(), rows.data() + rows.size(), answer->changed);
      // CREATE TABLE … AS says that it selected, too, but has no rows.
      if (pq().PQresultStatus(result.get()) == PGRES_COMMAND_OK && !leaves_no_trace(verb))
        changed_ = true;
      return;
    }
    case PGRES_EMPTY_QUERY:
      if (order.kind == Order::Kind::Statement)
        refuse({ErrorCode::InvalidArgument, "there is no statement in the text", {}});
      return;
    case PGRES_COPY_IN:
    case PGRES_COPY_OUT:
    case PGRES_COPY_BOTH:
      refuse({ErrorCode::InvalidArgument, "COPY with the data in the connection is not possible",
              "write INSERT or SELECT"});
      session_->close();  // it would wait for the data
      return;
    default:
      state = field(result.get(), PG_DIAG_SQLSTATE);
      refuse(error_of(result.get(), options_.shown));
  }
}

}  // namespace unbolt::providers::sql_postgres
