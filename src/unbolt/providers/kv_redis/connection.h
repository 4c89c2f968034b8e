// A connection that is made again whenever it is lost, with many calls on it at once.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "unbolt/base/log.h"
#include "unbolt/base/suspend.h"
#include "unbolt/providers/kv_redis/command.h"
#include "unbolt/providers/kv_redis/session.h"

namespace unbolt::providers::redis {

// A command on its way, from the caller's loop to the provider's and back: each touches it only
// while it is its turn. Outlives its caller where the deadline passes first.
struct Request {
  explicit Request(Command&& sent) : command(std::move(sent)) {}

  Command command;
  std::chrono::steady_clock::time_point deadline;
  std::shared_ptr<void> admission;  // a place among those that may wait
  Result<ReplyPtr> outcome;
  Resume resume;  // empty when it has been answered
};

// Commands are sent as they come, without waiting for the answers to those before (pipelining). On
// the provider's loop with everything; destroyed when that has stopped.
//
// Where the connection is lost, the commands that were sent fail, since they may have taken effect;
// those that were not wait for the next connection until their deadline, or fail at once where
// there has been none for as long as a deadline.
class Connection {
 public:
  Connection(const KvRedisOptions& options, asio::ssl::context* tls, asio::io_context& loop,
             Log& log);

  // Begins to connect. `first` hears how the first attempt went.
  void start(std::function<void(Result<>)> first);
  void submit(std::shared_ptr<Request> request);
  // Not answered.
  std::size_t size() const { return waiting_.size() + sent_.size(); }

 private:
  using Clock = std::chrono::steady_clock;
  using Queue = std::deque<std::shared_ptr<Request>>;

  Task<> run();
  Task<Error> receive(std::shared_ptr<Session> session);
  Task<> send(std::shared_ptr<Session> session);
  void begin_to_send();
  void answer(ReplyPtr reply);
  void lost(const Error& why);
  // At the deadline of whoever is next.
  void watch_deadlines();
  void expire();

  const KvRedisOptions& options_;
  asio::ssl::context* const tls_;
  asio::io_context& loop_;
  Log& log_;
  std::function<void(Result<>)> first_;
  bool started_ = false;
  std::shared_ptr<Session> session_;  // null while there is no connection
  bool sending_ = false;
  Queue waiting_, sent_;          // in the order of their deadlines
  std::optional<Error> trouble_;  // why there is no connection
  Clock::time_point trouble_since_;
  Timer deadline_;
  bool deadline_watched_ = false;
};

}  // namespace unbolt::providers::redis
