#include "unbolt/providers/pins_simulator/event_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstring>

namespace unbolt::providers::simulator {

Result<EventFile> EventFile::open(const std::string& path) {
  // A FIFO that is open for both never blocks, and nobody needs to read it. O_NONBLOCK: nor does
  // one that is full.
  files::Descriptor file(
      ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0644));
  struct stat status = {};
  if (!file || ::fstat(file.number(), &status) != 0) {
    const int why = errno;
    return std::unexpected(
        Error{ErrorCode::Io,
              fmt::format("events={}: cannot be written: {}", path, std::strerror(why)),
              {},
              why});
  }
  const bool fifo = S_ISFIFO(status.st_mode);
  if (!fifo && !S_ISREG(status.st_mode))
    return fail(ErrorCode::InvalidArgument, "events={}: it is neither a file nor a FIFO", path);
  return EventFile(std::move(file), fifo, static_cast<std::uint64_t>(status.st_size));
}

bool EventFile::has_room(std::size_t bytes) {
  if (fifo_ || size_ + bytes <= kMost) return true;
  if (::ftruncate(file_.number(), 0) == 0) size_ = 0;
  return false;
}

Result<> EventFile::write(std::string_view line) {
  const ssize_t written = ::write(file_.number(), line.data(), line.size());
  // A line is shorter than what a FIFO takes whole (PIPE_BUF).
  if (written < 0 && errno != EAGAIN && errno != EINTR) {
    const int why = errno;
    return std::unexpected(Error{
        ErrorCode::Io, fmt::format("events: cannot be written: {}", std::strerror(why)), {}, why});
  }
  if (written > 0) size_ += static_cast<std::uint64_t>(written);
  return {};
}

}  // namespace unbolt::providers::simulator
