#include "unbolt/control/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "unbolt/contracts/text.h"
#include "unbolt/control/link_order.h"
#include "unbolt/control/shown.h"
#include "unbolt/control/values.h"

namespace unbolt::control {
namespace {

using Kind = Step::Kind;
using Texts = std::map<std::string, std::string>;

std::string plain(const std::string& text) { return shown_text(text); }

// What is in one of the two maps or differs; `section` stands in front of the names.
std::vector<Change> differences(std::string_view section, const Texts& desired, const Texts& actual,
                                std::string (*show)(const std::string&)) {
  std::vector<Change> changes;
  Texts names = desired;
  names.insert(actual.begin(), actual.end());
  for (const auto& [name, value] : names) {
    const auto to = desired.find(name), from = actual.find(name);
    Change change{.what = fmt::format("{} {}", section, contracts::printable(name, 100))};
    if (from != actual.end()) change.from = show(from->second);
    if (to != desired.end()) change.to = show(to->second);
    if (from != actual.end() && to != desired.end()) {
      if (from->second == to->second) continue;
      // They differ in what is not shown.
      if (change.from == change.to) change.to += " (another)";
    }
    changes.push_back(std::move(change));
  }
  return changes;
}

// The same for links, whose keys go along.
void add_link_changes(const ComponentState& desired, const ComponentState& actual, Step& step) {
  std::map<LinkKey, std::string> keys = desired.links;
  keys.insert(actual.links.begin(), actual.links.end());
  for (const auto& [key, url] : keys) {
    Texts to, from;
    const std::string name = key.name.empty() ? key.contract : key.contract + " " + key.name;
    if (const auto found = desired.links.find(key); found != desired.links.end())
      to.emplace(name, found->second);
    if (const auto found = actual.links.find(key); found != actual.links.end())
      from.emplace(name, found->second);
    for (Change& change : differences("link", to, from, shown_url)) {
      step.changes.push_back(std::move(change));
      step.links.push_back(key);
    }
  }
}

// Of lists whose order means nothing.
std::vector<Change> list_changes(std::string_view what, std::vector<std::string> desired,
                                 std::vector<std::string> actual) {
  std::ranges::sort(desired);
  std::ranges::sort(actual);
  std::vector<std::string> gone, added;
  std::ranges::set_difference(actual, desired, std::back_inserter(gone));
  std::ranges::set_difference(desired, actual, std::back_inserter(added));
  std::vector<Change> changes;
  for (const auto& text : gone)
    changes.push_back({.what = std::string(what), .from = shown_text(text)});
  for (const auto& text : added)
    changes.push_back({.what = std::string(what), .to = shown_text(text)});
  return changes;
}

Texts limit_texts(const ComponentLimits& limits) {
  Texts texts;
  if (limits.memory_bytes) texts["memory"] = size_text(*limits.memory_bytes);
  if (limits.time) texts["time"] = duration_text(*limits.time);
  if (limits.instances) texts["instances"] = fmt::to_string(*limits.instances);
  if (limits.concurrency) texts["concurrency"] = fmt::to_string(*limits.concurrency);
  if (limits.reuse != 1) texts["isolation"] = reuse_text(limits.reuse);
  return texts;
}

std::vector<Change> revision_changes(const ComponentState& desired, const ComponentState& actual) {
  std::vector<Change> changes;
  auto differ = [&](std::string_view what, const std::string& from, const std::string& to) {
    if (from == to || to.empty()) return;
    changes.push_back(
        {std::string(what), contracts::printable(from, 500), contracts::printable(to, 500)});
  };
  differ("image", actual.image, desired.image);
  differ("digest", actual.digest, desired.digest);
  return changes;
}

class Planner {
 public:
  Planner(const DesiredState& desired, const DesiredState& actual)
      : desired_(desired), actual_(actual) {}

  Plan make() && {
    if (!actual_.name.empty() && actual_.name != desired_.name) {
      Step& step = add(Kind::Rename, {});
      step.changes.push_back({"name", actual_.name, desired_.name});
    }
    for (const auto& name : linked_first(link_graph(desired_.components))) plan_component(name);
    plan_routes();
    plan_topics();
    plan_listeners();
    remove_what_is_not_desired();
    return std::move(plan_);
  }

 private:
  Step& add(Kind kind, std::string component) {
    plan_.steps.push_back({.kind = kind, .component = std::move(component)});
    return plan_.steps.back();
  }

  void plan_component(const std::string& name) {
    const ComponentState& desired = desired_.components.at(name);
    const auto found = actual_.components.find(name);
    const bool is_new = found == actual_.components.end();
    const ComponentState& actual = is_new ? kNothing : found->second;
    // Of a new one everything is one step.
    if (is_new) add(Kind::AddComponent, name);
    auto differ = [&](Kind kind, std::vector<Change> changes) {
      if (changes.empty()) return;
      Step& step = is_new ? plan_.steps.back() : add(kind, name);
      step.changes.insert(step.changes.end(), std::move_iterator(changes.begin()),
                          std::move_iterator(changes.end()));
    };
    differ(Kind::ChangeRevision, revision_changes(desired, actual));
    Step links;
    add_link_changes(desired, actual, links);
    const bool any_link = !links.changes.empty();
    differ(Kind::ChangeLinks, std::move(links.changes));
    if (any_link && !is_new) plan_.steps.back().links = std::move(links.links);
    differ(Kind::ChangeConfig, differences("config", desired.config, actual.config, plain));
    differ(Kind::ChangeSecrets,
           differences("secret", desired.secrets, actual.secrets, shown_secret));
    differ(Kind::ChangeWatch, list_changes("watch", desired.watch, actual.watch));
    differ(Kind::ChangeGrants, list_changes("grant", desired.grants, actual.grants));
    differ(Kind::ChangeLimits,
           differences("limit", limit_texts(desired.limits), limit_texts(actual.limits), plain));
  }

  template <class T>
  static std::map<std::string, const T*> by_place(const std::vector<T>& all) {
    std::map<std::string, const T*> places;
    for (const T& one : all) places.emplace(place_of(one), &one);
    return places;
  }
  static std::string place_of(const Route& route) { return route.host + "\n" + route.path; }
  static std::string place_of(const Topic& topic) {
    return topic.subject + "\n" + topic.from + "\n" + topic.to;
  }

  static std::string place_of(const Listen& listen) { return listen.telnet; }

  void plan_listeners() {
    const auto before = by_place(actual_.listen);
    for (const Listen& listen : desired_.listen) {
      const auto found = before.find(place_of(listen));
      if (found == before.end()) {
        add(Kind::AddListener, listen.to).listen = listen;
      } else if (*found->second != listen) {
        Step& step = add(Kind::ChangeListener, listen.to);
        step.listen = listen;
        const Listen& old = *found->second;
        const auto differ = [&](std::string_view what, std::string from, std::string to) {
          if (from != to) step.changes.push_back({std::string(what), from, to});
        };
        differ("to", old.to, listen.to);
        differ("idle", duration_text(old.idle), duration_text(listen.idle));
        differ("stalled", duration_text(old.stalled), duration_text(listen.stalled));
        differ("sessions", fmt::to_string(old.sessions), fmt::to_string(listen.sessions));
      }
    }
  }

  void plan_routes() {
    const auto before = by_place(actual_.routes);
    for (const Route& route : desired_.routes) {
      const auto found = before.find(place_of(route));
      if (found == before.end()) {
        add(Kind::AddRoute, route.to).route = route;
      } else if (found->second->to != route.to) {
        Step& step = add(Kind::ChangeRoute, route.to);
        step.route = route;
        step.changes.push_back({"to", found->second->to, route.to});
      }
    }
  }

  void plan_topics() {
    const auto before = by_place(actual_.topics);
    for (const Topic& topic : desired_.topics) {
      const auto found = before.find(place_of(topic));
      if (found == before.end()) {
        add(Kind::AddTopic, topic.to).topic = topic;
      } else if (found->second->group != topic.group) {
        Step& step = add(Kind::ChangeTopic, topic.to);
        step.topic = topic;
        step.changes.push_back({"group", found->second->group, topic.group});
      }
    }
  }

  void remove_what_is_not_desired() {
    const auto listeners = by_place(desired_.listen);
    for (const Listen& listen : actual_.listen) {
      if (!listeners.contains(place_of(listen)))
        add(Kind::RemoveListener, listen.to).listen = listen;
    }
    const auto topics = by_place(desired_.topics);
    for (const Topic& topic : actual_.topics) {
      if (!topics.contains(place_of(topic))) add(Kind::RemoveTopic, topic.to).topic = topic;
    }
    const auto routes = by_place(desired_.routes);
    for (const Route& route : actual_.routes) {
      if (!routes.contains(place_of(route))) add(Kind::RemoveRoute, route.to).route = route;
    }
    auto order = linked_first(link_graph(actual_.components));
    std::ranges::reverse(order);
    for (const auto& name : order) {
      if (!desired_.components.contains(name)) add(Kind::RemoveComponent, name);
    }
  }

  static inline const ComponentState kNothing;
  const DesiredState& desired_;
  const DesiredState& actual_;
  Plan plan_;
};

}  // namespace

Plan make_plan(const DesiredState& desired, const DesiredState& actual) {
  return Planner(desired, actual).make();
}

}  // namespace unbolt::control
