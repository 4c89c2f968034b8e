#include "unbolt/control/deployer.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

#include "unbolt/component/names.h"
#include "unbolt/contracts/plugin_url.h"
#include "unbolt/control/link_order.h"
#include "unbolt/host/environment.h"
#include "unbolt/host/http_invocation.h"
#include "unbolt/host/message_invocation.h"
#include "unbolt/host/plugin_link.h"
#include "unbolt/host/telnet_invocation.h"
#include "unbolt/providers/logging_host/logging_host.h"
#include "unbolt/providers/secrets_sources/secrets_sources.h"

namespace unbolt::control {
namespace {

constexpr std::chrono::seconds kCallTime{30};
constexpr std::size_t kMostWaiting = 10'000;

// The packages that a component imports from: "wasi:keyvalue".
std::set<std::string> imported_packages(const component::LinkedComponent& component) {
  std::set<std::string> packages;
  for (const auto& import : component.plan().imports)
    packages.insert(import.name.substr(0, import.name.find_first_of("/@")));
  return packages;
}

host::Limits limits_of(const ComponentLimits& limits, std::size_t most_instances) {
  host::Limits result;
  if (limits.memory_bytes) result.memory_bytes = *limits.memory_bytes;
  result.timeout = limits.time.value_or(kCallTime);
  result.instances = limits.instances.value_or(most_instances);
  return result;
}

}  // namespace

void Made::find_watched() {
  watched.clear();
  for (const std::string& bucket : state.watch)
    watched[bucket] = deployment->served.links.key_value.find(bucket);
}

Result<RevisionStore::Kept> Deployer::kept_file(const ComponentState& state) const {
  if (!state.digest.empty()) {
    if (auto kept = parts_.revisions.find(state.digest)) return kept;
  }
  return parts_.revisions.keep(state.image, state.digest);
}

Result<> Deployer::resolve(std::map<std::string, ComponentState>& components) const {
  std::map<std::string, ComponentLoader::Interfaces> interfaces;
  for (auto& [name, state] : components) {
    auto kept = kept_file(state);
    if (!kept) return std::unexpected(std::move(kept).error().in(name));
    state.digest = kept->digest;
    auto found = parts_.loader.interfaces(kept->path.string(), state.image);
    if (!found) return std::unexpected(std::move(found).error().in(name));
    interfaces.emplace(name, std::move(*found));
  }
  for (auto& [name, state] : components) {
    for (const std::string& import : interfaces.at(name).foreign) {
      const bool linked = std::ranges::any_of(state.links, [&](const auto& link) {
        return component::names_interface(link.first.contract, import);
      });
      if (linked) continue;
      std::vector<std::string> candidates;
      for (const auto& [other, of] : interfaces) {
        if (other == name) continue;
        const bool exports = std::ranges::any_of(of.exported, [&](const std::string& exported) {
          return exported == import || component::track_of(exported) == component::track_of(import);
        });
        if (exports) candidates.push_back(other);
      }
      if (candidates.size() > 1) {
        return std::unexpected(
            Error{ErrorCode::Conflict,
                  fmt::format("{}: it imports {}, which several components export: {}", name,
                              import, fmt::join(candidates, ", ")),
                  fmt::format("say which: links: {{{}: component:{}}}",
                              component::split_version(import).path, candidates.front())});
      }
      if (candidates.size() == 1) {
        state.links[{std::string(component::split_version(import).path), {}}] =
            "component:" + candidates.front();
      }
    }
  }
  return {};
}

namespace {

// The links of a component that lead to others, and to plug-ins.
Result<host::ComponentLinks> component_links(const ComponentState& state,
                                             const Deployer::Components& others) {
  host::ComponentLinks links;
  for (const auto& [key, url] : state.links) {
    if (contracts::leads_to_plugin(url))
      links.emplace(key.contract, host::LinkTo{"plugin", url, nullptr});
    const std::string other(linked_component(url));
    if (other.empty()) continue;
    const auto found = others.find(other);
    if (found == others.end()) {
      return fail(ErrorCode::NotFound, "link {} {}: there is no such component", key.contract, url);
    }
    links.emplace(key.contract, host::LinkTo{other, other, found->second});
  }
  return links;
}

}  // namespace

Result<contracts::Links> Deployer::open_links(const ComponentState& state,
                                              const ComponentLoader::Loaded& loaded,
                                              const host::ComponentLinks& to_others,
                                              std::shared_ptr<contracts::Config> config) const {
  contracts::Links links;
  links.config = std::move(config);
  links.logging = std::make_shared<providers::LoggingToHost>(parts_.log);
  const component::LinkedComponent& component = *loaded.component;
  const auto packages = imported_packages(component);
  std::set<std::string> linked;
  host::Providers plugins;
  for (const auto& [key, text] : state.links) {
    const std::string shown =
        key.name.empty() ? key.contract : fmt::format("{} ({})", key.contract, key.name);
    if (!linked_component(text).empty()) continue;
    auto url = contracts::parse_provider_url(text);
    if (!url) return std::unexpected(std::move(url).error().in("link " + shown));
    if (url->scheme == contracts::kPluginScheme) {
      UNBOLT_ASSIGN(const auto named, contracts::plugin_of(*url));
      auto opened = parts_.plugins.open(named.path, named.options);
      if (!opened) return std::unexpected(std::move(opened).error().in("link " + shown));
      plugins.emplace(key.contract, std::move(*opened));
      linked.insert(key.contract.substr(0, key.contract.find('/')));
      continue;
    }
    if (!packages.contains(key.contract)) {
      return std::unexpected(Error{ErrorCode::NotFound,
                                   fmt::format("link {}: it imports no such contract", shown),
                                   "unbolt inspect FILE lists what it imports"});
    }
    if (loaded.claims) {
      if (auto granted = loaded.claims->check_role(key.contract, *url); !granted)
        return std::unexpected(std::move(granted).error().in("link " + shown));
    }
    if (auto opened = parts_.providers.link(links, key.contract, key.name, *url); !opened) {
      return std::unexpected(
          std::move(opened).error().in(fmt::format("link {} {}", shown, url->shown())));
    }
    linked.insert(key.contract);
  }
  UNBOLT_ASSIGN(links.plugins, host::bind_plugins(component.plan(), to_others, plugins));
  for (const auto& [contract, schemes] : parts_.providers.schemes()) {
    if (!packages.contains(contract) || linked.contains(contract)) continue;
    if (contract == "wasi:config") continue;  // the manifest has its values
    return std::unexpected(
        Error{ErrorCode::NotFound,
              fmt::format("it imports {}, and no link says where that leads", contract),
              fmt::format("add it to the component's links, for example {}: {}:", contract,
                          schemes.front())});
  }
  return links;
}

Result<Made> Deployer::make(const std::string& name, ComponentState state, const Made* like,
                            const Components& others) const {
  const auto build = [&]() -> Result<Made> {
    Made made;
    UNBOLT_ASSIGN(const auto kept, kept_file(state));
    state.digest = kept.digest;
    UNBOLT_ASSIGN(const auto to_others, component_links(state, others));
    UNBOLT_ASSIGN(const auto loaded,
                  parts_.loader.load(kept.path.string(), state.image, to_others));
    made.component = loaded.component;
    made.tally = std::make_shared<host::Tally>(parts_.loops);
    made.deployment = std::make_shared<host::Deployment>(made.tally);
    made.deployment->revision = kept.digest;
    for (const auto& [contract, to] : to_others) {
      if (to.callee) made.deployment->callees.push_back(to.link);
    }
    UNBOLT_ASSIGN(made.deployment->http, host::find_http_handler(*made.component));
    made.http = made.deployment->http != nullptr;
    UNBOLT_ASSIGN(made.deployment->messages, host::find_message_handler(*made.component));
    made.messages = made.deployment->messages != nullptr;
    UNBOLT_ASSIGN(made.deployment->watcher, host::find_watcher(*made.component));
    made.watcher = made.deployment->watcher.has_value();
    UNBOLT_ASSIGN(made.deployment->telnet, host::find_telnet_handler(*made.component));
    made.telnet = made.deployment->telnet != nullptr;

    made.config = std::make_shared<providers::ConfigFromValues>(
        contracts::ConfigValues(state.config.begin(), state.config.end()));
    auto& served = made.deployment->served;
    served.name = name;
    served.component = made.component;
    served.revision = kept.digest;
    served.audit = &parts_.audit;
    UNBOLT_ASSIGN(served.links, open_links(state, loaded, to_others, made.config));
    UNBOLT_ASSIGN(served.links.secrets,
                  providers::make_secrets(state.secrets, {parts_.log, parts_.blocking}));
    contracts::Grants grants;
    for (const auto& grant : state.grants) UNBOLT_TRY(grants.add(grant));
    if (loaded.claims) grants = loaded.claims->within(std::move(grants));
    UNBOLT_ASSIGN(served.environment,
                  host::make_environment(std::move(grants), Blocking::on(parts_.blocking)));
    served.streams = host::logged_streams(served.links.logging, name);
    served.limits = limits_of(state.limits, parts_.most_instances);
    served.isolation.requests = std::max(1u, state.limits.reuse);
    if (state.limits.concurrency) {
      made.gate =
          like && like->state.limits.concurrency == state.limits.concurrency
              ? like->gate
              : std::make_shared<host::ConcurrencyGate>(*state.limits.concurrency, kMostWaiting);
      served.gate = made.gate;
    }
    made.state = std::move(state);
    made.find_watched();
    return made;
  };
  auto made = build();
  if (!made) return std::unexpected(std::move(made).error().in(name));
  return made;
}

}  // namespace unbolt::control
