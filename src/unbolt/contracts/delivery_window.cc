#include "unbolt/contracts/delivery_window.h"

#include <algorithm>

namespace unbolt::contracts {
namespace {

std::uint64_t cost(const Message& message) {
  return message.subject.size() + message.body.size() + 128;
}

}  // namespace

bool DeliveryWindow::push(Item item) {
  Lock lock(mutex_);
  const auto size = cost(*item.message);
  if (closed_) return false;
  if (waiting_.size() >= bounds_.count || (bytes_ + size > bounds_.bytes && !waiting_.empty())) {
    ++counts_.lost;
    return false;
  }
  bytes_ += size;
  waiting_.push_back(std::move(item));
  pump(lock);
  return true;
}

void DeliveryWindow::pump(Lock& lock) {
  const auto here = std::this_thread::get_id();
  if (std::ranges::find(pumping_, here) != pumping_.end()) return;
  pumping_.push_back(here);
  while (!closed_ && !waiting_.empty() && in_flight_ < most_) {
    Item item = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_ -= cost(*item.message);
    ++in_flight_;
    ++counts_.delivered;
    lock.unlock();
    const bool passed = gate_.pass([&] {
      return Delivery(
          std::move(item.message), item.attempt,
          [self = shared_from_this(), answer = std::move(item.answer)](
              Delivery::Outcome outcome) mutable { self->answered(std::move(answer), outcome); });
    });
    lock.lock();
    if (passed) continue;
    --in_flight_;
    --counts_.delivered;
    if (!item.answer) {
      ++counts_.lost;
      continue;
    }
    lock.unlock();
    item.answer(Delivery::Outcome::Failed);
    lock.lock();
  }
  std::erase(pumping_, here);
}

void DeliveryWindow::answered(Delivery::Answer answer, Delivery::Outcome outcome) {
  // First the broker's answer: who waits for the window to be idle may end the connection.
  if (answer) answer(outcome);
  {
    Lock lock(mutex_);
    --in_flight_;
    ++(outcome == Delivery::Outcome::Handled ? counts_.handled : counts_.failed);
    pump(lock);
    if (in_flight_ == 0) idle_again_->wake();
  }
  if (on_free_) on_free_();
}

void DeliveryWindow::close() {
  std::deque<Item> waiting;
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
    waiting.swap(waiting_);
    bytes_ = 0;
  }
  gate_.close();
  for (Item& item : waiting) {
    if (item.answer)
      item.answer(Delivery::Outcome::Failed);
    else
      count_lost(1);
  }
}

std::size_t DeliveryWindow::free() const {
  std::lock_guard lock(mutex_);
  const auto taken = in_flight_ + waiting_.size();
  return closed_ || taken >= most_ ? 0 : most_ - taken;
}

bool DeliveryWindow::idle() const {
  std::lock_guard lock(mutex_);
  return in_flight_ == 0 && waiting_.empty();
}

std::size_t DeliveryWindow::left() const {
  std::lock_guard lock(mutex_);
  return in_flight_ + waiting_.size();
}

SubscriptionCounts DeliveryWindow::counts() const {
  std::lock_guard lock(mutex_);
  return counts_;
}

void DeliveryWindow::count_lost(std::uint64_t messages) {
  std::lock_guard lock(mutex_);
  counts_.lost += messages;
}

}  // namespace unbolt::contracts
