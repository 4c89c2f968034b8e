// For providers of messaging: the receiver of a subscription, which is not called any more once the
// subscription is dropped.
#pragma once

#include <condition_variable>
#include <mutex>
#include <utility>

#include "unbolt/contracts/messaging.h"

namespace unbolt::contracts {

// Shared by the subscription and whoever delivers.
class ReceiverGate {
 public:
  explicit ReceiverGate(Receiver receiver) : receiver_(std::move(receiver)) {}

  // Calls the receiver with what `make` (`Delivery()`) returns. False, and nothing is made, once it
  // is closed.
  template <class Make>
  bool pass(Make make) {
    {
      std::lock_guard lock(mutex_);
      if (closed_) return false;
      ++calls_;
    }
    receiver_(make());
    std::lock_guard lock(mutex_);
    if (--calls_ == 0 && closed_) ended_.notify_all();
    return true;
  }

  // Waits for the calls that are under way, and lets go of the receiver: what it holds may hold a
  // delivery, and with it this gate.
  void close() {
    Receiver ended;
    std::unique_lock lock(mutex_);
    closed_ = true;
    ended_.wait(lock, [this] { return calls_ == 0; });
    std::swap(ended, receiver_);
    lock.unlock();
  }

 private:
  Receiver receiver_;
  std::mutex mutex_;
  std::condition_variable ended_;
  std::size_t calls_ = 0;
  bool closed_ = false;
};

}  // namespace unbolt::contracts
