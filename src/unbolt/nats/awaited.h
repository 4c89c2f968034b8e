// An answer that another thread will give.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <utility>

#include "unbolt/base/error.h"
#include "unbolt/base/wakeup.h"

namespace unbolt::nats {

// Shared by the task that waits and who answers; the first answer counts.
template <class T>
class Awaited {
 public:
  void set(Result<T> result) {
    {
      std::lock_guard lock(mutex_);
      if (result_) return;
      result_ = std::move(result);
    }
    wakeup_->wake();
  }

  // Absent at the deadline.
  Task<std::optional<Result<T>>> wait_until(Wakeup::Time deadline) {
    (void)co_await wakeup_->wait_until(deadline);
    std::lock_guard lock(mutex_);
    co_return std::move(result_);
  }

 private:
  const std::shared_ptr<Wakeup> wakeup_ = std::make_shared<Wakeup>();
  std::mutex mutex_;
  std::optional<Result<T>> result_;
};

}  // namespace unbolt::nats
