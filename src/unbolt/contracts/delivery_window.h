// For providers of messaging whose broker hands messages over: what came, given to the receiver so
// many at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "unbolt/base/wakeup.h"
#include "unbolt/contracts/messaging.h"
#include "unbolt/contracts/receiver_gate.h"

namespace unbolt::contracts {

// Thread-safe; made with `std::make_shared`. Lives until its last delivery is answered.
class DeliveryWindow : public std::enable_shared_from_this<DeliveryWindow> {
 public:
  struct Item {
    std::shared_ptr<const Message> message;
    std::uint64_t attempt = 1;
    Delivery::Answer answer;  // null: nobody wants it
  };
  // What may wait here beside those in flight.
  struct Bounds {
    std::size_t count = 65'536;
    std::uint64_t bytes = 64 << 20;
  };

  DeliveryWindow(Receiver receiver, std::size_t in_flight, Bounds bounds)
      : gate_(std::move(receiver)), most_(in_flight), bounds_(bounds) {}

  // Delivers it, or lets it wait its turn. False: the window is closed, or there is no room, and it
  // is counted as lost. The item is dropped unanswered.
  bool push(Item item);
  // How many more there is room for in flight.
  std::size_t free() const;
  bool idle() const;
  std::size_t left() const;
  // Woken when an answer leaves the window idle.
  const std::shared_ptr<Wakeup>& idle_again() const { return idle_again_; }
  // Called without a lock, on any thread, when there is room again. Set before the first item.
  void on_free(std::function<void()> then) { on_free_ = std::move(then); }

  // No call of the receiver from then on. What waits here is answered as failed, or, where nobody
  // wants an answer, lost.
  void close();
  SubscriptionCounts counts() const;
  void count_lost(std::uint64_t messages);

 private:
  using Lock = std::unique_lock<std::mutex>;
  void pump(Lock& lock);
  void answered(Delivery::Answer answer, Delivery::Outcome outcome);

  ReceiverGate gate_;
  const std::size_t most_;
  const Bounds bounds_;
  const std::shared_ptr<Wakeup> idle_again_ = std::make_shared<Wakeup>();
  std::function<void()> on_free_;
  mutable std::mutex mutex_;
  std::deque<Item> waiting_;
  std::uint64_t bytes_ = 0;
  std::size_t in_flight_ = 0;
  bool closed_ = false;
  SubscriptionCounts counts_;
  std::vector<std::thread::id> pumping_;  // an answer inside the receiver is not a deeper delivery
};

}  // namespace unbolt::contracts
