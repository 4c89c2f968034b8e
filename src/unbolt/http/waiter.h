// One coroutine that waits for something that another part of the loop will report.
#pragma once

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>

#include <optional>
#include <utility>

#include "unbolt/base/task.h"

namespace unbolt::http {

// At most one coroutine at a time. Destroying the waiter destroys the coroutine that waits.
class Waiter {
 public:
  bool waiting() const { return coroutine_.has_value(); }

  // Ends with `resume` or `post`; throws operation_aborted when the coroutine is cancelled.
  auto wait() {
    return asio::async_initiate<const asio::use_awaitable_t<Executor>,
                                void(boost::system::error_code)>(
        [this](Coroutine coroutine) {
          auto slot = asio::get_associated_cancellation_slot(coroutine);
          coroutine_.emplace(std::move(coroutine));
          if (slot.is_connected()) {
            slot.assign([this](asio::cancellation_type) { post(asio::error::operation_aborted); });
          }
        },
        use_task);
  }
  // For a coroutine that is not to be cancelled here; cheaper.
  auto wait_to_the_end() {
    return asio::async_initiate<const asio::use_awaitable_t<Executor>,
                                void(boost::system::error_code)>(
        [this](Coroutine coroutine) { coroutine_.emplace(std::move(coroutine)); }, use_task);
  }

  // Runs the coroutine at once, on this stack: it may destroy what called. Nothing where nobody
  // waits.
  void resume() {
    if (!coroutine_) return;
    Coroutine coroutine = take();
    std::move(coroutine)(boost::system::error_code{});
  }
  // Runs it later.
  void post(boost::system::error_code error = {}) {
    if (!coroutine_) return;
    auto executor = asio::get_associated_executor(*coroutine_);
    asio::post(executor, [coroutine = take(), error]() mutable { std::move(coroutine)(error); });
  }

 private:
  using Coroutine = asio::async_result<asio::use_awaitable_t<Executor>,
                                       void(boost::system::error_code)>::handler_type;

  Coroutine take() {
    Coroutine coroutine = std::move(*coroutine_);
    coroutine_.reset();
    return coroutine;
  }

  std::optional<Coroutine> coroutine_;
};

}  // namespace unbolt::http
