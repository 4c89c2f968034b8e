// The open file: its connections, its threads, and whose turn it is to write.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/wakeup.h"
#include "unbolt/contracts/ended_transaction.h"
#include "unbolt/providers/sql_sqlite/connection.h"

namespace unbolt::providers::sql_sqlite {

struct DatabaseOptions {
  unbolt::sqlite::FileOptions file;
  // Of each statement, its waiting included.
  std::chrono::milliseconds timeout{30'000};
  // How long a transaction may keep others waiting while nothing is asked of it.
  std::chrono::milliseconds idle_transaction{60'000};
  // Statements that run at a time.
  std::size_t connections = 8;
};

// What belongs to one `SqlSession`; shared with the statement that it runs, which may outlive it.
// All of it is guarded by the database, but for what the statement that runs uses.
struct Holder {
  std::unique_ptr<Connection> connection;  // from the beginning of a transaction to its end
  bool has_turn = false;
  bool busy = false;  // with a statement, or with being rolled back
  bool closed = false;
  bool open_transaction = false;
  contracts::EndedTransaction ended;
  std::chrono::steady_clock::time_point used;
};

// One statement on its way.
struct Work {
  std::string sql;
  std::vector<std::string> parameters;
  Bounds bounds;
  std::shared_ptr<Holder> holder;
  // Written before `done` is woken.
  Result<Answer> outcome;
  const std::shared_ptr<Wakeup> done = std::make_shared<Wakeup>();
};

// Thread-safe. One statement or transaction writes at a time, in the order in which they came;
// SQLite's own lock is for other programs.
//
// Sessions and calls hold it, its threads do not: it is closed when nobody asks anything of it.
class Database {
 public:
  // Opens or creates the file; blocks. Closed in `closing`, which outlives it.
  static Result<std::shared_ptr<Database>> open(const DatabaseOptions& options,
                                                BlockingPool& closing);

  const DatabaseOptions& options() const { return options_; }

  // Runs it; `work->done` is woken when its outcome is there. Unavailable where the holder's last
  // statement has not ended yet.
  Result<> start(std::shared_ptr<Work> work);
  // The work that waits for its turn waits no longer, and has no outcome; one that runs ends by
  // its bounds. A transaction that holds the others up for too long is rolled back.
  void give_up(const std::shared_ptr<Work>& work);
  // Rolls back what is open, now or when the statement that runs has ended.
  void close(std::shared_ptr<Holder> holder);
  // After the answer.
  bool in_transaction(const Holder& holder);

 private:
  explicit Database(const DatabaseOptions& options)
      : options_(options), threads_(options.connections) {}

  void step(std::shared_ptr<Work> work);
  Result<std::unique_ptr<Connection>> take();
  Result<bool> take_turn(const std::shared_ptr<Work>& work);
  void finish(const std::shared_ptr<Work>& work, Result<Answer> outcome);
  // With the lock: gives the turn to the next one.
  void release(Holder& holder);
  void keep(std::unique_ptr<Connection> connection);
  void end_idle_transaction();
  void post_roll_back(std::shared_ptr<Holder> holder);

  const DatabaseOptions options_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
  std::shared_ptr<Holder> turn_;  // who may write; null: nobody does
  std::deque<std::shared_ptr<Work>> waiting_;
  BlockingPool threads_;  // has done its work before the rest goes
};

}  // namespace unbolt::providers::sql_sqlite
