// Names that guests look up, and the patterns that grant them: read or refused. A name that is read
// stays itself when it is read again, and is one that patterns can mean.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "unbolt/contracts/network_grants.h"
#include "unbolt/wasi/sockets_resolver.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace unbolt;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (auto host = wasi::parse_host(text)) {
    if (const auto* name = std::get_if<std::string>(&*host)) {
      if (name->empty() || name->size() > 253) std::abort();
      const auto again = wasi::parse_host(*name);
      if (!again || std::get<std::string>(*again) != *name) std::abort();
      const auto pattern = contracts::ConnectPattern::parse(*name);
      if (!pattern || !pattern->covers_name(*name)) std::abort();
    }
  }
  const auto loopback = asio::ip::address_v4::loopback();
  if (auto pattern = contracts::ConnectPattern::parse(text)) {
    (void)pattern->covers(loopback);
    (void)pattern->covers_name("example.com");
  } else if (pattern.error().message.empty()) {
    std::abort();
  }
  if (auto pattern = contracts::ListenPattern::parse(text)) {
    (void)pattern->covers(loopback, 0);
  } else if (pattern.error().message.empty()) {
    std::abort();
  }
  return 0;
}
