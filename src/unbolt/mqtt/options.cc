#include "unbolt/mqtt/options.h"

#include <algorithm>

namespace unbolt::mqtt {
namespace {

std::string text(const contracts::ProviderUrl& url, std::string_view name) {
  const auto found = url.query.find(name);
  return found == url.query.end() ? std::string() : found->second;
}

Result<std::chrono::milliseconds> duration(const contracts::ProviderUrl& url, std::string_view name,
                                           std::chrono::milliseconds otherwise, std::uint64_t least,
                                           std::uint64_t most) {
  UNBOLT_ASSIGN(const auto value,
                url.milliseconds_option(name, static_cast<std::uint64_t>(otherwise.count())));
  if (value >= least && value <= most)
    return std::chrono::milliseconds(static_cast<std::int64_t>(value));
  return fail(ErrorCode::InvalidArgument, "the option '{}' of '{}' must be {}ms to {}s", name,
              url.shown(), least, most / 1000);
}

Result<> check_client(const contracts::ProviderUrl& url, std::string_view name) {
  const bool good = !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  });
  if (good) return {};
  return fail(ErrorCode::InvalidArgument,
              "'{}': client= is made of 1 to 64 letters, digits, '-', '_' and '.'", url.shown());
}

}  // namespace

Result<Options> read_url(const contracts::ProviderUrl& url, std::vector<std::string_view> more) {
  Options options;
  options.tls = url.scheme == "mqtts";
  more.insert(more.end(), {"client", "keepalive", "timeout"});
  if (options.tls) more.insert(more.end(), {"ca", "cert", "key"});
  UNBOLT_TRY(url.only_options(more));
  UNBOLT_ASSIGN(options.server,
                contracts::parse_server_address(url, options.tls ? 8883 : 1883,
                                                fmt::format("{}://HOST", url.scheme)));
  if (!options.server.path.empty()) {
    return std::unexpected(
        Error{ErrorCode::InvalidArgument,
              fmt::format("'{}' has a path, which means nothing to a broker", url.shown()),
              "topics are named by the manifest and by the component"});
  }
  if (options.server.user.size() > 65'535 || options.server.password.size() > 65'535)
    return fail(ErrorCode::InvalidArgument, "'{}': the user or password is too long", url.shown());
  if (url.query.contains("client")) {
    options.client = text(url, "client");
    UNBOLT_TRY(check_client(url, options.client));
  }
  options.ca_file = text(url, "ca");
  options.cert_file = text(url, "cert");
  options.key_file = text(url, "key");
  if (options.cert_file.empty() != options.key_file.empty())
    return fail(ErrorCode::InvalidArgument, "'{}': cert and key go together", url.shown());
  UNBOLT_ASSIGN(options.timeout, duration(url, "timeout", options.timeout, 10, 600'000));
  UNBOLT_ASSIGN(const auto keep_alive,
                duration(url, "keepalive", options.keep_alive, 1000, 3'600'000));
  options.keep_alive = std::chrono::floor<std::chrono::seconds>(keep_alive);
  return options;
}

}  // namespace unbolt::mqtt
