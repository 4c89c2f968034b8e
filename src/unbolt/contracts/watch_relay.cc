#include "unbolt/contracts/watch_relay.h"

#include <set>
#include <string>
#include <utility>

namespace unbolt::contracts {

// Held by its handle and by the callbacks at both stores, which go when the handle is dropped.
class WatchRelays::Relay {
 public:
  Relay(std::optional<std::string> bucket, OnKeyChange changed)
      : bucket_(std::move(bucket)), changed_(std::move(changed)) {}

  const std::optional<std::string>& bucket() const { return bucket_; }

  void from_old(const KeyChange& change) {
    const std::lock_guard lock(mutex_);
    if (!changed_) return;
    if (switched_at_) {
      if (late_reports_end()) return;
      if (reported_.contains({change.bucket, change.key})) return;
    }
    changed_(change);
  }

  void from_next(const KeyChange& change) {
    const std::lock_guard lock(mutex_);
    // Before the switch it is the copy that writes there.
    if (!changed_ || !switched_at_) return;
    if (change.kind != KeyChange::Kind::Missed && !late_reports_end()) {
      if (reported_.size() < kLateKeys) {
        reported_.emplace(change.bucket, change.key);
      } else {
        late_are_over_ = true;
      }
    }
    changed_(change);
  }

  void set_old(std::unique_ptr<KeyWatch> watch) { put(old_, std::move(watch)); }
  void set_next(std::unique_ptr<KeyWatch> watch) { put(next_, std::move(watch)); }
  void switch_over() {
    const std::lock_guard lock(mutex_);
    switched_at_ = Clock::now();
    late_are_over_ = false;
    reported_.clear();
  }
  void forget_next() {
    std::unique_ptr<KeyWatch> ended;
    const std::lock_guard lock(mutex_);
    switched_at_.reset();
    ended.swap(next_);
  }

  void drop() {
    OnKeyChange last;  // these are destroyed with no lock held
    std::unique_ptr<KeyWatch> old, next;
    const std::lock_guard lock(mutex_);
    last.swap(changed_);
    old.swap(old_);
    next.swap(next_);
  }

 private:
  // With no lock held where it ends a watch: that waits for a callback.
  void put(std::unique_ptr<KeyWatch>& place, std::unique_ptr<KeyWatch> watch) {
    const std::lock_guard lock(mutex_);
    if (changed_) place.swap(watch);
  }
  // Locked.
  bool late_reports_end() {
    if (!late_are_over_ && Clock::now() - *switched_at_ > kLateReports) late_are_over_ = true;
    if (late_are_over_) reported_.clear();
    return late_are_over_;
  }

  const std::optional<std::string> bucket_;
  std::mutex mutex_;     // held while the callback runs
  OnKeyChange changed_;  // empty: dropped
  std::unique_ptr<KeyWatch> old_, next_;
  std::optional<Clock::time_point> switched_at_;
  bool late_are_over_ = false;
  std::set<std::pair<std::string, std::string>> reported_;  // by the new store since the switch
};

class WatchRelays::Handle final : public KeyWatch {
 public:
  explicit Handle(std::shared_ptr<Relay> relay) : relay_(std::move(relay)) {}
  ~Handle() override { relay_->drop(); }

 private:
  std::shared_ptr<Relay> relay_;
};

Task<Result<std::unique_ptr<KeyWatch>>> WatchRelays::watch(std::shared_ptr<KeyValue> old,
                                                           std::optional<std::string> bucket,
                                                           OnKeyChange changed) {
  auto relay = std::make_shared<Relay>(bucket, std::move(changed));
  auto handle = std::make_unique<Handle>(relay);
  auto watching =
      co_await old->watch(bucket, [relay](const KeyChange& change) { relay->from_old(change); })
          .wait();
  if (!watching) co_return std::unexpected(std::move(watching.error()));
  relay->set_old(std::move(*watching));
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(relays_, [](const auto& one) { return one.expired(); });
    relays_.push_back(relay);
  }
  co_return std::unique_ptr<KeyWatch>(std::move(handle));
}

std::vector<std::shared_ptr<WatchRelays::Relay>> WatchRelays::live() {
  std::vector<std::shared_ptr<Relay>> relays;
  const std::lock_guard lock(mutex_);
  for (const auto& one : relays_)
    if (auto relay = one.lock()) relays.push_back(std::move(relay));
  return relays;
}

Task<Result<>> WatchRelays::follow(KeyValue& next, Clock::time_point deadline) {
  for (const auto& relay : live()) {
    auto watching = co_await within(deadline, "watching the new store",
                                    next.watch(relay->bucket(), [relay](const KeyChange& change) {
                                      relay->from_next(change);
                                    }));
    if (!watching) co_return std::unexpected(std::move(watching.error()));
    relay->set_next(std::move(*watching));
  }
  co_return Result<>();
}

void WatchRelays::switch_over() {
  for (const auto& relay : live()) relay->switch_over();
}

void WatchRelays::forget() {
  for (const auto& relay : live()) relay->forget_next();
}

}  // namespace unbolt::contracts
