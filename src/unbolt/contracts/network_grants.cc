#include "unbolt/contracts/network_grants.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace unbolt::contracts {
namespace {

using asio::ip::address;

// What stands before and after the colon of a port. Ports is none where there is no colon.
struct Parts {
  std::string_view host;
  std::optional<std::string_view> ports;
  bool bracketed = false;
};

std::optional<Parts> split(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    Parts parts{text.substr(1, end - 1), std::nullopt, true};
    if (end + 1 == text.size()) return parts;
    if (text[end + 1] != ':') return std::nullopt;
    parts.ports = text.substr(end + 2);
    return parts;
  }
  const auto colon = text.find(':');
  // More than one: an IPv6 address that stands for itself.
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos)
    return Parts{text, std::nullopt};
  return Parts{text.substr(0, colon), text.substr(colon + 1)};
}

template <class Number>
std::optional<Number> number(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > most)
    return std::nullopt;
  return static_cast<Number>(value);
}

std::optional<PortRange> ports_of(const Parts& parts, std::uint16_t least) {
  if (!parts.ports) return PortRange{};
  const auto dash = parts.ports->find('-');
  const auto first = number<std::uint16_t>(parts.ports->substr(0, dash), 65'535);
  const auto last = dash == std::string_view::npos
                        ? first
                        : number<std::uint16_t>(parts.ports->substr(dash + 1), 65'535);
  if (!first || !last || *first < least || *first > *last) return std::nullopt;
  return PortRange{*first, *last};
}

std::optional<address> address_of(std::string_view text) {
  boost::system::error_code error;
  auto parsed = asio::ip::make_address(std::string(text), error);
  // A scope names an interface of this machine.
  if (error || text.contains('%')) return std::nullopt;
  return parsed;
}

template <class Bytes>
bool same_prefix(const Bytes& a, const Bytes& b, unsigned bits) {
  const std::size_t whole = bits / 8;
  if (!std::equal(a.begin(), a.begin() + whole, b.begin())) return false;
  const unsigned rest = bits % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

address without_host_bits(const address& whole, unsigned bits) {
  const auto cut = [bits](auto bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const auto kept = bits > i * 8 ? std::min<std::size_t>(bits - i * 8, 8) : 0;
      bytes[i] &= static_cast<unsigned char>(0xff00u >> kept);
    }
    return bytes;
  };
  if (whole.is_v4()) return asio::ip::address_v4(cut(whole.to_v4().to_bytes()));
  return asio::ip::address_v6(cut(whole.to_v6().to_bytes()));
}

std::optional<AddressRange> range_of(std::string_view text) {
  const auto slash = text.find('/');
  const auto parsed = address_of(text.substr(0, slash));
  if (!parsed) return std::nullopt;
  const unsigned all = parsed->is_v4() ? 32 : 128;
  if (slash == std::string_view::npos) return AddressRange{*parsed, all};
  const auto bits = number<unsigned>(text.substr(slash + 1), all);
  if (!bits) return std::nullopt;
  return AddressRange{*parsed, *bits};
}

// Lower case; "" where it is no name of a host.
std::string name_of(std::string_view text) {
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  if (name.ends_with('.')) name.pop_back();
  const auto belongs = [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  if (name.empty() || name.starts_with('.') || name.contains("..") ||
      !std::all_of(name.begin(), name.end(), belongs))
    return {};
  // What ends in a number was meant to be an address.
  const auto last = std::string_view(name).substr(name.rfind('.') + 1);
  if (std::all_of(last.begin(), last.end(), [](unsigned char c) { return std::isdigit(c); }))
    return {};
  return name;
}

}  // namespace

bool AddressRange::has(const asio::ip::address& other) const {
  if (address.is_v4() != other.is_v4()) return false;
  if (address.is_v4())
    return same_prefix(address.to_v4().to_bytes(), other.to_v4().to_bytes(), bits);
  return same_prefix(address.to_v6().to_bytes(), other.to_v6().to_bytes(), bits);
}

Result<ConnectPattern> ConnectPattern::parse(std::string_view text) {
  const auto wrong = [text] {
    return fail(ErrorCode::InvalidArgument,
                "connect pattern '{}': expected HOST[:PORT[-PORT]], where HOST is an address, "
                "ADDRESS/BITS, a name, *.SUFFIX or *, and IPv6 stands in brackets",
                text);
  };
  const auto parts = split(text);
  if (!parts) return wrong();
  const auto ports = ports_of(*parts, 1);
  if (!ports) return wrong();
  ConnectPattern pattern;
  pattern.ports_ = *ports;
  if (parts->host == "*" && !parts->bracketed) {
    pattern.name_ = "*";
    return pattern;
  }
  if (auto range = range_of(parts->host)) {
    if (parts->bracketed && range->address.is_v4()) return wrong();
    if (without_host_bits(range->address, range->bits) != range->address) {
      return fail(ErrorCode::InvalidArgument,
                  "connect pattern '{}': a range begins with its first address: {}/{}", text,
                  without_host_bits(range->address, range->bits).to_string(), range->bits);
    }
    pattern.range_ = std::move(range);
    return pattern;
  }
  const bool below = parts->host.starts_with("*.");
  pattern.name_ = name_of(below ? parts->host.substr(2) : parts->host);
  if (pattern.name_.empty() || parts->bracketed) return wrong();
  if (below) pattern.name_.insert(0, ".");
  return pattern;
}

bool ConnectPattern::covers_name(std::string_view name) const {
  if (name_.empty()) return false;
  if (name_ == "*") return true;
  if (name_.starts_with('.')) return name.size() > name_.size() && name.ends_with(name_);
  return name == name_;
}

bool ConnectPattern::covers(const address& address) const {
  return name_ == "*" || (range_ && range_->has(address));
}

Result<ListenPattern> ListenPattern::parse(std::string_view text) {
  const auto wrong = [text] {
    return fail(ErrorCode::InvalidArgument,
                "listen pattern '{}': expected ADDRESS[:PORT[-PORT]] or *[:PORT[-PORT]], where "
                "IPv6 stands in brackets",
                text);
  };
  const auto parts = split(text);
  if (!parts) return wrong();
  const auto ports = ports_of(*parts, 0);
  if (!ports) return wrong();
  ListenPattern pattern;
  pattern.ports_ = *ports;
  if (parts->host == "*" && !parts->bracketed) return pattern;
  pattern.address_ = address_of(parts->host);
  if (!pattern.address_ || (parts->bracketed && pattern.address_->is_v4())) return wrong();
  return pattern;
}

bool ListenPattern::covers(const address& address, std::uint16_t port) const {
  return ports_.has(port) && (!address_ || *address_ == address);
}

bool NetworkGrants::allows_name(std::string_view name) const {
  return std::any_of(connect.begin(), connect.end(),
                     [&](const auto& pattern) { return pattern.covers_name(name); });
}

bool NetworkGrants::allows_connect(const address& address, std::uint16_t port) const {
  return std::any_of(connect.begin(), connect.end(), [&](const auto& pattern) {
    return pattern.covers_port(port) && pattern.covers(address);
  });
}

bool NetworkGrants::allows_connect_by_name(std::string_view name, std::uint16_t port) const {
  return std::any_of(connect.begin(), connect.end(), [&](const auto& pattern) {
    return pattern.covers_port(port) && pattern.covers_name(name);
  });
}

bool NetworkGrants::allows_listen(const address& address, std::uint16_t port) const {
  return std::any_of(listen.begin(), listen.end(),
                     [&](const auto& pattern) { return pattern.covers(address, port); });
}

}  // namespace unbolt::contracts
