#include "unbolt/wasi/process_descriptor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <cerrno>
#include <climits>

#include <fmt/format.h>

namespace unbolt::wasi {
namespace {

int open_again(int descriptor, ProcessDescriptor::Use use) {
  const int access = use == ProcessDescriptor::Use::Read ? O_RDONLY : O_WRONLY;
  return ::open(fmt::format("/proc/self/fd/{}", descriptor).c_str(),
                access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

template <class Call>
ssize_t uninterrupted(Call call) {
  ssize_t n;
  do {
    n = call();
  } while (n < 0 && errno == EINTR);
  return n;
}

}  // namespace

ProcessDescriptor::ProcessDescriptor(Executor loop, int descriptor, Use use)
    : loop_(loop), descriptor_(descriptor), use_(use), kind_(Kind::AlwaysReady) {
  struct stat info{};
  if (::fstat(descriptor, &info) != 0) return;  // each operation says so
  if (S_ISSOCK(info.st_mode)) {
    kind_ = Kind::Socket;
  } else if (S_ISFIFO(info.st_mode) || ::isatty(descriptor)) {
    own_ = open_again(descriptor, use);
    kind_ = own_ >= 0 ? Kind::OwnDescription : Kind::Polled;
  } else if (S_ISCHR(info.st_mode)) {
    kind_ = Kind::Polled;  // until `wait` is told that it cannot be
  }
}

ProcessDescriptor::~ProcessDescriptor() {
  waiter_.reset();
  if (own_ >= 0) ::close(own_);
}

bool ProcessDescriptor::ready() const {
  if (kind_ == Kind::AlwaysReady) return true;
  pollfd one{.fd = own_ >= 0 ? own_ : descriptor_,
             .events = static_cast<short>(use_ == Use::Read ? POLLIN : POLLOUT),
             .revents = 0};
  return ::poll(&one, 1, 0) != 0;
}

ssize_t ProcessDescriptor::read(std::uint8_t* to, std::size_t size) {
  switch (kind_) {
    case Kind::Socket:
      return uninterrupted([&] { return ::recv(descriptor_, to, size, MSG_DONTWAIT); });
    case Kind::OwnDescription: return uninterrupted([&] { return ::read(own_, to, size); });
    case Kind::Polled:
      if (!ready()) {
        errno = EAGAIN;
        return -1;
      }
      [[fallthrough]];
    case Kind::AlwaysReady: break;
  }
  return uninterrupted([&] { return ::read(descriptor_, to, size); });
}

ssize_t ProcessDescriptor::write(ByteView bytes) {
  switch (kind_) {
    case Kind::Socket:
      return uninterrupted([&] {
        return ::send(descriptor_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
      });
    case Kind::OwnDescription:
      return uninterrupted([&] { return ::write(own_, bytes.data(), bytes.size()); });
    case Kind::Polled:
      if (!ready()) {
        errno = EAGAIN;
        return -1;
      }
      bytes = bytes.first(std::min<std::size_t>(bytes.size(), PIPE_BUF));
      break;
    case Kind::AlwaysReady: break;
  }
  return uninterrupted([&] { return ::write(descriptor_, bytes.data(), bytes.size()); });
}

Task<> ProcessDescriptor::wait() {
  if (ready()) co_return;
  if (!waiter_) {
    waiter_.emplace(loop_, ::fcntl(own_ >= 0 ? own_ : descriptor_, F_DUPFD_CLOEXEC, 0));
  }
  boost::system::error_code ec;
  co_await waiter_->async_wait(use_ == Use::Read ? asio::posix::descriptor_base::wait_read
                                                 : asio::posix::descriptor_base::wait_write,
                               asio::redirect_error(use_task, ec));
  if (ec == asio::error::operation_not_supported) {
    kind_ = Kind::AlwaysReady;
  } else if (ec) {
    throw boost::system::system_error(ec);
  }
}

}  // namespace unbolt::wasi
