// Leaving a loop and coming back: how a task waits for something that another thread will do.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>

#include <functional>
#include <utility>

#include "unbolt/base/task.h"

namespace unbolt {

// Resumes the suspended task on its own loop. Called once, on any thread; keeps the loop running
// until then.
using Resume = std::move_only_function<void()>;

// Suspends the calling task and hands `start` (`void(Resume)`) the way back. Not cancellable: what
// the task borrowed stays valid until it was resumed. `start` must neither throw after it has given
// the `Resume` away nor touch the task's frame from then on.
template <class Start>
Task<> suspend(Start start) {
  co_await asio::async_initiate<const asio::use_awaitable_t<Executor>, void()>(
      [&start](auto handler) {
        auto loop = asio::prefer(asio::get_associated_executor(handler),
                                 asio::execution::outstanding_work.tracked);
        start(Resume([handler = std::move(handler), loop = std::move(loop)]() mutable {
          // Also a `Resume` that is kept after its call holds the loop no longer.
          auto once = std::move(loop);
          asio::post(once, std::move(handler));
        }));
      },
      use_task);
}

}  // namespace unbolt
