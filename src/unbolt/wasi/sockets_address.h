// The types of wasi:sockets/network, and what the system has for them.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <tuple>
#include <variant>

#include "unbolt/base/task.h"
#include "unbolt/component/abi.h"

namespace unbolt::wasi {

// enum error-code
enum class SocketError : std::uint8_t {
  Unknown,
  AccessDenied,
  NotSupported,
  InvalidArgument,
  OutOfMemory,
  Timeout,
  ConcurrencyConflict,
  NotInProgress,
  WouldBlock,
  InvalidState,
  NewSocketLimit,
  AddressNotBindable,
  AddressInUse,
  RemoteUnreachable,
  ConnectionRefused,
  ConnectionReset,
  ConnectionAborted,
  DatagramTooLarge,
  NameUnresolvable,
  TemporaryResolverFailure,
  PermanentResolverFailure,
};

template <class T = void>
using SocketResult = std::expected<T, SocketError>;
inline std::unexpected<SocketError> refuse(SocketError error) { return std::unexpected(error); }

// What the system said, as one of <cerrno>.
SocketError to_socket_error(int error);
inline std::unexpected<SocketError> refuse_errno(int error) {
  return refuse(to_socket_error(error));
}

enum class IpFamily : std::uint8_t { V4, V6 };

using Ipv4Address = std::tuple<std::uint8_t, std::uint8_t, std::uint8_t, std::uint8_t>;
using Ipv6Address = std::tuple<std::uint16_t, std::uint16_t, std::uint16_t, std::uint16_t,
                               std::uint16_t, std::uint16_t, std::uint16_t, std::uint16_t>;
using IpAddress = std::variant<Ipv4Address, Ipv6Address>;
struct Ipv4SocketAddress {
  std::uint16_t port;
  Ipv4Address address;
};
struct Ipv6SocketAddress {
  std::uint16_t port;
  std::uint32_t flow_info;
  Ipv6Address address;
  std::uint32_t scope_id;
};
using IpSocketAddress = std::variant<Ipv4SocketAddress, Ipv6SocketAddress>;

// An address and a port as the system takes them.
class Endpoint {
 public:
  Endpoint() { value_.any.sa_family = AF_UNSPEC; }
  explicit Endpoint(const IpSocketAddress& address);
  // Of a family, with all zeros.
  explicit Endpoint(IpFamily family);

  IpFamily family() const { return value_.any.sa_family == AF_INET6 ? IpFamily::V6 : IpFamily::V4; }
  asio::ip::address ip() const;
  std::uint16_t port() const { return ntohs(value_.v4.sin_port); }  // at one place in both
  IpSocketAddress to_wit() const;
  std::string to_string() const;

  const sockaddr* data() const { return &value_.any; }
  socklen_t size() const {
    return value_.any.sa_family == AF_INET6 ? sizeof value_.v6 : sizeof value_.v4;
  }
  // For calls that fill it in.
  sockaddr* data() { return &value_.any; }
  static constexpr socklen_t capacity() { return sizeof(Value); }

  // Address, port and scope; flow labels say nothing of where it is.
  bool operator==(const Endpoint& other) const;
  struct Hash {
    std::size_t operator()(const Endpoint& endpoint) const;
  };

 private:
  union Value {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
  } value_{};
};

IpAddress to_wit(const asio::ip::address& address);

// An argument's faults, which the contract wants to be found before anything is tried.
enum class AddressUse : std::uint8_t { BindTcp, BindUdp, ConnectTcp, SendUdp };
std::optional<SocketError> fault_of(const Endpoint& endpoint, IpFamily family, AddressUse use);

}  // namespace unbolt::wasi

namespace unbolt::component {
template <>
inline constexpr std::size_t kEnumCases<wasi::SocketError> = 21;
template <>
inline constexpr std::size_t kEnumCases<wasi::IpFamily> = 2;
}  // namespace unbolt::component
