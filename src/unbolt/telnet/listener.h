// Where telnet clients connect, and who is connected.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "unbolt/telnet/connection.h"

namespace unbolt::telnet {

// The sessions of one listener, on whatever loops they are. Thread-safe.
class Sessions {
 public:
  // Of those that were accepted and are not gone.
  std::size_t count() const { return count_.load(std::memory_order_relaxed); }
  // Every session is over, also those that come later; their components are told.
  void stop();

 private:
  friend class Accepted;
  void add(const std::shared_ptr<Connection>& connection);

  std::atomic<std::size_t> count_ = 0;
  std::mutex mutex_;
  bool stopped_ = false;
  std::vector<std::weak_ptr<Connection>> connections_;
};

// A client that was accepted: a socket that is not yet on a loop. Counted while it lives; who
// serves the session keeps it to its end.
class Accepted {
 public:
  Accepted(int socket, Limits limits, std::shared_ptr<Sessions> sessions);
  ~Accepted();
  Accepted(const Accepted&) = delete;
  Accepted& operator=(const Accepted&) = delete;

  void set_limits(const Limits& limits) { limits_ = limits; }
  // There are too many: says so, as far as that goes without waiting.
  void refuse();
  // Once, on the loop that will serve it. Null where the client is gone.
  std::shared_ptr<Connection> open(Executor loop, Log& log);

 private:
  int socket_;
  Limits limits_;
  std::shared_ptr<Sessions> sessions_;
};

using OnAccepted = std::function<void(std::unique_ptr<Accepted>)>;

// Accepts on one loop, and gives clients to `accepted`, there. Outlived by `log`.
class Listener {
 public:
  // Takes over the listening socket.
  Listener(Executor loop, int listener, const Limits& limits, Log& log, OnAccepted accepted);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Accepts no more, and ends the sessions; they may take a moment more (`sessions().count()`). On
  // the loop.
  void stop();
  const Sessions& sessions() const { return *sessions_; }

 private:
  struct Accepting;
  std::shared_ptr<Sessions> sessions_ = std::make_shared<Sessions>();
  std::shared_ptr<Accepting> accepting_;
};

}  // namespace unbolt::telnet
