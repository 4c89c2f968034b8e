// The watches of a store whose data moves to another one: each goes on there.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "unbolt/base/within.h"
#include "unbolt/contracts/key_value.h"

namespace unbolt::contracts {

// Thread-safe; `follow`, `switch_over` and `forget` belong to the one who hands over. Its watches
// and their handles may outlive it.
class WatchRelays {
 public:
  using Clock = std::chrono::steady_clock;

  // After the switch the old store may still report what was written before it. Such reports are
  // passed on for so long, but for keys which the new store has reported already.
  static constexpr std::chrono::seconds kLateReports{2};
  // Where the new one has reported more keys than this, late reports are passed on no longer.
  static constexpr std::size_t kLateKeys = 10'000;

  // A watch of `old`. The store outlives the task.
  Task<Result<std::unique_ptr<KeyWatch>>> watch(std::shared_ptr<KeyValue> old,
                                                std::optional<std::string> bucket,
                                                OnKeyChange changed);

  // Subscribes every watch at the new store; what that one reports is not passed on yet. Nobody
  // calls `watch` meanwhile.
  Task<Result<>> follow(KeyValue& next, Clock::time_point deadline);
  // From now on the reports of the new store are passed on. Nobody writes meanwhile.
  void switch_over();
  // The new store's reports are dropped, and its watches ended.
  void forget();

 private:
  class Relay;
  class Handle;
  std::vector<std::shared_ptr<Relay>> live();

  std::mutex mutex_;
  std::vector<std::weak_ptr<Relay>> relays_;
};

}  // namespace unbolt::contracts
