#include "unbolt/cli/settings.h"

#include <thread>

#include "unbolt/cli/providers.h"
#include "unbolt/contracts/plugin_url.h"
#include "unbolt/contracts/provider_url.h"
#include "unbolt/providers/config_values/config_values.h"
#include "unbolt/providers/logging_host/logging_host.h"

namespace unbolt::cli {
namespace {

Result<std::pair<std::string, std::string>> key_value(std::string_view flag,
                                                      const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return fail(ErrorCode::InvalidArgument, "{} '{}': expected NAME=VALUE", flag, text);
  }
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

Result<> read_link(Settings& settings, const std::string& text) {
  UNBOLT_ASSIGN(auto link, contracts::parse_link_argument(with_whole_url(text)));
  if (link.url.scheme == contracts::kPluginScheme) {
    settings.plugins.insert_or_assign(std::move(link.contract), std::move(link.url));
    return {};
  }
  // The whole package is linked to one provider; "wasi:keyvalue/store@0.2.0-draft" names it too.
  std::string package = link.contract.substr(0, link.contract.find_first_of("/@"));
  UNBOLT_TRY(contracts::check_linkable(provider_tables().schemes(), package, link.url));
  settings.links.insert_or_assign(std::move(package), std::move(link.url));
  return {};
}

template <class F>
Result<> each(std::string_view flag, const std::vector<std::string>& values, F read) {
  for (const auto& value : values) {
    if (Result<> done = read(value); !done)
      return std::unexpected(std::move(done).error().in(flag));
  }
  return {};
}

}  // namespace

Result<Settings> read_settings(const RunOptions& options) {
  Settings settings;
  UNBOLT_ASSIGN(settings.admission, read_admission(options.admission));
  if (auto listen = http::parse_listen_address(options.listen)) {
    settings.listen = *listen;
  } else {
    return std::unexpected(std::move(listen).error().in("--listen"));
  }
  if (options.cgi && options.json) {
    return fail(ErrorCode::InvalidArgument,
                "--cgi and --json exclude each other: one serves a program, the other functions");
  }
  if (options.cgi && options.isolation) {
    return fail(ErrorCode::InvalidArgument,
                "--isolation goes with no --cgi: a program starts afresh for each request");
  }
  if (auto isolation = host::parse_isolation(options.isolation.value_or("fresh"))) {
    settings.isolation = *isolation;
  } else {
    return std::unexpected(std::move(isolation).error().in("--isolation"));
  }
  for (const auto& text : options.config) {
    UNBOLT_ASSIGN(auto pair, key_value("--config", text));
    settings.config.insert_or_assign(std::move(pair.first), std::move(pair.second));
  }
  for (const auto& text : options.secrets) {
    const auto equals = text.find('=');
    // Not the text: it may be the secret itself.
    if (equals == std::string::npos || equals == 0) {
      return std::unexpected(Error{ErrorCode::InvalidArgument, "--secret: expected NAME=SOURCE",
                                   "as in --secret api-key=env:API_KEY"});
    }
    settings.secrets.insert_or_assign(text.substr(0, equals), text.substr(equals + 1));
  }
  UNBOLT_TRY(
      each("--grant", options.grants, [&](const auto& text) { return settings.grants.add(text); }));
  UNBOLT_TRY(each("--env", options.env,
                  [&](const auto& text) { return settings.grants.add("env:" + text); }));
  UNBOLT_TRY(each("--dir", options.dirs,
                  [&](const auto& text) { return settings.grants.add("dir:" + text); }));
  UNBOLT_TRY(each("--allow-host", options.allow_hosts,
                  [&](const auto& text) { return settings.grants.add("host:" + text); }));
  UNBOLT_TRY(each("--allow-connect", options.allow_connect,
                  [&](const auto& text) { return settings.grants.add("connect:" + text); }));
  UNBOLT_TRY(each("--allow-listen", options.allow_listen,
                  [&](const auto& text) { return settings.grants.add("listen:" + text); }));
  UNBOLT_TRY(
      each("--link", options.links, [&](const auto& text) { return read_link(settings, text); }));
  settings.threads = options.threads.value_or(std::max(1u, std::thread::hardware_concurrency()));
  return settings;
}

Result<contracts::Links> open_links(const Settings& settings, contracts::ProviderSet& providers,
                                    Log& log) {
  contracts::Links links;
  links.config = std::make_shared<providers::ConfigFromValues>(settings.config);
  links.logging = std::make_shared<providers::LoggingToHost>(log);
  for (const auto& [contract, url] : settings.links) {
    if (auto linked = providers.link(links, contract, {}, url); !linked) {
      return std::unexpected(
          std::move(linked).error().in(fmt::format("--link {}={}", contract, url.shown())));
    }
  }
  // What keeps nothing beyond the process needs no link.
  UNBOLT_ASSIGN(auto memory, contracts::parse_provider_url("memory:"));
  if (links.key_value.empty()) UNBOLT_TRY(providers.link(links, "wasi:keyvalue", {}, memory));
  if (links.blob_store.empty()) UNBOLT_TRY(providers.link(links, "wasi:blobstore", {}, memory));
  return links;
}

}  // namespace unbolt::cli
