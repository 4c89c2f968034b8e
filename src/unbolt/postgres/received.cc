#include "unbolt/postgres/received.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstddef>

namespace unbolt::postgres {
namespace {

std::optional<std::uint64_t> count_of(int socket) {
  tcp_info info{};
  socklen_t length = sizeof info;
  constexpr auto kNeeded = offsetof(tcp_info, tcpi_bytes_received) + sizeof(__u64);
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) != 0 || length < kNeeded)
    return std::nullopt;
  return info.tcpi_bytes_received;
}

}  // namespace

Received::Received(int socket) : socket_(socket), begin_(count_of(socket)) {}

void Received::before_reading() {
  int ready = 0;
  if (!begin_ && ::ioctl(socket_, FIONREAD, &ready) == 0 && ready > 0)
    seen_ += static_cast<std::uint64_t>(ready);
}

std::uint64_t Received::bytes() const {
  const auto now = begin_ ? count_of(socket_) : std::nullopt;
  return now && *now >= *begin_ ? *now - *begin_ : seen_;
}

}  // namespace unbolt::postgres
