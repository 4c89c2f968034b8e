// For providers of `KeyValue`: who watches the keys, and telling them.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "unbolt/contracts/key_value.h"

namespace unbolt::contracts {

// Thread-safe. Reports of one bucket come in the order of the calls only where the calls do not
// overlap: the provider sees to that.
class KeyWatchers {
 public:
  KeyWatchers();
  ~KeyWatchers();
  KeyWatchers(const KeyWatchers&) = delete;
  KeyWatchers& operator=(const KeyWatchers&) = delete;

  std::unique_ptr<KeyWatch> add(std::optional<std::string_view> bucket, OnKeyChange changed);

  // Whether anybody watches at all; cheap enough to be asked at every write.
  bool any() const { return count_->load(std::memory_order_acquire) > 0; }
  // Whether anybody watches this bucket.
  bool any(std::string_view bucket) const;

  void report(const KeyChange& change);
  // To every watch: changes may be missing.
  void missed() { report({KeyChange::Kind::Missed, {}, {}, nullptr}); }

 private:
  struct Watcher;
  class Handle;
  using List = std::vector<std::shared_ptr<Watcher>>;

  std::shared_ptr<const List> list() const;

  mutable std::mutex mutex_;
  std::shared_ptr<const List> watchers_;  // without the dropped ones since the last `add`
  std::shared_ptr<std::atomic<std::size_t>> count_;  // of those that are not dropped
};

}  // namespace unbolt::contracts
