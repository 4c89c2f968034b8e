#include "unbolt/cli/settings.h"

#include <thread>

#include "unbolt/contracts/provider_url.h"
#include "unbolt/providers/config_values/config_values.h"
#include "unbolt/providers/kv_memory/kv_memory.h"
#include "unbolt/providers/kv_sqlite/kv_sqlite.h"
#include "unbolt/providers/logging_host/logging_host.h"

namespace unbolt::cli {
namespace {

constexpr std::string_view kKeyValue = "wasi:keyvalue";

// The providers that this program has.
const contracts::ProviderTable<contracts::KeyValue>& key_value_providers() {
  static const contracts::ProviderTable<contracts::KeyValue> table(
      {{"memory", providers::open_kv_memory}, {"sqlite", providers::open_kv_sqlite}});
  return table;
}

Result<std::pair<std::string, std::string>> key_value(std::string_view flag,
                                                      const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return fail(ErrorCode::InvalidArgument, "{} '{}': expected NAME=VALUE", flag, text);
  }
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

Result<> read_link(Settings& settings, const std::string& text) {
  UNBOLT_ASSIGN(auto link, contracts::parse_link_argument(text));
  // The whole package is linked to one provider; "wasi:keyvalue/store@0.2.0-draft" names it too.
  const auto package = link.contract.substr(0, link.contract.find_first_of("/@"));
  if (package != kKeyValue) {
    return fail(ErrorCode::InvalidArgument,
                "there is no provider for the contract '{}'; there are some for {}", link.contract,
                kKeyValue);
  }
  UNBOLT_ASSIGN(auto checked,
                contracts::parse_link_argument(text, key_value_providers().schemes()));
  settings.links.insert_or_assign(package, std::move(checked.url));
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

Result<std::vector<wasi::Preopen>> open_directories(const contracts::Grants& grants) {
  std::vector<wasi::Preopen> preopens;
  for (const auto& grant : grants.directories) {
    auto directory = files::Node::open(
        grant.host, grant.read_only ? files::Access::Read : files::Access::ReadWrite);
    if (!directory) return std::unexpected(std::move(directory).error().in("--dir"));
    preopens.push_back({std::move(*directory), grant.guest});
  }
  return preopens;
}

Result<contracts::Links> open_links(const Settings& settings,
                                    const contracts::ProviderContext& context) {
  contracts::Links links;
  links.config = std::make_shared<providers::ConfigFromValues>(settings.config);
  links.logging = std::make_shared<providers::LoggingToHost>(context.log);
  if (const auto link = settings.links.find(std::string(kKeyValue)); link != settings.links.end()) {
    auto provider = key_value_providers().open(link->second, context);
    if (!provider) {
      return std::unexpected(std::move(provider).error().in(
          fmt::format("--link {}={}", kKeyValue, link->second.shown())));
    }
    links.key_value = std::move(*provider);
  } else {
    links.key_value = providers::make_kv_memory();
  }
  return links;
}

}  // namespace unbolt::cli
