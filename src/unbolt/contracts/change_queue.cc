#include "unbolt/contracts/change_queue.h"

#include <utility>

namespace unbolt::contracts {
namespace {

std::size_t size_of(const KeyChange& change) {
  return sizeof change + change.bucket.size() + change.key.size() +
         (change.value ? change.value->size() : 0);
}

}  // namespace

OnKeyChange ChangeQueue::callback() {
  return [queue = shared_from_this()](const KeyChange& change) { queue->push(change); };
}

void ChangeQueue::push(const KeyChange& change) {
  std::deque<KeyChange> dropped;  // with no lock held
  {
    std::lock_guard lock(mutex_);
    if (closed_) return;
    const std::size_t bytes = size_of(change);
    if (!changes_.empty() && (changes_.size() >= kChanges || bytes_ + bytes > kBytes)) {
      dropped.swap(changes_);
      bytes_ = 0;
      changes_.push_back({KeyChange::Kind::Missed, {}, {}, nullptr});
      bytes_ += size_of(changes_.back());
    }
    changes_.push_back(change);
    bytes_ += bytes;
  }
  wakeup_->wake();
}

void ChangeQueue::close() {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  wakeup_->wake();
}

bool ChangeQueue::is_closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

std::optional<KeyChange> ChangeQueue::take() {
  std::lock_guard lock(mutex_);
  if (changes_.empty()) return std::nullopt;
  KeyChange first = std::move(changes_.front());
  changes_.pop_front();
  bytes_ -= size_of(first);
  return first;
}

std::size_t ChangeQueue::size() const {
  std::lock_guard lock(mutex_);
  return changes_.size();
}

Task<std::optional<KeyChange>> ChangeQueue::next(std::chrono::steady_clock::time_point deadline) {
  while (true) {
    const bool closed = is_closed();  // before, so that nothing comes in between
    if (auto change = take()) co_return change;
    if (closed) co_return std::nullopt;
    if (!co_await wakeup_->wait_until(deadline)) co_return take();
  }
}

}  // namespace unbolt::contracts
