#include "unbolt/control/link_order.h"

#include <algorithm>
#include <utility>

#include "unbolt/contracts/provider_url.h"

namespace unbolt::control {
namespace {

// How many of those that a component is linked to have not come yet, and who waits for whom.
struct Waiting {
  explicit Waiting(const LinkGraph& graph) {
    for (const auto& [name, linked] : graph) {
      std::size_t& count = counts[name];
      for (const std::string& other : linked) {
        if (!graph.contains(other)) continue;
        ++count;
        waiting_for[other].push_back(name);
      }
    }
    for (const auto& [name, count] : counts) {
      if (count == 0) ready.insert(name);
    }
  }

  // The next one by name; its name leaves the counts.
  std::string take() {
    std::string name = *ready.begin();
    ready.erase(ready.begin());
    counts.erase(name);
    for (const std::string& other : waiting_for[name]) {
      if (--counts[other] == 0) ready.insert(other);
    }
    return name;
  }

  std::map<std::string, std::size_t> counts;
  std::map<std::string, std::vector<std::string>> waiting_for;
  std::set<std::string> ready;
};

}  // namespace

std::string_view linked_component(std::string_view url) {
  constexpr std::string_view kScheme = "component:";
  return url.starts_with(kScheme) ? url.substr(kScheme.size()) : std::string_view{};
}

LinkGraph link_graph(const std::map<std::string, ComponentState>& components) {
  LinkGraph graph;
  for (const auto& [name, component] : components) {
    auto& linked = graph[name];
    for (const auto& [key, url] : component.links) {
      if (const auto other = linked_component(url); !other.empty()) linked.emplace(other);
    }
  }
  return graph;
}

std::vector<std::string> linked_first(const LinkGraph& graph) {
  Waiting waiting(graph);
  std::vector<std::string> order;
  while (!waiting.ready.empty()) order.push_back(waiting.take());
  for (const auto& [name, count] : waiting.counts) order.push_back(name);
  return order;
}

std::vector<std::vector<std::string>> find_cycles(LinkGraph graph) {
  std::vector<std::vector<std::string>> cycles;
  while (true) {
    Waiting waiting(graph);
    while (!waiting.ready.empty()) graph.erase(waiting.take());
    if (graph.empty()) return cycles;
    // Whoever is left leads into a cycle: go on until somebody is met again.
    std::vector<std::string> way;
    std::set<std::string> met;
    std::string name = graph.begin()->first;
    while (met.insert(name).second) {
      way.push_back(name);
      const auto& linked = graph.at(name);
      name =
          *std::ranges::find_if(linked, [&](const auto& other) { return graph.contains(other); });
    }
    way.erase(way.begin(), std::ranges::find(way, name));
    std::ranges::rotate(way, std::ranges::min_element(way));
    for (const std::string& one : way) graph.erase(one);
    cycles.push_back(std::move(way));
  }
}

}  // namespace unbolt::control
