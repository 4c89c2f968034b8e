#include "unbolt/contracts/server_address.h"

#include <charconv>

#include "unbolt/contracts/text.h"

namespace unbolt::contracts {

std::string ServerAddress::shown() const {
  bool v6 = host.contains(':');
  return printable(fmt::format("{}{}{}:{}", v6 ? "[" : "", host, v6 ? "]" : "", port), 300);
}

Result<ServerAddress> parse_server_address(const ProviderUrl& url, std::uint16_t default_port,
                                           std::string_view example) {
  auto wrong = [&](std::string_view why) {
    return std::unexpected(Error{ErrorCode::InvalidArgument,
                                 fmt::format("'{}' {}", url.shown(), why),
                                 fmt::format("write {}", example)});
  };
  std::string_view rest = url.rest;
  if (!rest.starts_with("//")) return wrong("names no server");
  rest.remove_prefix(2);
  ServerAddress address;
  std::size_t slash = rest.find('/');
  std::string_view authority = rest.substr(0, slash);
  if (slash != rest.npos) {
    UNBOLT_ASSIGN(address.path, percent_decode(rest.substr(slash + 1)));
  }
  if (std::size_t at = authority.rfind('@'); at != authority.npos) {
    std::string_view who = authority.substr(0, at);
    authority.remove_prefix(at + 1);
    std::size_t colon = who.find(':');
    auto user = percent_decode(who.substr(0, colon));
    auto password =
        colon == who.npos ? Result<std::string>() : percent_decode(who.substr(colon + 1));
    // Their own messages would show what was not decoded.
    if (!user || !password) return wrong("has a '%' without two hexadecimal digits before the @");
    address.user = std::move(*user);
    address.password = std::move(*password);
  }
  std::size_t host_end = authority.find(':');
  if (authority.starts_with('[')) {
    std::size_t bracket = authority.find(']');
    if (bracket == authority.npos) return wrong("has a '[' without a ']'");
    address.host = authority.substr(1, bracket - 1);
    host_end = bracket + 1;
    if (host_end != authority.size() && authority[host_end] != ':')
      return wrong("has text behind the address in brackets");
  } else {
    UNBOLT_ASSIGN(address.host, percent_decode(authority.substr(0, host_end)));
  }
  if (address.host.empty()) return wrong("names no host");
  address.port = default_port;
  if (host_end < authority.size()) {
    std::string_view port = authority.substr(host_end + 1);
    auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
    if (error != std::errc() || end != port.data() + port.size() || address.port == 0)
      return wrong("has a port that is no number from 1 to 65535");
  }
  return address;
}

}  // namespace unbolt::contracts
