#include <boost/asio/ip/tcp.hpp>

#include <sys/socket.h>
#include <unistd.h>
#include <cstring>

#include "unbolt/http/port_holder.h"
#include "unbolt/http/server.h"
#include "unbolt/http/text.h"

namespace unbolt::http {
namespace {

using asio::ip::tcp;

std::string show(const tcp::endpoint& endpoint) {
  auto address = endpoint.address();
  return fmt::format(fmt::runtime(address.is_v6() ? "[{}]:{}" : "{}:{}"), address.to_string(),
                     endpoint.port());
}

Error cannot_listen(const tcp::endpoint& endpoint, int number) {
  std::string where = show(endpoint);
  switch (number) {
    case EADDRINUSE: {
      std::string holder = port_holder(endpoint.port());
      std::string why = holder.empty() ? "the port is in use" : "the port is in use by " + holder;
      return {ErrorCode::Conflict, fmt::format("cannot listen on {}: {}", where, why),
              "stop it or choose another port; port 0 picks a free one"};
    }
    case EACCES:
      return {ErrorCode::Denied,
              fmt::format("cannot listen on {}: ports below 1024 need a privilege", where),
              "choose a port from 1024 up"};
    case EADDRNOTAVAIL:
      return {ErrorCode::InvalidArgument,
              fmt::format("cannot listen on {}: this machine does not have that address", where),
              "0.0.0.0 listens on every address, 127.0.0.1 on this machine only"};
    default:
      return {
          ErrorCode::Io, fmt::format("cannot listen on {}: {}", where, std::strerror(number)), {}};
  }
}

}  // namespace

Result<tcp::endpoint> parse_listen_address(std::string_view text) {
  auto bad = [&](std::string_view why) {
    return std::unexpected(Error{ErrorCode::InvalidArgument,
                                 fmt::format("'{}' is not an address to listen on: {}", text, why),
                                 "write HOST:PORT, such as 127.0.0.1:8080, [::1]:8080 or :8080"});
  };
  std::size_t colon = text.rfind(':');
  std::string_view host = colon == std::string_view::npos ? "127.0.0.1" : text.substr(0, colon);
  std::string_view digits = colon == std::string_view::npos ? text : text.substr(colon + 1);
  if (text.ends_with(']')) return bad("the port is missing");
  auto port = parse_decimal(digits);
  if (!port) return bad(digits.empty() ? "the port is missing" : "the port is not a number");
  if (*port > 65535) return bad("the port is larger than 65535");
  auto number = static_cast<std::uint16_t>(*port);
  if (host.empty()) return tcp::endpoint(tcp::v4(), number);
  if (host == "localhost") return tcp::endpoint(asio::ip::address_v4::loopback(), number);

  boost::system::error_code error;
  if (host.starts_with('[') && host.ends_with(']')) {
    auto address = asio::ip::make_address_v6(std::string(host.substr(1, host.size() - 2)), error);
    if (error) return bad("what stands in brackets is not an IPv6 address");
    return tcp::endpoint(address, number);
  }
  if (host.contains(':')) return bad("an IPv6 address needs brackets");
  auto address = asio::ip::make_address_v4(std::string(host), error);
  if (error) return bad("the host is not an IP address or localhost");
  return tcp::endpoint(address, number);
}

Result<int> listen_on(const tcp::endpoint& endpoint) {
  int fd = ::socket(endpoint.protocol().family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    IPPROTO_TCP);
  if (fd < 0) return std::unexpected(cannot_listen(endpoint, errno));
  int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) < 0 ||
      ::listen(fd, SOMAXCONN) < 0) {
    int number = errno;
    ::close(fd);
    return std::unexpected(cannot_listen(endpoint, number));
  }
  return fd;
}

}  // namespace unbolt::http
