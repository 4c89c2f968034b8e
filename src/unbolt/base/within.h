// A bound on waiting: a task is cancelled when its time is up.
#pragma once

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/system/system_error.hpp>

#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

#include "unbolt/base/error.h"
#include "unbolt/base/reply.h"

namespace unbolt {

// What the task answers, or Timeout where it was cancelled because `deadline` had passed. Ends when
// the task has ended: one that cannot be cancelled is waited for. `what` names it in the message
// ("reading from the store") and lives as long as the task. Cancellation of the caller reaches the
// task.
template <class T>
Task<Result<T>> within(std::chrono::steady_clock::time_point deadline, std::string_view what,
                       Task<Result<T>> task) {
  // Shared, as the timer's handler may run after us.
  struct Stop {
    asio::cancellation_signal signal;
    bool over = false, late = false;
  };
  auto stop = std::make_shared<Stop>();
  const auto executor = co_await asio::this_coro::executor;
  Timer timer(executor, deadline);
  timer.async_wait([stop](boost::system::error_code ec) {
    if (ec || stop->over) return;
    stop->late = true;
    stop->signal.emit(asio::cancellation_type::terminal);
  });
  auto outer = (co_await asio::this_coro::cancellation_state).slot();
  if (outer.is_connected()) {
    outer.assign([stop](asio::cancellation_type type) {
      if (!stop->over) stop->signal.emit(type);
    });
  }
  Result<T> answer = fail(ErrorCode::Timeout, "{}: no answer in time", what);
  std::exception_ptr failure;
  try {
    answer = co_await asio::co_spawn(executor, std::move(task),
                                     asio::bind_cancellation_slot(stop->signal.slot(), use_task));
  } catch (const boost::system::system_error&) {
    if (!stop->late) failure = std::current_exception();
  } catch (...) {
    failure = std::current_exception();
  }
  stop->over = true;
  if (outer.is_connected()) outer.clear();
  if (failure) std::rethrow_exception(failure);
  co_return answer;
}

// The same for a reply, which may be there already.
template <class T>
Task<Result<T>> within(std::chrono::steady_clock::time_point deadline, std::string_view what,
                       Reply<Result<T>> reply) {
  if (reply.ready()) co_return std::move(reply).take();
  co_return co_await within(deadline, what, std::move(reply).task());
}

}  // namespace unbolt
