// Threads for work that blocks: SQLite, files, name look-ups.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "unbolt/base/task.h"

namespace unbolt {

// A bounded number of threads. Owned by the program, outlives every loop's work; `run` may be called on any loop.
class BlockingPool {
 public:
  explicit BlockingPool(std::size_t threads) : threads_(threads) {}
  ~BlockingPool() { threads_.join(); }
  BlockingPool(const BlockingPool&) = delete;
  BlockingPool& operator=(const BlockingPool&) = delete;

  // Runs `work` (`T()`) on one of the threads and resumes the caller on its own loop with what it returned or threw.
  // Not cancellable: the caller resumes when the work has ended, so what it borrows stays valid.
  template <class Work, class T = std::invoke_result_t<Work&>>
  Task<T> run(Work work) {
    std::optional<T> value;
    std::exception_ptr failure;
    co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(
        [&](auto handler) {
          auto executor = asio::get_associated_executor(handler);
          asio::post(threads_, [&, handler = std::move(handler), keep = asio::prefer(executor, asio::execution::outstanding_work.tracked)]() mutable {
            try {
              value.emplace(work());
            } catch (...) {
              failure = std::current_exception();
            }
            asio::post(keep, std::move(handler));
          });
        },
        use_task);
    if (failure) std::rethrow_exception(failure);
    co_return std::move(*value);
  }

 private:
  asio::thread_pool threads_;
};

}  // namespace unbolt
