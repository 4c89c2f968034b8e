// For tests: a task, driven to its end.
#pragma once

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <optional>
#include <utility>

#include "unbolt/base/task.h"

namespace unbolt {

// Runs `loop` until it has nothing left to do, and answers what `task` did.
template <class T>
T run_task(asio::io_context& loop, Task<T> task) {
  std::optional<T> value;
  std::exception_ptr failure;
  asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, T result) {
    failure = thrown;
    if (!thrown) value.emplace(std::move(result));
  });
  loop.restart();
  loop.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(*value);
}

inline void run_task(asio::io_context& loop, Task<> task) {
  std::exception_ptr failure;
  asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown) { failure = thrown; });
  loop.restart();
  loop.run();
  if (failure) std::rethrow_exception(failure);
}

}  // namespace unbolt
