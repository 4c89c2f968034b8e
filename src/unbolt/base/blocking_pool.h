// Threads for work that blocks: SQLite, files, name look-ups.
#pragma once

#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <cstddef>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "unbolt/base/suspend.h"
#include "unbolt/base/task.h"

namespace unbolt {

// A bounded number of threads with one unbounded queue. Owned by the program; every function may be
// called on any thread. It is destroyed after all who use it and before the loops they run on; the
// destructor waits for the queue.
class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads) : threads_(threads) {}
  ~BlockingPool() { threads_.join(); }
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // Runs `work` (`T()` or `void()`) on one of the threads and resumes the caller on its own loop
  // with what it returned or threw. A task that was cancelled before it came here does not start;
  // from then on it is not cancellable: the caller resumes when the work has ended, so what it
  // borrows stays valid.
  template <class Work, class T = std::invoke_result_t<Work&>>
  Task<T> run(Work work) {
    struct Void {};
    std::optional<std::conditional_t<std::is_void_v<T>, Void, T>> value;
    std::exception_ptr failure;
    co_await suspend([&](Resume resume) {
      asio::post(threads_, [&, resume = std::move(resume)]() mutable {
        try {
          if constexpr (std::is_void_v<T>) {
            work();
          } else {
            value.emplace(work());
          }
        } catch (...) {
          failure = std::current_exception();
        }
        resume();
      });
    });
    if (failure) std::rethrow_exception(std::move(failure));
    if constexpr (!std::is_void_v<T>) co_return std::move(*value);
  }

  // Runs `work` (`void() noexcept`) on one of the threads; nobody waits for it but the destructor.
  template <class Work>
  void post(Work work) {
    asio::post(threads_, std::move(work));
  }

 private:
  asio::thread_pool threads_;
};

}  // namespace unbolt
