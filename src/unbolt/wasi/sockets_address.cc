#include "unbolt/wasi/sockets_address.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace unbolt::wasi {
namespace {

in_addr to_native(const Ipv4Address& address) {
  in_addr out{};
  const auto bytes =
      std::apply([](auto... b) { return std::array<std::uint8_t, 4>{b...}; }, address);
  std::memcpy(&out, bytes.data(), sizeof out);
  return out;
}

in6_addr to_native(const Ipv6Address& address) {
  const auto groups =
      std::apply([](auto... g) { return std::array<std::uint16_t, 8>{g...}; }, address);
  in6_addr out{};
  for (std::size_t i = 0; i < groups.size(); ++i) {
    out.s6_addr[2 * i] = static_cast<std::uint8_t>(groups[i] >> 8);
    out.s6_addr[2 * i + 1] = static_cast<std::uint8_t>(groups[i]);
  }
  return out;
}

Ipv4Address tuple_of(const in_addr& address) {
  std::array<std::uint8_t, 4> b;
  std::memcpy(b.data(), &address, sizeof b);
  return {b[0], b[1], b[2], b[3]};
}

Ipv6Address tuple_of(const in6_addr& address) {
  const auto group = [&](std::size_t i) {
    return static_cast<std::uint16_t>(address.s6_addr[2 * i] << 8 | address.s6_addr[2 * i + 1]);
  };
  return {group(0), group(1), group(2), group(3), group(4), group(5), group(6), group(7)};
}

bool is_broadcast(const asio::ip::address& ip) {
  return ip.is_v4() && ip.to_v4() == asio::ip::address_v4::broadcast();
}

// ::a.b.c.d, which nobody uses any more, and ::ffff:a.b.c.d: an IPv4 address in disguise.
bool holds_ipv4(const asio::ip::address& ip) {
  if (!ip.is_v6()) return false;
  const auto v6 = ip.to_v6();
  if (v6.is_v4_mapped()) return true;
  const auto bytes = v6.to_bytes();
  return std::all_of(bytes.begin(), bytes.begin() + 12, [](auto b) { return b == 0; }) &&
         !v6.is_unspecified() && !v6.is_loopback();
}

}  // namespace

SocketError to_socket_error(int error) {
  switch (error) {
    case EACCES:
    case EPERM: return SocketError::AccessDenied;
    case EOPNOTSUPP:
    case ENOPROTOOPT:
    case EPFNOSUPPORT:
    case EPROTONOSUPPORT:
    case EPROTOTYPE:
    case ESOCKTNOSUPPORT:
    case EAFNOSUPPORT: return SocketError::NotSupported;
    case EINVAL:
    case EFAULT: return SocketError::InvalidArgument;
    case ENOMEM:
    case ENOBUFS: return SocketError::OutOfMemory;
    case ETIMEDOUT: return SocketError::Timeout;
    case EALREADY: return SocketError::ConcurrencyConflict;
    case EAGAIN: return SocketError::WouldBlock;
    case EISCONN:
    case ENOTCONN:
    case EDESTADDRREQ: return SocketError::InvalidState;
    case EMFILE:
    case ENFILE: return SocketError::NewSocketLimit;
    case EADDRNOTAVAIL: return SocketError::AddressNotBindable;
    case EADDRINUSE: return SocketError::AddressInUse;
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETUNREACH:
    case ENETDOWN:
    case ENETRESET:
    case ENONET: return SocketError::RemoteUnreachable;
    case ECONNREFUSED: return SocketError::ConnectionRefused;
    case ECONNRESET: return SocketError::ConnectionReset;
    case ECONNABORTED:
    case EPIPE: return SocketError::ConnectionAborted;
    case EMSGSIZE: return SocketError::DatagramTooLarge;
    default: return SocketError::Unknown;
  }
}

Endpoint::Endpoint(const IpSocketAddress& address) {
  if (const auto* v4 = std::get_if<Ipv4SocketAddress>(&address)) {
    value_.v4.sin_family = AF_INET;
    value_.v4.sin_port = htons(v4->port);
    value_.v4.sin_addr = to_native(v4->address);
  } else {
    const auto& v6 = std::get<Ipv6SocketAddress>(address);
    value_.v6.sin6_family = AF_INET6;
    value_.v6.sin6_port = htons(v6.port);
    value_.v6.sin6_flowinfo = htonl(v6.flow_info);
    value_.v6.sin6_addr = to_native(v6.address);
    value_.v6.sin6_scope_id = v6.scope_id;
  }
}

Endpoint::Endpoint(IpFamily family) {
  value_.any.sa_family = family == IpFamily::V6 ? AF_INET6 : AF_INET;
}

asio::ip::address Endpoint::ip() const {
  if (family() == IpFamily::V4) {
    asio::ip::address_v4::bytes_type bytes;
    std::memcpy(bytes.data(), &value_.v4.sin_addr, bytes.size());
    return asio::ip::address_v4(bytes);
  }
  asio::ip::address_v6::bytes_type bytes;
  std::memcpy(bytes.data(), &value_.v6.sin6_addr, bytes.size());
  return asio::ip::address_v6(bytes);
}

IpSocketAddress Endpoint::to_wit() const {
  if (family() == IpFamily::V4) {
    return Ipv4SocketAddress{port(), tuple_of(value_.v4.sin_addr)};
  }
  return Ipv6SocketAddress{port(), ntohl(value_.v6.sin6_flowinfo), tuple_of(value_.v6.sin6_addr),
                           value_.v6.sin6_scope_id};
}

std::string Endpoint::to_string() const {
  return family() == IpFamily::V4 ? fmt::format("{}:{}", ip().to_string(), port())
                                  : fmt::format("[{}]:{}", ip().to_string(), port());
}

bool Endpoint::operator==(const Endpoint& other) const {
  if (value_.any.sa_family != other.value_.any.sa_family || port() != other.port()) return false;
  if (family() == IpFamily::V4) return value_.v4.sin_addr.s_addr == other.value_.v4.sin_addr.s_addr;
  return std::memcmp(&value_.v6.sin6_addr, &other.value_.v6.sin6_addr, sizeof(in6_addr)) == 0 &&
         value_.v6.sin6_scope_id == other.value_.v6.sin6_scope_id;
}

std::size_t Endpoint::Hash::operator()(const Endpoint& endpoint) const {
  const auto* bytes = endpoint.family() == IpFamily::V4
                          ? reinterpret_cast<const char*>(&endpoint.value_.v4.sin_addr)
                          : reinterpret_cast<const char*>(&endpoint.value_.v6.sin6_addr);
  const std::size_t size = endpoint.family() == IpFamily::V4 ? sizeof(in_addr) : sizeof(in6_addr);
  return std::hash<std::string_view>()({bytes, size}) * 65'537 + endpoint.port();
}

IpAddress to_wit(const asio::ip::address& address) {
  if (address.is_v4()) {
    const auto b = address.to_v4().to_bytes();
    return Ipv4Address{b[0], b[1], b[2], b[3]};
  }
  in6_addr native;
  const auto bytes = address.to_v6().to_bytes();
  std::memcpy(&native, bytes.data(), sizeof native);
  return tuple_of(native);
}

std::optional<SocketError> fault_of(const Endpoint& endpoint, IpFamily family, AddressUse use) {
  const auto ip = endpoint.ip();
  if (endpoint.family() != family || holds_ipv4(ip)) return SocketError::InvalidArgument;
  const bool tcp = use == AddressUse::BindTcp || use == AddressUse::ConnectTcp;
  if (tcp && (ip.is_multicast() || is_broadcast(ip))) return SocketError::InvalidArgument;
  const bool remote = use == AddressUse::ConnectTcp || use == AddressUse::SendUdp;
  if (remote && (ip.is_unspecified() || endpoint.port() == 0)) return SocketError::InvalidArgument;
  return std::nullopt;
}

}  // namespace unbolt::wasi
