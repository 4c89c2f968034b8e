// The part of a provider's URL that names a server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "unbolt/base/error.h"
#include "unbolt/contracts/provider_url.h"

namespace unbolt::contracts {

// Of `//[[USER][:PASSWORD]@]HOST[:PORT][/PATH]`, decoded. The password is for the server alone:
// never in a message.
struct ServerAddress {
  std::string user, password;
  std::string host;  // without the brackets of an IPv6 address
  std::uint16_t port = 0;
  std::string path;  // without the slash in front

  // HOST:PORT, for messages.
  std::string shown() const;
};

// InvalidArgument, with what to write instead, where it is no such address. `example` is a URL of
// the provider.
Result<ServerAddress> parse_server_address(const ProviderUrl& url, std::uint16_t default_port,
                                           std::string_view example);

}  // namespace unbolt::contracts
