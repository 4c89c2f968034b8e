// The server, as the provider's functions see it: statements in, rows out, from any thread.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/io_thread.h"
#include "unbolt/base/log.h"
#include "unbolt/base/suspend.h"
#include "unbolt/postgres/opening.h"
#include "unbolt/postgres/session.h"
#include "unbolt/providers/kv_postgres/listener.h"
#include "unbolt/providers/kv_postgres/options.h"
#include "unbolt/providers/kv_postgres/statements.h"

namespace unbolt::providers::kv_postgres {

using postgres::Rows;

// A statement on its way, from the caller's loop to the provider's and back: each touches it only
// while it is its turn. Outlives its caller where the deadline passes first.
struct Request {
  Request(const Statement& asked, Parameters&& with)
      : statement(asked), parameters(std::move(with)) {}

  const Statement& statement;
  const Parameters parameters;
  std::chrono::steady_clock::time_point deadline;
  std::shared_ptr<void> admission;  // a place among those that may wait
  Result<Rows> outcome;
  Resume resume;  // empty when it has been answered
};

// Shared by the provider and by every call in flight. Its connections live on a thread of its own;
// each serves one call at a time. They are made one after the other from the start, so that a load
// which comes to it all at once, after a swap, finds them there; and when all others are busy.
//
// Where a connection is lost, its call fails, since it may have taken effect; those that wait go to
// the next one until their deadline, or fail at once where there has been none for as long as a
// deadline.
class Client {
 public:
  // Blocks until the server has answered and the tables are there. Unavailable, Denied, NotFound,
  // Conflict: with what to do. Closed in `blocking`, which outlives it.
  static Result<std::shared_ptr<Client>> open(const KvPostgresOptions& options, Log& log,
                                              BlockingPool& blocking);
  ~Client();

  // LimitExceeded where too many wait already; Timeout, Unavailable, or what the server's error
  // means. `statement` is one of `statements()`.
  static Task<Result<Rows>> call(std::shared_ptr<Client> self, const Statement& statement,
                                 Parameters parameters);

  // When the answer comes, `watchers()` are told of changes.
  static Task<Result<>> listen(std::shared_ptr<Client> self);
  contracts::KeyWatchers& watchers() { return listener_.watchers(); }

  const KvPostgresOptions& options() const { return options_; }
  const Statements& statements() const { return statements_; }

 private:
  using Clock = std::chrono::steady_clock;
  // What serves calls on one connection after the other.
  struct Worker {
    explicit Worker(asio::io_context& loop) : wake(loop), late(loop) {}
    Timer wake;  // cancelled when there is something to do
    Timer late;
    bool idle = false;
  };

  Client(const KvPostgresOptions& options, Log& log);

  void enqueue(std::shared_ptr<Request> request);
  void take_inbox();
  void submit(std::shared_ptr<Request> request);
  void finish(Request& request, Result<Rows> outcome);

  Task<Result<>> prepare_tables();
  // One more, where there are fewer than may be.
  void start_worker();
  Task<> work(Worker& worker);
  Task<> pause(Worker& worker, std::chrono::milliseconds time);
  Task<std::shared_ptr<Session>> connected();
  Task<> serve(Worker& worker, std::shared_ptr<Session> session);
  void watch_deadline(Worker& worker, std::shared_ptr<Request> request,
                      std::weak_ptr<Session> session);
  void watch_waiting();

  const KvPostgresOptions options_;
  const Statements statements_;
  Log& log_;
  postgres::Admission admission_{options_, "calls"};
  std::mutex mutex_;
  std::vector<std::shared_ptr<Request>> inbox_;  // for the thread
  IoThread io_{"kv_postgres"};
  // From here on the thread's.
  Listener listener_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::deque<std::shared_ptr<Request>> waiting_;  // in the order of their deadlines
  Timer waiting_deadline_;
  bool waiting_watched_ = false;
  std::size_t sessions_ = 0;
  std::optional<Error> trouble_;  // why there is no connection at all
  Clock::time_point trouble_since_;
};

}  // namespace unbolt::providers::kv_postgres
