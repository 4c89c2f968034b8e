#include "unbolt/providers/sql_sqlite/database.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "unbolt/contracts/sql_text.h"

namespace unbolt::providers::sql_sqlite {
namespace {

using Clock = std::chrono::steady_clock;

// A transaction that will write should say so when it begins: two that have read could not both
// write then. PostgreSQL's words for its kind mean nothing here.
std::string_view as_sqlite(std::string_view sql) {
  using contracts::begins_with_word;
  const std::string_view text = contracts::skip_blank(sql);
  const bool begin = begins_with_word(text, "BEGIN");
  if (!begin && !begins_with_word(text, "START")) return sql;
  const std::size_t end = text.find(';');
  if (end != text.npos && !contracts::skip_blank(text.substr(end)).empty()) return sql;
  const std::string_view next = contracts::skip_blank(text.substr(5));
  for (std::string_view own : {"DEFERRED", "IMMEDIATE", "EXCLUSIVE"}) {
    if (begin && begins_with_word(next, own)) return sql;
  }
  if (!begin && !begins_with_word(next, "TRANSACTION")) return sql;
  return "BEGIN IMMEDIATE";
}

}  // namespace

Result<std::shared_ptr<Database>> Database::open(const DatabaseOptions& options,
                                                 BlockingPool& closing) {
  UNBOLT_TRY(unbolt::sqlite::check_place(options.file.path));
  std::shared_ptr<Database> database(new Database(options), [&closing](Database* last) {
    closing.post([last]() noexcept { delete last; });
  });
  auto first = Connection::open(database->options_.file, Connection::IfAbsent::Create);
  if (!first) {
    if (first.error().code == ErrorCode::Unavailable) first.error().code = ErrorCode::Conflict;
    return std::unexpected(std::move(first.error()));
  }
  database->keep(std::move(*first));
  return database;
}

Result<> Database::start(std::shared_ptr<Work> work) {
  {
    std::lock_guard lock(mutex_);
    Holder& holder = *work->holder;
    if (holder.ended) {
      auto answer = holder.ended.answer(work->sql);
      holder.open_transaction = static_cast<bool>(holder.ended);
      if (answer) {
        work->outcome = Answer();
        work->done->wake();
      }
      return answer;
    }
    if (holder.busy) return fail(ErrorCode::Unavailable, "the statement before has not ended yet");
    holder.busy = true;
  }
  threads_.post([this, work = std::move(work)]() mutable noexcept { step(std::move(work)); });
  return {};
}

Result<std::unique_ptr<Connection>> Database::take() {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  return Connection::open(options_.file, Connection::IfAbsent::Fail);
}

void Database::keep(std::unique_ptr<Connection> connection) {
  std::lock_guard lock(mutex_);
  if (!connection->spoiled() && idle_.size() < options_.connections)
    idle_.push_back(std::move(connection));
}

// Whether it is there; else the work is stepped again when it comes.
Result<bool> Database::take_turn(const std::shared_ptr<Work>& work) {
  std::lock_guard lock(mutex_);
  // Said under the lock: whoever gives it up has done so before, or finds it waiting.
  if (work->bounds.passed()) return std::unexpected(work->bounds.error());
  if (turn_) {
    waiting_.push_back(work);
    return false;
  }
  turn_ = work->holder;
  work->holder->has_turn = true;
  return true;
}

// On one of the threads; their root: exhaustion ends the statement, not the program.
void Database::step(std::shared_ptr<Work> work) {
  Holder& holder = *work->holder;
  Result<Answer> outcome;
  try {
    outcome = [&]() -> Result<Answer> {
      if (work->bounds.passed()) return std::unexpected(work->bounds.error());
      if (!holder.connection) {
        UNBOLT_ASSIGN(holder.connection, take());
      }
      Connection& connection = *holder.connection;
      UNBOLT_ASSIGN(auto* statement, connection.prepare(as_sqlite(work->sql), work->bounds));
      if (connection.writes(statement) && !holder.has_turn) {
        UNBOLT_ASSIGN(const bool there, take_turn(work));
        if (!there) {
          work = nullptr;
          return Answer();
        }
      }
      return connection.run(statement, work->parameters, work->bounds);
    }();
  } catch (const std::exception& failure) {
    outcome = fail(ErrorCode::LimitExceeded, "the statement failed: {}", failure.what());
  }
  if (work) finish(work, std::move(outcome));
}

void Database::finish(const std::shared_ptr<Work>& work, Result<Answer> outcome) {
  Holder& holder = *work->holder;
  bool closed;
  {
    std::lock_guard lock(mutex_);
    closed = holder.closed;
  }
  std::unique_ptr<Connection> free;
  if (holder.connection) {
    const bool cut_off = !outcome && (outcome.error().code == ErrorCode::Timeout ||
                                      outcome.error().code == ErrorCode::Cancelled);
    if (cut_off || closed) holder.connection->roll_back();
    if (!holder.connection->in_transaction()) free = std::move(holder.connection);
  }
  if (free) keep(std::move(free));
  work->outcome = std::move(outcome);
  {
    std::lock_guard lock(mutex_);
    if (holder.open_transaction && !holder.connection && !work->outcome &&
        contracts::transaction_end(work->sql) == contracts::TransactionEnd::No)
      holder.ended.end(work->outcome.error().message);
    holder.open_transaction = holder.connection || holder.ended;
    holder.busy = false;
    holder.used = Clock::now();
    if (!holder.connection) {
      release(holder);
    } else if (holder.closed) {  // meanwhile
      post_roll_back(work->holder);
    }
  }
  work->done->wake();
}

void Database::release(Holder& holder) {
  if (!std::exchange(holder.has_turn, false)) return;
  turn_ = nullptr;
  if (waiting_.empty()) return;
  auto next = std::move(waiting_.front());
  waiting_.pop_front();
  turn_ = next->holder;
  next->holder->has_turn = true;
  threads_.post([this, next = std::move(next)]() mutable noexcept { step(std::move(next)); });
}

void Database::give_up(const std::shared_ptr<Work>& work) {
  {
    std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(waiting_, work);
    if (found == waiting_.end()) return;
    waiting_.erase(found);
    end_idle_transaction();
  }
  threads_.post([this, work]() noexcept { finish(work, std::unexpected(work->bounds.error())); });
}

void Database::end_idle_transaction() {
  if (!turn_ || turn_->busy || Clock::now() - turn_->used < options_.idle_transaction) return;
  turn_->ended.end(fmt::format("others waited for it, and nothing was asked of it for {} ms",
                               options_.idle_transaction.count()));
  post_roll_back(turn_);
}

void Database::close(std::shared_ptr<Holder> holder) {
  std::lock_guard lock(mutex_);
  holder->closed = true;
  if (!holder->busy && holder->connection) post_roll_back(std::move(holder));
}

// With the lock, for a holder that is not busy.
void Database::post_roll_back(std::shared_ptr<Holder> holder) {
  holder->busy = true;
  threads_.post([this, holder = std::move(holder)]() noexcept {
    auto connection = std::move(holder->connection);
    connection->roll_back();
    if (!connection->in_transaction()) keep(std::move(connection));
    std::lock_guard lock(mutex_);
    holder->busy = false;
    release(*holder);
  });
}

bool Database::in_transaction(const Holder& holder) {
  std::lock_guard lock(mutex_);
  return holder.open_transaction;
}

}  // namespace unbolt::providers::sql_sqlite
