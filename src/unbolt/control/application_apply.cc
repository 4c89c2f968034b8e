// A whole new state of an application.
#include <algorithm>
#include <utility>

#include "unbolt/contracts/text.h"
#include "unbolt/control/application.h"
#include "unbolt/control/link_order.h"

namespace unbolt::control {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds kDrainTime{30};
constexpr std::size_t kInFlight = 64;  // messages of one topic at a time

}  // namespace

Task<Result<DesiredState>> Application::resolve(DesiredState desired) {
  co_return co_await parts_.blocking.run([&]() -> Result<DesiredState> {
    UNBOLT_TRY(parts_.deployer.resolve(desired.components));
    return std::move(desired);
  });
}

Result<std::vector<Route>> Application::effective_routes(const DesiredState& desired,
                                                         const Handlers& components) const {
  std::vector<Route> routes = desired.routes;
  for (const Route& route : routes) {
    if (components.at(route.to)->http) continue;
    return std::unexpected(Error{ErrorCode::Conflict,
                                 fmt::format("the route {}{} leads to {}, which handles no HTTP",
                                             route.host, route.path, route.to),
                                 "it would have to export wasi:http/incoming-handler@0.2"});
  }
  if (!routes.empty()) return routes;
  for (const auto& [name, made] : components) {
    if (made->http) routes.push_back({"", "/", name});
  }
  // With several, nobody can know which of them is meant.
  if (routes.size() > 1) routes.clear();
  return routes;
}

Result<std::vector<WantedTopic>> Application::wanted_topics(const std::string& application,
                                                            const std::vector<Topic>& topics,
                                                            const Handlers& components) const {
  std::vector<WantedTopic> wanted;
  for (const Topic& topic : topics) {
    const Made& made = *components.at(topic.to);
    if (!made.messages) {
      return std::unexpected(
          Error{ErrorCode::Conflict,
                fmt::format("the topic {} leads to {}, which handles no messages", topic.subject,
                            topic.to),
                "it would have to export wasmcloud:messaging/handler@0.2"});
    }
    WantedTopic one{topic.subject, topic.group, topic.from, topic.to, {}, kInFlight};
    if (one.group.empty()) one.group = application + "-" + topic.to;
    if (one.url.empty()) {
      const auto link = made.state.links.find({"wasmcloud:messaging", ""});
      if (link == made.state.links.end()) {
        return std::unexpected(Error{
            ErrorCode::NotFound,
            fmt::format("nothing says where the topic {} comes from", topic.subject),
            fmt::format("write from: URL beside it, or link {} to wasmcloud:messaging", topic.to)});
      }
      one.url = link->second;
    }
    if (made.state.limits.concurrency) one.in_flight = *made.state.limits.concurrency;
    if (const auto running = running_.find(topic.to); running != running_.end())
      one.target = running->second.target;
    wanted.push_back(std::move(one));
  }
  return wanted;
}

Result<std::vector<WantedListener>> Application::wanted_listeners(
    const std::vector<Listen>& listen, const Handlers& components) const {
  std::vector<WantedListener> wanted;
  for (const Listen& one : listen) {
    if (!components.at(one.to)->telnet) {
      return std::unexpected(
          Error{ErrorCode::Conflict,
                fmt::format("telnet {} leads to {}, which answers no telnet", one.telnet, one.to),
                "it would have to export unbolt:telnet/handler@0.1.0"});
    }
    const auto running = running_.find(one.to);
    wanted.push_back({one, running == running_.end() ? host::TargetId{} : running->second.target});
  }
  return wanted;
}

Task<Result<>> Application::publish_routes(const std::vector<Route>& routes) {
  std::vector<host::Route> table;
  for (const Route& route : routes)
    table.push_back({route.host, route.path, running_.at(route.to).target});
  auto made = host::RouteTable::make(table);
  if (!made) co_return std::unexpected(std::move(made).error());
  co_await parts_.data_plane.route(std::move(*made));
  routes_ = routes;
  co_return Result<>();
}

Result<std::vector<WantedWatch>> Application::wanted_watches(const Handlers& components) const {
  std::vector<WantedWatch> wanted;
  for (const auto& [name, made] : components) {
    if (!made->state.watch.empty() && !made->watcher) {
      return std::unexpected(
          Error{ErrorCode::Conflict,
                fmt::format("{} watches the bucket '{}', and has no watcher", name,
                            contracts::printable(made->state.watch.front(), 100)),
                "it would have to export wasi:keyvalue/watcher@0.2.0-draft"});
    }
    for (const auto& [bucket, store] : made->watched) {
      if (!store) {
        return fail(ErrorCode::NotFound,
                    "{} watches the bucket '{}', and no link of wasi:keyvalue leads there", name,
                    contracts::printable(bucket, 100));
      }
      const auto running = running_.find(name);
      wanted.push_back({bucket, name, store,
                        running == running_.end() ? host::TargetId{} : running->second.target});
    }
  }
  return wanted;
}

Task<Result<>> Application::watch_again(milliseconds patience) {
  Handlers handlers;
  for (const auto& [name, running] : running_) handlers[name] = &running.made;
  const auto wanted = wanted_watches(handlers);
  if (!wanted) co_return std::unexpected(wanted.error());
  auto prepared = co_await parts_.watches.prepare(*wanted);
  if (!prepared) co_return std::unexpected(std::move(prepared).error());
  // What the old ones have seen is told first: a key's changes stay in their order.
  co_await parts_.watches.end(parts_.watches.retire(*wanted), patience);
  parts_.watches.begin(std::move(*prepared));
  co_return Result<>();
}

// Everything new; what others are linked to before those.
Task<Result<Application::Prepared>> Application::prepare(const DesiredState& desired) {
  Prepared prepared;
  prepared.order = linked_first(link_graph(desired.components));
  auto& [order, fresh, handlers, routes] = prepared;
  for (const std::string& name : order) {
    const ComponentState& state = desired.components.at(name);
    const auto running = running_.find(name);
    const Made* like = running == running_.end() ? nullptr : &running->second.made;
    // A new revision of what it is linked to has to fit.
    const bool callee_changed = std::ranges::any_of(state.links, [&](const auto& link) {
      const auto other = fresh.find(std::string(linked_component(link.second)));
      return other != fresh.end() && running_.contains(other->first) &&
             running_.at(other->first).made.state.digest != other->second.state.digest;
    });
    if (like && like->state == state && !running->second.canary && !callee_changed) {
      handlers[name] = like;
      continue;
    }
    auto made = co_await make(name, state, like, fresh);
    if (!made) co_return std::unexpected(std::move(made).error());
    handlers[name] = &fresh.emplace(name, std::move(*made)).first->second;
  }
  auto effective = effective_routes(desired, handlers);
  if (!effective) co_return std::unexpected(std::move(effective).error());
  routes = std::move(*effective);
  if (auto topics = wanted_topics(desired.name, desired.topics, handlers); !topics)
    co_return std::unexpected(std::move(topics).error());
  if (auto listeners = wanted_listeners(desired.listen, handlers); !listeners)
    co_return std::unexpected(std::move(listeners).error());
  if (auto watches = wanted_watches(handlers); !watches)
    co_return std::unexpected(std::move(watches).error());
  co_return prepared;
}

Task<Result<>> Application::check(DesiredState desired) {
  auto pass = co_await turn();
  if (!pass) co_return std::unexpected(std::move(pass).error());
  if (auto prepared = co_await prepare(desired); !prepared)
    co_return std::unexpected(std::move(prepared).error());
  co_return Result<>();
}

Task<Result<std::vector<ChangeReport>>> Application::apply(
    DesiredState desired, std::map<std::string, ComponentState> kept_previous) {
  const auto begun = Clock::now();
  auto pass = co_await turn();
  if (!pass) co_return std::unexpected(std::move(pass).error());
  auto prepared = co_await prepare(desired);
  if (!prepared) co_return std::unexpected(std::move(prepared).error());
  auto& [order, fresh, handlers, routes] = *prepared;

  // It serves: what is new first, to which nothing leads yet.
  struct Old {
    ChangeReport report;
    std::shared_ptr<host::Tally> before, after;
    milliseconds patience;
  };
  std::vector<Old> changed;
  std::vector<std::string> added;
  for (const std::string& name : order) {
    if (running_.contains(name)) continue;
    Made& made = fresh.at(name);
    const auto target = co_await parts_.data_plane.add(name);
    ChangeReport report;
    report.component = name;
    report.change = "new";
    report.after.revision = made.state.digest;
    report.ready = since(begun);
    const auto tally = made.tally;
    auto deployment = std::exchange(made.deployment, nullptr);
    const auto& running = running_.emplace(name, Running{target,
                                                         std::move(made),
                                                         std::chrono::system_clock::now(),
                                                         std::nullopt,
                                                         std::nullopt,
                                                         {}});
    if (auto kept = kept_previous.extract(name);
        kept && kept.mapped() != running.first->second.made.state) {
      running.first->second.previous = std::move(kept.mapped());
    }
    handlers[name] = &running.first->second.made;
    added.push_back(name);
    co_await parts_.data_plane.publish(target, std::move(deployment));
    report.serving = since(begun);
    changed.push_back({std::move(report), nullptr, tally, milliseconds(0)});
  }
  // Subscriptions and watches next; now that the targets are known, they can be asked for.
  const auto watches = wanted_watches(handlers);
  auto watching = co_await parts_.watches.prepare(*watches);
  Result<std::shared_ptr<Subscriptions::Retired>> retired;
  const auto listeners = wanted_listeners(desired.listen, handlers);
  auto listening = parts_.listeners.prepare(*listeners);
  if (!listening) {
    retired = std::unexpected(std::move(listening).error());
  } else if (watching) {
    auto topics = wanted_topics(desired.name, desired.topics, handlers);
    retired = co_await parts_.subscriptions.update(std::move(*topics));
  } else {
    retired = std::unexpected(std::move(watching).error());
  }
  if (!retired) {
    for (const std::string& name : added) {
      co_await parts_.data_plane.remove(running_.at(name).target);
      running_.erase(name);
    }
    co_return std::unexpected(std::move(retired).error());
  }
  desired_.name = desired.name;
  for (const std::string& name : added)
    desired_.components.insert_or_assign(name, running_.at(name).made.state);
  for (auto& [name, made] : fresh) {
    if (std::ranges::find(added, name) != added.end()) continue;
    Running& running = running_.at(name);
    const auto before = running.made.tally, after = made.tally;
    const std::string digest = made.state.digest;
    const auto patience = patience_of(running.made);
    ComponentState previous = running.made.state;
    ChangeReport report = co_await publish(name, std::move(made), begun);
    report.change = "changed";
    report.before.revision = previous.digest;
    report.after.revision = digest;
    running.previous = std::move(previous);
    changed.push_back({std::move(report), before, after, patience});
  }
  parts_.watches.begin(std::move(*watching));
  auto unwatched = parts_.watches.retire(*watches);
  if (auto routed = co_await publish_routes(routes); !routed)
    co_return std::unexpected(std::move(routed).error());
  parts_.listeners.begin(*listeners, std::move(*listening));
  // What is wanted no more goes when no route leads to it.
  for (auto running = running_.begin(); running != running_.end();) {
    if (desired.components.contains(running->first)) {
      ++running;
      continue;
    }
    ChangeReport report;
    report.component = running->first;
    report.change = "removed";
    report.ready = since(begun);
    co_await parts_.data_plane.remove(running->second.target);
    report.serving = since(begun);
    report.before.revision = running->second.made.state.digest;
    changed.push_back({std::move(report), running->second.made.tally, nullptr,
                       patience_of(running->second.made)});
    desired_.components.erase(running->first);
    running = running_.erase(running);
  }
  desired_.routes = std::move(desired.routes);
  desired_.topics = std::move(desired.topics);
  desired_.listen = std::move(desired.listen);
  auto kept = co_await keep();
  *pass = {};

  std::vector<ChangeReport> reports;
  for (Old& old : changed) {
    if (old.before) {
      const auto after = old.after ? old.after : std::make_shared<host::Tally>(0);
      co_await finish(old.report, old.before, after, old.patience, begun);
    } else {
      old.report.drained = old.report.serving;
    }
    reports.push_back(std::move(old.report));
  }
  co_await parts_.subscriptions.drain(std::move(*retired), kDrainTime);
  co_await parts_.watches.end(std::move(unwatched), kDrainTime);
  if (!kept) {
    co_return std::unexpected(std::move(kept).error().in(
        "the changes are in service, but a restart would not know of them"));
  }
  co_return reports;
}

}  // namespace unbolt::control
