// A descriptor that this process was started with, for a loop that must not block.
#pragma once

#include <sys/types.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

#include "unbolt/base/bytes.h"
#include "unbolt/base/task.h"

namespace unbolt::wasi {

// Reads and writes without blocking, and never sets O_NONBLOCK on what others share: the shell, and
// whoever else has the terminal or the pipe. A terminal or a pipe is opened once more for a
// description of our own; a socket is asked call by call; where neither can be, it is polled and
// written in pieces that a pipe takes whole. Files, and devices that cannot be polled, are always
// ready. Bound to its loop; the descriptor itself stays open and stays the process's.
class ProcessDescriptor {
 public:
  enum class Use : std::uint8_t { Read, Write };

  ProcessDescriptor(Executor loop, int descriptor, Use use);
  ~ProcessDescriptor();
  ProcessDescriptor(const ProcessDescriptor&) = delete;
  ProcessDescriptor& operator=(const ProcessDescriptor&) = delete;

  // Whether an operation would do something now (also: end or fail).
  bool ready() const;
  // As the system calls; -1 with errno EAGAIN: `wait` first.
  ssize_t read(std::uint8_t* to, std::size_t size);
  ssize_t write(ByteView bytes);
  // Ends when it is ready. Cancellable; one at a time.
  Task<> wait();

 private:
  enum class Kind : std::uint8_t { AlwaysReady, OwnDescription, Socket, Polled };

  Executor loop_;
  int descriptor_;
  int own_ = -1;
  Use use_;
  Kind kind_;
  std::optional<asio::posix::basic_stream_descriptor<Executor>> waiter_;
};

}  // namespace unbolt::wasi
