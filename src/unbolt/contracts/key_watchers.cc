#include "unbolt/contracts/key_watchers.h"

#include <algorithm>
#include <string>
#include <utility>

namespace unbolt::contracts {

struct KeyWatchers::Watcher {
  bool wants(std::string_view name) const { return !bucket || *bucket == name; }

  const std::optional<std::string> bucket;
  std::mutex mutex;  // held while the callback runs: dropping waits for it
  OnKeyChange changed;
  std::atomic<bool> dropped = false;
};

class KeyWatchers::Handle final : public KeyWatch {
 public:
  Handle(std::shared_ptr<Watcher> watcher, std::shared_ptr<std::atomic<std::size_t>> count)
      : watcher_(std::move(watcher)), count_(std::move(count)) {}
  ~Handle() override {
    OnKeyChange last;  // destroyed with no lock held
    {
      std::lock_guard lock(watcher_->mutex);
      watcher_->dropped = true;
      last.swap(watcher_->changed);
    }
    count_->fetch_sub(1, std::memory_order_release);
  }

 private:
  std::shared_ptr<Watcher> watcher_;
  std::shared_ptr<std::atomic<std::size_t>> count_;
};

KeyWatchers::KeyWatchers()
    : watchers_(std::make_shared<const List>()),
      count_(std::make_shared<std::atomic<std::size_t>>(0)) {}
KeyWatchers::~KeyWatchers() = default;

std::unique_ptr<KeyWatch> KeyWatchers::add(std::optional<std::string_view> bucket,
                                           OnKeyChange changed) {
  std::shared_ptr<Watcher> watcher(
      new Watcher{std::optional<std::string>(bucket), {}, std::move(changed)});
  std::lock_guard lock(mutex_);
  auto next = std::make_shared<List>();
  std::ranges::copy_if(*watchers_, std::back_inserter(*next),
                       [](const auto& one) { return !one->dropped; });
  next->push_back(watcher);
  watchers_ = std::move(next);
  count_->fetch_add(1, std::memory_order_release);
  return std::make_unique<Handle>(std::move(watcher), count_);
}

std::shared_ptr<const KeyWatchers::List> KeyWatchers::list() const {
  std::lock_guard lock(mutex_);
  return watchers_;
}

bool KeyWatchers::any(std::string_view bucket) const {
  if (!any()) return false;
  return std::ranges::any_of(
      *list(), [&](const auto& watcher) { return !watcher->dropped && watcher->wants(bucket); });
}

void KeyWatchers::report(const KeyChange& change) {
  if (!any()) return;
  for (const std::shared_ptr<Watcher>& watcher : *list()) {
    if (change.kind != KeyChange::Kind::Missed && !watcher->wants(change.bucket)) continue;
    std::lock_guard lock(watcher->mutex);
    if (watcher->changed) watcher->changed(change);
  }
}

}  // namespace unbolt::contracts
