// The connections to a server, and statements of strangers on them, from any thread.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/io_thread.h"
#include "unbolt/base/log.h"
#include "unbolt/base/wakeup.h"
#include "unbolt/contracts/ended_transaction.h"
#include "unbolt/postgres/opening.h"
#include "unbolt/providers/sql_postgres/canceller.h"
#include "unbolt/providers/sql_postgres/connection.h"

namespace unbolt::providers::sql_postgres {

// What belongs to one session of a component; its connection while it is in a transaction. Used on
// the pool's thread, but for `in_transaction`.
struct Holder {
  std::shared_ptr<Connection> connection;
  bool busy = false;
  bool closed = false;
  contracts::EndedTransaction ended;
  std::atomic<bool> in_transaction = false;
};

// One statement on its way, from the caller's loop to the pool's thread and back: each touches it
// only while it is its turn, but for what is atomic.
struct Work {
  Order order;
  // Null: a transaction that it leaves open is rolled back.
  std::shared_ptr<Holder> holder;
  std::chrono::steady_clock::time_point deadline;
  std::shared_ptr<void> admission;  // a place among those that may wait

  // The pool's.
  std::shared_ptr<Connection> connection;  // that runs it
  bool ended = false;
  bool late = false, cancelled = false;  // it was ended from outside

  // Written before `done` is woken.
  Result<Answer> outcome;
  const std::shared_ptr<Wakeup> done = std::make_shared<Wakeup>();
};

struct PoolOptions : postgres::ServerOptions {
  std::chrono::milliseconds idle_transaction{60'000};

  // Of `postgres://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE][?timeout=30s][&connections=8]
  // [&idle_transaction=60s]` with libpq's own options.
  static Result<PoolOptions> of(const contracts::ProviderUrl& url);
};

// Shared by the provider, by its sessions and by every call in flight. The connections live on a
// thread of its own; each serves one statement or transaction at a time, and is made when all
// others are busy.
class Pool {
 public:
  // Blocks until the server has answered. Unavailable, Denied, NotFound: with what to do. Closed in
  // `blocking`, which outlives it.
  static Result<std::shared_ptr<Pool>> open(const PoolOptions& options, Log& log,
                                            BlockingPool& blocking);
  ~Pool();

  const PoolOptions& options() const { return options_; }

  // Runs the order. Cancelling the task cancels the statement at the server. Timeout, where the
  // statement took longer than the pool's timeout, is told by then or a moment later. The task
  // keeps the pool.
  static Task<Result<Answer>> run(std::shared_ptr<Pool> self, std::shared_ptr<Work> work);
  std::shared_ptr<Work> make_work(Order order, std::shared_ptr<Holder> holder) const;

  // Rolls back what is open. Any thread.
  void close(std::shared_ptr<Holder> holder);

 private:
  using Clock = std::chrono::steady_clock;

  Pool(const PoolOptions& options, Log& log);

  Error ended_late() const;
  // On the thread.
  Task<Result<>> first_connection();
  void add(std::shared_ptr<Connection> connection);
  void submit(std::shared_ptr<Work> work);
  void stop(std::shared_ptr<Work> work, bool cancelled);
  void next();
  void begin(std::shared_ptr<Work> work, std::shared_ptr<Connection> connection);
  Task<> serve(std::shared_ptr<Work> work);
  Task<> connect();
  Task<> put_back(std::shared_ptr<Connection> connection);
  void finish(Work& work, Result<Answer> outcome);

  const PoolOptions options_;
  Log& log_;
  postgres::Admission admission_{options_, "statements"};
  IoThread io_{"sql_postgres"};
  // From here on the thread's.
  Canceller canceller_;
  std::vector<std::shared_ptr<Connection>> idle_;
  std::deque<std::shared_ptr<Work>> waiting_;
  std::size_t connections_ = 0;  // all that there are, and that are being made
  std::size_t connecting_ = 0;
  std::optional<Error> trouble_;  // why there is no connection at all
};

}  // namespace unbolt::providers::sql_postgres
