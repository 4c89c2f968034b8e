// One task waits, any thread wakes it, and a deadline ends the wait.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>

#include "unbolt/base/task.h"

namespace unbolt {

// Shared by the one who waits and the one who wakes (`std::make_shared<Wakeup>()`). One task waits
// at a time; a wake that comes before the wait is not lost.
class Wakeup : public std::enable_shared_from_this<Wakeup> {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Any thread, any number of times.
  void wake() {
    std::lock_guard lock(mutex_);
    woken_ = true;
    // The task that waits is alive as long as it is registered, and so is its loop.
    if (!loop_) return;
    asio::post(*loop_, [weak = weak_from_this()] {
      auto self = weak.lock();
      if (!self) return;
      std::lock_guard lock(self->mutex_);
      if (self->woken_ && self->timer_) self->timer_->cancel();
    });
  }

  // True when woken, false at the deadline; the next wait needs another wake. Throws
  // operation_aborted where the task is cancelled.
  Task<bool> wait_until(Time deadline) {
    const Executor loop = co_await asio::this_coro::executor;
    Timer timer(loop, deadline);
    {
      std::lock_guard lock(mutex_);
      if (woken_) {
        woken_ = false;
        co_return true;
      }
      loop_.emplace(loop);
      timer_ = &timer;
    }
    Registered registered{*this};
    auto [error] = co_await timer.async_wait(asio::as_tuple(use_task));
    std::lock_guard lock(mutex_);
    if (woken_) {
      woken_ = false;
      co_return true;
    }
    if (error) throw boost::system::system_error(error);
    co_return false;
  }

 private:
  struct Registered {
    Wakeup& of;
    ~Registered() {
      std::lock_guard lock(of.mutex_);
      of.loop_.reset();
      of.timer_ = nullptr;
    }
  };

  std::mutex mutex_;
  bool woken_ = false;
  std::optional<Executor> loop_;
  Timer* timer_ = nullptr;
};

}  // namespace unbolt
