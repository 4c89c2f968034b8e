// The thread of a connection that sends: the only one that may wait for the socket.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/nats/message.h"

struct __natsConnection;

namespace unbolt::nats {

// Shared by a message on its way and the one who waits for it.
struct Sending {
  std::atomic<bool> sent = false;  // or about to be
  std::atomic<bool> left = false;  // nobody waits any more: it need not be sent
};

// Thread-safe.
class Sender {
 public:
  enum class Until : std::uint8_t { Written, Confirmed };
  struct Item {
    Outgoing message;
    std::chrono::steady_clock::time_point deadline;
    std::shared_ptr<Sending> sending;
    // Confirmed: `done` when the server has it. Written: `done` only where it cannot be sent. On
    // the sender's thread, at most once; not at all where the deadline passes.
    Until until;
    std::move_only_function<void(Result<>)> done;
  };

  // `connection` outlives it, and so does `connected`.
  Sender(__natsConnection* connection, const std::atomic<bool>& connected, std::string shown,
         std::uint64_t most_bytes);
  ~Sender() { stop(); }

  // False: too much waits.
  bool push(Item item);
  // See Connection::tick.
  void tick(std::weak_ptr<void> owner, std::function<void()> work);
  // Sends what it can within a moment; nothing is sent afterwards. Once or more.
  void stop();

 private:
  using Lock = std::unique_lock<std::mutex>;
  using Batch = std::vector<Item>;

  void run();
  void run_ticks(Lock& lock);
  Batch take();
  void send(Batch batch);
  void confirm(Batch sent);
  void give_back(Batch unsent);

  __natsConnection* const connection_;
  const std::atomic<bool>& connected_;
  const std::string shown_;
  const std::uint64_t most_bytes_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> waiting_;
  std::uint64_t bytes_ = 0;
  bool stopping_ = false;
  std::vector<std::pair<std::weak_ptr<void>, std::function<void()>>> ticks_;
  std::chrono::steady_clock::time_point next_tick_{};
  std::thread thread_;  // last: it uses the others
};

}  // namespace unbolt::nats
