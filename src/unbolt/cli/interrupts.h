// Ctrl-C and its like, for a program that runs one command.
#pragma once

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <functional>

#include "unbolt/base/task.h"

namespace unbolt::cli {

// The status that a shell gives a program which a signal ended.
inline constexpr int status_of_signal(int signal) { return 128 + signal; }

// SIGINT, SIGTERM and SIGHUP, unless they were ignored when the program started (`nohup`). The
// first one calls `first` on the loop; the second ends the process at once, also where the loop is
// held up. One in a process at a time.
class Interrupts {
 public:
  Interrupts(Executor loop, std::function<void(int signal)> first);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

 private:
  asio::posix::basic_stream_descriptor<Executor> arrived_;
  int number_ = 0;
};

}  // namespace unbolt::cli
