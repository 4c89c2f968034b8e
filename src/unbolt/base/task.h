// Coroutines of the host, wrapped once: a `Task<T>` is an Asio awaitable on one event loop.
//
// Thread: a task runs on the loop it was awaited or spawned on, and never leaves it, except inside
// `BlockingPool::run` (blocking_pool.h). Cancellation is Asio's: operations end with
// `operation_aborted`.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <chrono>

namespace unbolt {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;

template <class T = void>
using Task = asio::awaitable<T, Executor>;

// The completion token inside a `Task`: `co_await socket.async_read_some(buffer, use_task)`.
inline constexpr asio::use_awaitable_t<Executor> use_task{};

using Timer = asio::basic_waitable_timer<std::chrono::steady_clock,
                                         asio::wait_traits<std::chrono::steady_clock>, Executor>;

}  // namespace unbolt
