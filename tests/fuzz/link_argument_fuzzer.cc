// `--link CONTRACT=URL`: whatever is typed, it is parsed or refused with a reason, and shown
// without control characters.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "unbolt/contracts/provider_url.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto link = unbolt::contracts::parse_link_argument(text);
  if (!link) {
    if (link.error().message.empty()) std::abort();
    return 0;
  }
  if (link->contract.empty() || link->url.scheme.empty()) std::abort();
  if (link->url.path.find('\0') != std::string::npos) std::abort();
  (void)link->url.shown();
  (void)link->url.bytes_option("size", 0);
  (void)link->url.milliseconds_option("busy_timeout", 0);
  return 0;
}
