// A loop on a thread of its own, for what must go on while no caller's loop runs: a provider's
// connections.
#pragma once

#include <pthread.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include <optional>
#include <thread>

#include "unbolt/base/task.h"

namespace unbolt {

// Runs from the constructor until `stop`, which may be called once from any other thread. What then
// still waits on the loop is destroyed with the object, by the thread that destroys it.
class IoThread {
 public:
  // `name`: for debuggers, at most 15 bytes.
  explicit IoThread(const char* name) : thread_([this] { loop_.run(); }) {
    pthread_setname_np(thread_.native_handle(), name);
  }
  ~IoThread() { stop(); }
  IoThread(const IoThread&) = delete;
  IoThread& operator=(const IoThread&) = delete;

  asio::io_context& loop() { return loop_; }

  void stop() {
    loop_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  asio::io_context loop_{1};
  asio::executor_work_guard<Executor> work_{loop_.get_executor()};
  std::thread thread_;
};

}  // namespace unbolt
