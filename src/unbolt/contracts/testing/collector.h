// For tests: what a subscription delivers, kept.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "unbolt/contracts/messaging.h"

namespace unbolt::contracts {

// A receiver that keeps what it gets, for a test to look at and answer.
class Collector {
 public:
  enum class Answer : std::uint8_t { AtOnce, Keep };

  Receiver receiver(Answer answer = Answer::AtOnce) {
    return [state = state_, answer](Delivery delivery) {
      std::lock_guard lock(state->mutex);
      const Message& message = delivery.message();
      state->bodies.emplace_back(as_text(message.body));
      state->messages.push_back(message);
      state->attempts.push_back(delivery.attempt());
      if (answer == Answer::AtOnce) {
        delivery.handled();
      } else {
        state->kept.push_back(std::move(delivery));
        state->most_kept = std::max(state->most_kept, state->kept.size());
      }
      state->changed.notify_all();
    };
  }

  bool wait_for(std::size_t count, std::chrono::milliseconds patience = std::chrono::seconds(20)) {
    std::unique_lock lock(state_->mutex);
    return state_->changed.wait_for(lock, patience, [&] { return state_->bodies.size() >= count; });
  }
  std::vector<std::string> bodies() const {
    std::lock_guard lock(state_->mutex);
    return state_->bodies;
  }
  std::vector<Message> messages() const {
    std::lock_guard lock(state_->mutex);
    return state_->messages;
  }
  std::vector<std::uint64_t> attempts() const {
    std::lock_guard lock(state_->mutex);
    return state_->attempts;
  }
  std::size_t count() const { return bodies().size(); }
  std::size_t most_kept() const {
    std::lock_guard lock(state_->mutex);
    return state_->most_kept;
  }
  // The oldest kept delivery.
  Delivery take() {
    std::unique_lock lock(state_->mutex);
    state_->changed.wait_for(lock, std::chrono::seconds(20), [&] { return !state_->kept.empty(); });
    Delivery delivery = std::move(state_->kept.front());
    state_->kept.pop_front();
    return delivery;
  }
  std::size_t kept() const {
    std::lock_guard lock(state_->mutex);
    return state_->kept.size();
  }

 private:
  struct State {
    mutable std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> bodies;
    std::vector<Message> messages;
    std::vector<std::uint64_t> attempts;
    std::deque<Delivery> kept;
    std::size_t most_kept = 0;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace unbolt::contracts
