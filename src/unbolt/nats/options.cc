#include "unbolt/nats/options.h"

#include "unbolt/contracts/server_address.h"

namespace unbolt::nats {
namespace {

constexpr std::uint16_t kPort = 4222;

Result<bool> yes_or_no(const contracts::ProviderUrl& url, std::string_view name) {
  const auto found = url.query.find(name);
  if (found == url.query.end() || found->second == "no") return false;
  if (found->second == "yes") return true;
  return fail(ErrorCode::InvalidArgument, "the option '{}' of '{}' is neither yes nor no", name,
              url.shown());
}

std::string text(const contracts::ProviderUrl& url, std::string_view name) {
  const auto found = url.query.find(name);
  return found == url.query.end() ? std::string() : found->second;
}

Result<std::chrono::milliseconds> duration(const contracts::ProviderUrl& url, std::string_view name,
                                           std::chrono::milliseconds otherwise) {
  UNBOLT_ASSIGN(const auto value,
                url.milliseconds_option(name, static_cast<std::uint64_t>(otherwise.count())));
  constexpr std::uint64_t kLongest = 3'600'000;
  if (value >= 1 && value <= kLongest)
    return std::chrono::milliseconds(static_cast<std::int64_t>(value));
  return fail(ErrorCode::InvalidArgument, "the option '{}' of '{}' must be 1ms to 3600s", name,
              url.shown());
}

}  // namespace

Result<Options> read_url(const contracts::ProviderUrl& url, std::vector<std::string_view> more) {
  more.insert(more.end(), {"timeout", "connect_timeout", "queue_bytes", "tls", "tls_ca", "tls_cert",
                           "tls_key"});
  UNBOLT_TRY(url.only_options(more));
  UNBOLT_ASSIGN(auto address, contracts::parse_server_address(url, kPort, "nats://HOST:4222"));
  Options options;
  options.server = address.shown();
  // A token stands alone, as in every client of NATS.
  if (address.password.empty()) {
    options.token = std::move(address.user);
  } else {
    options.user = std::move(address.user);
    options.password = std::move(address.password);
  }
  options.path = std::move(address.path);
  options.shown = url.shown();
  UNBOLT_ASSIGN(options.tls, yes_or_no(url, "tls"));
  options.tls_ca = text(url, "tls_ca");
  options.tls_cert = text(url, "tls_cert");
  options.tls_key = text(url, "tls_key");
  options.tls |= !options.tls_ca.empty() || !options.tls_cert.empty();
  if (options.tls_cert.empty() != options.tls_key.empty()) {
    return fail(ErrorCode::InvalidArgument, "'{}': tls_cert and tls_key go together", url.shown());
  }
  UNBOLT_ASSIGN(options.timeout, duration(url, "timeout", options.timeout));
  UNBOLT_ASSIGN(options.connect_timeout, duration(url, "connect_timeout", options.connect_timeout));
  UNBOLT_ASSIGN(options.queue_bytes, url.bytes_option("queue_bytes", options.queue_bytes));
  return options;
}

}  // namespace unbolt::nats
