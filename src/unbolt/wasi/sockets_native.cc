#include "unbolt/wasi/sockets_native.h"

#include <poll.h>

#include <algorithm>
#include <climits>

namespace unbolt::wasi {
namespace {

bool is_ready(int number, short events) {
  pollfd one{number, events, 0};
  return ::poll(&one, 1, 0) > 0;
}

}  // namespace

SocketResult<std::unique_ptr<NativeSocket>> NativeSocket::open(Executor loop, IpFamily family,
                                                               int type, SocketShare share) {
  files::Descriptor descriptor(::socket(family == IpFamily::V6 ? AF_INET6 : AF_INET,
                                        type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!descriptor) return refuse_errno(errno);
  auto socket =
      std::make_unique<NativeSocket>(loop, family, std::move(descriptor), std::move(share));
  if (family == IpFamily::V6) {
    if (auto set = socket->set_option(IPPROTO_IPV6, IPV6_V6ONLY, 1); !set)
      return refuse(set.error());
  }
  return socket;
}

bool NativeSocket::readable() const { return is_ready(number_, POLLIN); }
bool NativeSocket::writable() const { return is_ready(number_, POLLOUT); }

NativeSocket::Stream& NativeSocket::stream() {
  if (!stream_) {
    stream_.emplace(loop_, number_);
    descriptor_.release();
  }
  return *stream_;
}

Task<> NativeSocket::wait(Stream::wait_type what) { co_await stream().async_wait(what, use_task); }

int NativeSocket::take_error() const {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(number_, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

SocketResult<Endpoint> NativeSocket::local() const {
  Endpoint endpoint;
  socklen_t size = Endpoint::capacity();
  if (::getsockname(number_, endpoint.data(), &size) != 0) return refuse_errno(errno);
  return endpoint;
}

SocketResult<int> NativeSocket::option(int level, int name) const {
  int value = 0;
  socklen_t size = sizeof value;
  if (::getsockopt(number_, level, name, &value, &size) != 0) return refuse_errno(errno);
  return value;
}

SocketResult<> NativeSocket::set_option(int level, int name, int value) const {
  if (::setsockopt(number_, level, name, &value, sizeof value) != 0) return refuse_errno(errno);
  return {};
}

SocketResult<std::uint8_t> NativeSocket::hop_limit() const {
  const auto value = family_ == IpFamily::V4 ? option(IPPROTO_IP, IP_TTL)
                                             : option(IPPROTO_IPV6, IPV6_UNICAST_HOPS);
  if (!value) return refuse(value.error());
  return static_cast<std::uint8_t>(*value);
}

SocketResult<> NativeSocket::set_hop_limit(std::uint8_t value) const {
  if (value == 0) return refuse(SocketError::InvalidArgument);
  return family_ == IpFamily::V4 ? set_option(IPPROTO_IP, IP_TTL, value)
                                 : set_option(IPPROTO_IPV6, IPV6_UNICAST_HOPS, value);
}

// The kernel doubles what it is given, for its own book-keeping, and answers with the double.
SocketResult<std::uint64_t> NativeSocket::buffer_size(int which) const {
  const auto value = option(SOL_SOCKET, which);
  if (!value) return refuse(value.error());
  return static_cast<std::uint64_t>(*value) / 2;
}

SocketResult<> NativeSocket::set_buffer_size(int which, std::uint64_t value) const {
  if (value == 0) return refuse(SocketError::InvalidArgument);
  constexpr std::uint64_t most = INT_MAX / 2;
  return set_option(SOL_SOCKET, which, static_cast<int>(std::min(value, most)));
}

}  // namespace unbolt::wasi
