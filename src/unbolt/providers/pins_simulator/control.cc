#include "unbolt/providers/pins_simulator/control.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>

#include "unbolt/contracts/text.h"

namespace unbolt::providers::simulator {

Result<Pressed> parse_pressed(std::string_view line) {
  const auto space = std::min(line.find(' '), line.size());
  Pressed pressed{std::string(line.substr(0, space)),
                  std::string(line.substr(std::min(space + 1, line.size())))};
  if (pressed.input.empty() ||
      (pressed.what != "high" && pressed.what != "low" && pressed.what != "press"))
    return fail(ErrorCode::InvalidArgument,
                "'{}' is no line for the board: INPUT high, INPUT low or INPUT press",
                contracts::printable(line, 80));
  return pressed;
}

Result<Control> Control::open(const std::string& path) {
  const bool made = ::mkfifo(path.c_str(), 0600) == 0;
  int why = made || errno == EEXIST ? 0 : errno;
  files::Descriptor fifo;
  struct stat status = {};
  if (why == 0) {
    // Open for both, so that it has no end when a writer leaves.
    fifo = files::Descriptor(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
    if (!fifo || ::fstat(fifo.number(), &status) != 0) why = errno;
  }
  if (why != 0) {
    return std::unexpected(
        Error{ErrorCode::Io, fmt::format("control={}: {}", path, std::strerror(why)), {}, why});
  }
  if (!S_ISFIFO(status.st_mode))
    return fail(ErrorCode::InvalidArgument, "control={}: it is there, and no FIFO", path);
  return Control(std::move(fifo), made ? path : std::string());
}

Control::~Control() {
  if (fifo_ && !made_.empty()) ::unlink(made_.c_str());
}

std::vector<std::string> Control::lines() {
  std::vector<std::string> whole;
  char buffer[4096];
  const ssize_t count = ::read(fifo_.number(), buffer, sizeof buffer);
  for (ssize_t i = 0; i < count; ++i) {
    if (buffer[i] == '\n') {
      if (!skipping_) whole.push_back(std::move(begun_));
      begun_.clear();
      skipping_ = false;
    } else if (!skipping_) {
      begun_ += buffer[i];
      if (begun_.size() > kLine) {
        skipping_ = true;
        whole.push_back(std::move(begun_));  // it is refused as it is
        begun_.clear();
      }
    }
  }
  return whole;
}

}  // namespace unbolt::providers::simulator
