// What of the network a component may use: whom it may connect to, where it may listen.
// docs/grants.md has the grammar.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/base/task.h"

namespace unbolt::contracts {

struct PortRange {
  std::uint16_t first = 0, last = 65'535;
  bool has(std::uint16_t port) const { return port >= first && port <= last; }
};

// An address, or all that begin with its first `bits`.
struct AddressRange {
  asio::ip::address address;
  unsigned bits = 0;
  bool has(const asio::ip::address& other) const;
};

// `HOST[:PORT[-PORT]]`, where HOST is an address, a range of them as ADDRESS/BITS (IPv6 in
// brackets), a name, `*.SUFFIX` (any name below it) or `*`; without a port, any port.
class ConnectPattern {
 public:
  static Result<ConnectPattern> parse(std::string_view text);
  // `name` in lower case and ASCII, without a dot at the end.
  bool covers_name(std::string_view name) const;
  // Whether the address is named by the pattern itself. Names cover addresses only by way of what
  // they resolved to: `covers_name` and `covers_port`.
  bool covers(const asio::ip::address& address) const;
  bool covers_port(std::uint16_t port) const { return ports_.has(port); }

 private:
  std::string name_;  // "*" anything, ".suffix" any below; "" where it is an address
  std::optional<AddressRange> range_;
  PortRange ports_;
};

// `ADDRESS[:PORT[-PORT]]` or `*[:PORT[-PORT]]`; port 0 means one that the system picks, and nothing
// any port.
class ListenPattern {
 public:
  static Result<ListenPattern> parse(std::string_view text);
  bool covers(const asio::ip::address& address, std::uint16_t port) const;

 private:
  std::optional<asio::ip::address> address_;  // none: any
  PortRange ports_;
};

// A value; built once, then read by all threads.
struct NetworkGrants {
  std::vector<ConnectPattern> connect;
  std::vector<ListenPattern> listen;
  // What signed claims allow at most; null: all. Each question below is asked of these alone: who
  // asks, asks them too.
  std::shared_ptr<const NetworkGrants> claimed;

  bool any() const { return !connect.empty() || !listen.empty(); }
  bool allows_name(std::string_view name) const;
  bool allows_connect(const asio::ip::address& address, std::uint16_t port) const;
  // Where the host itself found that `name` has the address that is asked for.
  bool allows_connect_by_name(std::string_view name, std::uint16_t port) const;
  bool allows_listen(const asio::ip::address& address, std::uint16_t port) const;
};

}  // namespace unbolt::contracts
