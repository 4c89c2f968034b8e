// An event loop for tests: runs a task to its end, with a watchdog.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

#include "unbolt/base/task.h"

namespace unbolt::http::testing {

class Loop {
 public:
  ~Loop() {
    if (!abandoned_) settle();
  }
  // Ends with operations under way, rather than running them to their end.
  void abandon() { abandoned_ = true; }

  Executor executor() { return io_.get_executor(); }

  // Throws where the task takes longer than ten seconds.
  void run(Task<> task) {
    bool done = false;
    std::exception_ptr failure;
    asio::co_spawn(io_, std::move(task), [&](std::exception_ptr thrown) {
      done = true;
      failure = thrown;
    });
    auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!done && std::chrono::steady_clock::now() < until) {
      io_.restart();
      io_.run_one_until(until);
    }
    if (!done) throw std::runtime_error("the test's task did not end");
    if (failure) std::rethrow_exception(failure);
  }

  // Runs what is ready, and lets what was closed come to its end.
  void settle() {
    io_.restart();
    io_.run_for(std::chrono::milliseconds(20));
  }

 private:
  asio::io_context io_{1};
  bool abandoned_ = false;
};

inline Task<> sleep_for(std::chrono::milliseconds time) {
  Timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(use_task);
}

// Waits until `holds()`, two seconds at most.
template <class Predicate>
Task<bool> eventually(Predicate holds) {
  for (int i = 0; i < 1000 && !holds(); ++i) co_await sleep_for(std::chrono::milliseconds(2));
  co_return holds();
}

}  // namespace unbolt::http::testing
