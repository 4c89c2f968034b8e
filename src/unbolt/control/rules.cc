#include "unbolt/control/rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "unbolt/contracts/grants.h"
#include "unbolt/contracts/plugin_url.h"
#include "unbolt/contracts/provider_url.h"
#include "unbolt/contracts/text.h"
#include "unbolt/control/check.h"
#include "unbolt/control/link_order.h"

namespace unbolt::control {
namespace {

constexpr std::string_view kMessaging = "wasmcloud:messaging";

// The field's text, or "".
std::string_view text_of(const YamlNode& node, std::string_view field) {
  const YamlNode* found = node.find(field);
  return found ? std::string_view(found->text) : std::string_view{};
}

class Rules {
 public:
  Rules(const YamlNode& manifest, const ManifestContext& context, DiagnosticSink& sink)
      : manifest_(manifest), context_(context), sink_(sink) {
    if (const YamlNode* components = manifest.find("components")) {
      for (const auto& entry : components->entries) names_.push_back(entry.key);
      components_ = components;
    }
  }

  void check() {
    if (!components_) return;
    if (components_->entries.empty() && components_->damaged) return;
    if (components_->entries.empty()) {
      sink_.report(components_->position, "components", "there is no component",
                   "the least is NAME: ./FILE.wasm");
      return;
    }
    for (const auto& entry : components_->entries) check_component(entry);
    report_cycles();
    if (const YamlNode* routes = manifest_.find("routes")) check_routes(*routes);
    if (const YamlNode* topics = manifest_.find("topics")) check_topics(*topics);
    if (const YamlNode* listen = manifest_.find("listen")) check_listen(*listen);
  }

 private:
  void check_component(const YamlNode::Entry& entry) {
    const std::string where = below("components", entry.key);
    graph_[entry.key];
    check_digest(entry.value, where);
    if (const YamlNode* links = entry.value.find("links")) {
      for (const auto& contract : links->entries) {
        for (const auto& link : contract.value.entries) {
          check_link(entry.key, contract, link, below(where, "links"));
        }
      }
    }
    if (const YamlNode* watch = entry.value.find("watch")) check_watch(*watch, where);
    if (const YamlNode* list = entry.value.find("grants")) {
      contracts::Grants grants;
      std::size_t index = 0;
      for (const YamlNode& grant : list->list) {
        const std::string place = fmt::format("{}.grants[{}]", where, index++);
        if (grant.damaged) continue;
        if (auto added = grants.add(grant.text); !added) {
          sink_.report(grant.position, place, added.error());
        }
      }
    }
  }

  void check_watch(const YamlNode& watch, const std::string& where) {
    std::map<std::string_view, std::size_t> lines;
    std::size_t index = 0;
    for (const YamlNode& bucket : watch.list) {
      const std::string place = fmt::format("{}.watch[{}]", where, index++);
      if (bucket.damaged) continue;
      const auto [found, is_new] = lines.emplace(bucket.text, bucket.position.line);
      if (is_new) continue;
      sink_.report(
          bucket.position, place,
          fmt::format("the bucket '{}' is watched already", contracts::printable(bucket.text, 100)),
          fmt::format("the first time is in line {}", found->second));
    }
  }

  void check_digest(const YamlNode& component, const std::string& where) {
    const std::string_view image = text_of(component, "image");
    const YamlNode* digest = component.find("digest");
    const std::size_t at = image.starts_with('/') ? image.npos : image.find('@');
    if (!digest || at == image.npos || image.substr(at + 1) == digest->text) return;
    sink_.report(digest->position, below(where, "digest"), "the image names another digest",
                 "one of the two is enough");
  }

  void check_link(const std::string& component, const YamlNode::Entry& contract,
                  const YamlNode::Entry& link, const std::string& where) {
    if (link.value.damaged) return;
    const std::string_view url = link.value.text;
    const std::string_view scheme = url.substr(0, url.find(':'));
    const auto known = context_.schemes.find(contract.key);
    const bool to_component = scheme == "component";
    if (scheme == contracts::kPluginScheme) return;  // it meets whatever it says when it is opened
    if (known == context_.schemes.end()) {
      if (!to_component) return report_contract(contract, where);
    } else if (check_scheme(contract.key, known->second, link.value, where); !to_component) {
      return;
    }
    if (to_component && check_linked(link.value, url, below(where, contract.key))) {
      graph_[component].emplace(linked_component(url));
    }
  }

  void report_contract(const YamlNode::Entry& contract, const std::string& where) {
    std::vector<std::string_view> contracts;
    for (const auto& [name, schemes] : context_.schemes) contracts.push_back(name);
    const std::string_view package =
        std::string_view(contract.key).substr(0, contract.key.find('/'));
    std::string hint;
    if (std::ranges::find(contracts, package) != contracts.end()) {
      hint = fmt::format("the whole package is linked: write {}", package);
    } else if (const auto meant = contracts::nearest(contract.key, contracts)) {
      hint = fmt::format("did you mean {}?", *meant);
    } else {
      hint = fmt::format(
          "there are {}; a contract of your own is met by component:NAME "
          "or plugin:PATH",
          fmt::join(contracts, ", "));
    }
    sink_.report(contract.key_position, where,
                 fmt::format("there is no contract '{}'", contracts::printable(contract.key, 100)),
                 hint);
  }

  void check_scheme(const std::string& contract, const std::vector<std::string_view>& schemes,
                    const YamlNode& url, const std::string& where) {
    const auto parsed = contracts::parse_provider_url(url.text, schemes);
    if (!parsed) sink_.report(url.position, below(where, contract), parsed.error());
  }

  // Whether the component is there.
  bool check_linked(const YamlNode& node, std::string_view url, const std::string& where) {
    const std::string_view name = linked_component(url);
    if (std::ranges::find(names_, name) != names_.end()) return true;
    report_nobody(node.position, where, name);
    return false;
  }

  void report_nobody(Position position, const std::string& where, std::string_view name) {
    const auto meant = contracts::nearest(name, names_);
    constexpr std::size_t kFew = 10;
    std::string hint;
    if (meant) {
      hint = fmt::format("did you mean {}?", *meant);
    } else if (names_.size() <= kFew) {
      hint = fmt::format("there are {}", fmt::join(names_, ", "));
    }
    sink_.report(position, where,
                 fmt::format("there is no component '{}'", contracts::printable(name, 100)), hint);
  }

  void report_cycles() {
    for (auto& cycle : find_cycles(graph_)) {
      const YamlNode* first = components_->find(cycle.front());
      cycle.push_back(cycle.front());
      sink_.report(
          first->find("links")->position, below(below("components", cycle.front()), "links"),
          fmt::format("the links of these components are a cycle: {}", fmt::join(cycle, " -> ")),
          "a call would wait for itself");
    }
  }

  void check_to(const YamlNode& item, const std::string& where) {
    const YamlNode* to = item.find("to");
    if (to && std::ranges::find(names_, to->text) == names_.end()) {
      report_nobody(to->position, below(where, "to"), to->text);
    } else if (!to && !item.damaged && names_.size() > 1) {
      sink_.report(item.position, where, "'to' is missing: which component is it for?");
    }
  }

  void check_routes(const YamlNode& routes) {
    std::map<std::pair<std::string_view, std::string_view>, std::size_t> lines;
    std::size_t index = 0;
    for (const YamlNode& route : routes.list) {
      const std::string where = fmt::format("routes[{}]", index++);
      check_to(route, where);
      if (route.damaged) continue;
      const std::string_view host = text_of(route, "host"), path = text_of(route, "path");
      const auto [found, is_new] =
          lines.emplace(std::pair(host, path.empty() ? "/" : path), route.position.line);
      if (is_new) continue;
      sink_.report(route.position, where,
                   fmt::format("there are two routes for {}{}", host.empty() ? "any host, " : host,
                               found->first.second),
                   fmt::format("the first one is in line {}", found->second));
    }
  }

  void check_topics(const YamlNode& topics) {
    std::map<std::tuple<std::string_view, std::string_view, std::string_view>, std::size_t> lines;
    std::size_t index = 0;
    for (const YamlNode& topic : topics.list) {
      const std::string where = fmt::format("topics[{}]", index++);
      check_to(topic, where);
      if (const YamlNode* from = topic.find("from")) check_broker(*from, below(where, "from"));
      if (topic.damaged) continue;
      const auto [found, is_new] = lines.emplace(
          std::tuple(text_of(topic, "subject"), text_of(topic, "from"), text_of(topic, "to")),
          topic.position.line);
      if (is_new) continue;
      sink_.report(topic.position, where,
                   fmt::format("the component would handle {} twice", text_of(topic, "subject")),
                   fmt::format("the first time is in line {}", found->second));
    }
  }

  void check_listen(const YamlNode& listen) {
    std::map<std::string_view, std::size_t> lines;
    std::size_t index = 0;
    for (const YamlNode& one : listen.list) {
      const std::string where = fmt::format("listen[{}]", index++);
      check_to(one, where);
      if (one.damaged) continue;
      const std::string_view address = text_of(one, "telnet");
      const auto [found, is_new] = lines.emplace(address, one.position.line);
      if (is_new || address.ends_with(":0")) continue;
      sink_.report(one.position, where, fmt::format("there are two listeners at {}", address),
                   fmt::format("the first one is in line {}", found->second));
    }
  }

  void check_broker(const YamlNode& from, const std::string& where) {
    const auto known = context_.schemes.find(kMessaging);
    if (known == context_.schemes.end()) {
      sink_.report(from.position, where, "this program has no provider of wasmcloud:messaging");
      return;
    }
    check_scheme({}, known->second, from, where);
  }

  const YamlNode& manifest_;
  const YamlNode* components_ = nullptr;
  const ManifestContext& context_;
  DiagnosticSink& sink_;
  std::vector<std::string_view> names_;
  LinkGraph graph_;
};

}  // namespace

void check_rules(const YamlNode& manifest, const ManifestContext& context, DiagnosticSink& sink) {
  Rules(manifest, context, sink).check();
}

}  // namespace unbolt::control
