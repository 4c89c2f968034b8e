// What a provider needs before its first call: an answer of the server, and places for who waits.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string_view>

#include "unbolt/base/task.h"
#include "unbolt/postgres/options.h"

namespace unbolt::postgres {

// Unavailable: nothing was answered within the timeout.
Error no_answer(const ServerOptions& options);

// Runs the task on the loop, which another thread runs, and blocks until it has ended; Unavailable
// where it takes longer than `patience`, since looking up a name cannot be cancelled. Then it goes
// on by itself.
Result<> first_answer(asio::io_context& loop, Task<Result<>> task,
                      std::chrono::milliseconds patience, const ServerOptions& options);

// Calls that wait for the server's answer, as many as the options let in. Thread-safe.
class Admission {
 public:
  // `calls`: what they are, for messages. Both outlive it.
  Admission(const ServerOptions& options, std::string_view calls)
      : options_(options), calls_(calls) {}

  // A place for one with so many bytes, until the last pointer to it goes, which may outlive this.
  // LimitExceeded where there is none.
  Result<std::shared_ptr<void>> admit(std::size_t bytes);

 private:
  struct Waiting {
    std::atomic<std::size_t> calls = 0, bytes = 0;
  };

  const ServerOptions& options_;
  const std::string_view calls_;
  const std::shared_ptr<Waiting> waiting_ = std::make_shared<Waiting>();
};

}  // namespace unbolt::postgres
