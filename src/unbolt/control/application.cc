#include "unbolt/control/application.h"

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <set>
#include <utility>

#include "unbolt/contracts/plugin_url.h"
#include "unbolt/contracts/text.h"
#include "unbolt/control/link_order.h"

namespace unbolt::control {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

constexpr std::chrono::seconds kQueueTime{120};
constexpr std::size_t kMostQueued = 64;

Calls calls_of(const std::string& revision, const host::Tally& tally) {
  return {revision, tally.begun(), tally.failed(), tally.in_flight()};
}

std::string short_digest(const std::string& digest) { return digest.substr(0, 7 + 12); }

std::string shown_url(const std::string& text) {
  const auto url = contracts::parse_provider_url(text);
  return url ? url->shown() : std::string("?");
}

}  // namespace

Application::Application(Executor loop, Parts parts)
    : loop_(loop),
      parts_(std::move(parts)),
      queue_(std::make_shared<host::ConcurrencyGate>(1, kMostQueued)) {}

microseconds Application::since(Clock::time_point begun) {
  return std::chrono::duration_cast<microseconds>(Clock::now() - begun);
}

milliseconds Application::patience_of(const Made& made) {
  return made.state.limits.time.value_or(milliseconds(30'000)) + milliseconds(2'000);
}

Task<Result<host::ConcurrencyGate::Pass>> Application::turn() {
  auto pass = co_await queue_->enter(Clock::now() + kQueueTime);
  if (!pass) {
    co_return fail(ErrorCode::Conflict, "other changes are under way, and this one has not begun");
  }
  co_return std::move(pass);
}

Result<Application::Running*> Application::find(const std::string& component) {
  const auto found = running_.find(component);
  if (found != running_.end()) return &found->second;
  std::vector<std::string_view> names;
  for (const auto& [name, of] : running_) names.push_back(name);
  const auto meant = contracts::nearest(component, names);
  return std::unexpected(
      Error{ErrorCode::NotFound,
            fmt::format("there is no component '{}'", contracts::printable(component, 80)),
            meant ? fmt::format("did you mean {}?", *meant) : "unbolt ps lists them"});
}

Task<Result<Made>> Application::make(std::string name, ComponentState state, const Made* like,
                                     const std::map<std::string, Made>& made) {
  Deployer::Components others;
  for (const auto& [other, running] : running_) others[other] = running.made.component;
  for (const auto& [other, fresh] : made) others[other] = fresh.component;
  co_return co_await parts_.blocking.run(
      [&] { return parts_.deployer.make(name, std::move(state), like, others); });
}

Task<Result<>> Application::check_callers(const std::string& component, const Made& next) {
  for (const auto& [name, running] : running_) {
    const bool calls = std::ranges::any_of(running.made.state.links, [&](const auto& link) {
      return linked_component(link.second) == component;
    });
    if (!calls || name == component) continue;
    std::map<std::string, Made> changed;
    changed[component].component = next.component;
    auto fits = co_await make(name, running.made.state, &running.made, changed);
    if (!fits) {
      co_return std::unexpected(std::move(fits).error().in(
          fmt::format("{} is linked to {}, and does not fit the new revision", name, component)));
    }
  }
  co_return Result<>();
}

Task<Result<>> Application::store() {
  KeptState kept{desired_, desired_.components};
  for (const auto& [name, running] : running_) {
    if (running.previous) kept.previous.insert_or_assign(name, *running.previous);
  }
  co_return co_await parts_.blocking.run([&] { return parts_.store(kept); });
}

Task<Result<>> Application::keep() {
  auto stored = co_await store();
  if (!stored) co_return stored;
  std::set<std::string> digests;
  for (const auto& [name, running] : running_) {
    digests.insert(running.made.state.digest);
    if (running.previous) digests.insert(running.previous->digest);
    if (running.canary) digests.insert(running.canary->made.state.digest);
  }
  co_return co_await parts_.blocking.run([&]() -> Result<> {
    parts_.revisions.prune(digests);
    return {};
  });
}

Task<bool> Application::wait_gone(std::shared_ptr<host::Tally> tally, milliseconds patience) {
  auto timer = std::make_shared<Timer>(loop_);
  timer->expires_after(patience);
  tally->when_gone([timer, loop = loop_] { asio::post(loop, [timer] { timer->cancel(); }); });
  if (!tally->is_gone()) {
    boost::system::error_code ignored;
    co_await timer->async_wait(asio::redirect_error(use_task, ignored));
  }
  co_return tally->is_gone();
}

Task<ChangeReport> Application::publish(std::string name, Made next, Clock::time_point begun) {
  ChangeReport report;
  report.component = name;
  report.ready = since(begun);
  Running& running = running_.at(name);
  auto deployment = std::exchange(next.deployment, nullptr);
  co_await parts_.data_plane.publish(running.target, std::move(deployment));
  report.serving = since(begun);
  std::erase_if(running.draining, [](const Made& old) { return old.tally->is_gone(); });
  if (running.canary) running.draining.push_back(std::move(running.canary->made));
  running.canary.reset();
  running.draining.push_back(std::exchange(running.made, std::move(next)));
  running.draining.back().watched.clear();  // which would keep its provider
  running.since = std::chrono::system_clock::now();
  desired_.components.insert_or_assign(name, running.made.state);
  co_return report;
}

Task<> Application::finish(ChangeReport& report, std::shared_ptr<host::Tally> old,
                           std::shared_ptr<host::Tally> now, milliseconds patience,
                           Clock::time_point begun) {
  report.is_drained = co_await wait_gone(old, patience);
  report.drained = since(begun);
  report.before = calls_of(report.before.revision, *old);
  report.after = calls_of(report.after.revision, *now);
}

Task<Result<ChangeReport>> Application::unchanged(std::string component, std::string words) {
  const Made& made = running_.at(component).made;
  ChangeReport report;
  report.component = std::move(component);
  report.change = std::move(words);
  report.before = report.after = calls_of(made.state.digest, *made.tally);
  co_return report;
}

Task<Result<ChangeReport>> Application::change(std::string component, ComponentState next,
                                               std::optional<unsigned> percent, std::string words,
                                               host::ConcurrencyGate::Pass turn,
                                               Clock::time_point begun) {
  Running& running = running_.at(component);
  auto made = co_await make(component, std::move(next), &running.made, {});
  if (!made) co_return std::unexpected(std::move(made).error());
  if (made->state.digest != running.made.state.digest) {
    if (auto fits = co_await check_callers(component, *made); !fits)
      co_return std::unexpected(std::move(fits).error());
  }
  Handlers handlers;
  for (const auto& [name, other] : running_) handlers[name] = &other.made;
  handlers[component] = &*made;
  for (const Route& route : routes_) {
    if (route.to != component || made->http) continue;
    co_return fail(ErrorCode::Conflict,
                   "{}: the route {}{} leads to it, and the new revision handles no HTTP",
                   component, route.host, route.path);
  }
  if (auto listeners = wanted_listeners(desired_.listen, handlers); !listeners)
    co_return std::unexpected(std::move(listeners).error());
  auto topics = wanted_topics(desired_.name, desired_.topics, handlers);
  if (!topics) co_return std::unexpected(std::move(topics).error());
  const auto watches = wanted_watches(handlers);
  if (!watches) co_return std::unexpected(watches.error());
  const auto old = running.made.tally;
  const auto now = made->tally;
  ChangeReport report;
  if (percent) {
    report.component = component;
    report.ready = since(begun);
    auto deployment = std::exchange(made->deployment, nullptr);
    co_await parts_.data_plane.publish_canary(running.target, std::move(deployment), *percent);
    report.serving = report.drained = since(begun);
    report.before = calls_of(running.made.state.digest, *old);
    report.after = calls_of(made->state.digest, *now);
    if (running.canary) running.draining.push_back(std::move(running.canary->made));
    running.canary = Running::Canary{std::move(*made), *percent};
  } else {
    const auto patience = patience_of(running.made);
    ComponentState previous = running.made.state;
    const std::string digest = made->state.digest;
    auto watching = co_await parts_.watches.prepare(*watches);
    if (!watching) co_return std::unexpected(std::move(watching).error());
    auto retired = co_await parts_.subscriptions.update(std::move(*topics));
    if (!retired) co_return std::unexpected(std::move(retired).error());
    report = co_await publish(component, std::move(*made), begun);
    report.before.revision = previous.digest;
    report.after.revision = digest;
    running.previous = std::move(previous);
    parts_.watches.begin(std::move(*watching));
    auto unwatched = parts_.watches.retire(*watches);
    auto kept = co_await keep();
    turn = {};
    // What the old one still publishes and writes goes where it always went, so these end last.
    co_await finish(report, old, now, patience, begun);
    co_await parts_.subscriptions.drain(std::move(*retired), patience);
    co_await parts_.watches.end(std::move(unwatched), patience);
    if (!kept) {
      co_return std::unexpected(std::move(kept).error().in(
          "the change is in service, but a restart would not know of it"));
    }
  }
  report.change = std::move(words);
  co_return report;
}

Task<Result<ChangeReport>> Application::swap_link(std::string component, LinkKey link,
                                                  std::string url, Carry carry) {
  const auto begun = Clock::now();
  auto pass = co_await turn();
  if (!pass) co_return std::unexpected(std::move(pass).error());
  auto found = find(component);
  if (!found) co_return std::unexpected(std::move(found).error());
  ComponentState next = (*found)->made.state;
  std::string& current = next.links[link];
  std::string words =
      fmt::format("{}{} {} -> {}", link.contract, link.name.empty() ? "" : " (" + link.name + ")",
                  current.empty() ? "nothing" : shown_url(current), shown_url(url));
  if (carry != Carry::Nothing) {
    if (link.contract != kKeyValue && link.contract != kBlobStore) {
      co_return fail(ErrorCode::Unsupported,
                     "--copy carries over what {} and {} hold, and nothing of {}", kKeyValue,
                     kBlobStore, link.contract);
    }
    if (current.empty()) {
      co_return fail(ErrorCode::NotFound,
                     "{}: nothing is linked there, so there is nothing to copy", component);
    }
  }
  // A plug-in's file may have been built anew.
  if (current == url && carry == Carry::Nothing && !(*found)->canary &&
      !contracts::leads_to_plugin(url)) {
    co_return co_await unchanged(
        std::move(component),
        fmt::format("nothing: {}{} leads to {} already", link.contract,
                    link.name.empty() ? "" : " (" + link.name + ")", shown_url(url)));
  }
  current = std::move(url);
  if (carry != Carry::Nothing) {
    co_return co_await carry_over(std::move(component), std::move(link), std::move(next), carry,
                                  std::move(words), std::move(*pass), begun);
  }
  co_return co_await change(std::move(component), std::move(next), std::nullopt, std::move(words),
                            std::move(*pass), begun);
}

Task<Result<ChangeReport>> Application::swap_revision(std::string component, std::string image,
                                                      std::string digest,
                                                      std::optional<unsigned> percent) {
  const auto begun = Clock::now();
  auto pass = co_await turn();
  if (!pass) co_return std::unexpected(std::move(pass).error());
  auto found = find(component);
  if (!found) co_return std::unexpected(std::move(found).error());
  ComponentState next = (*found)->made.state;
  next.image = std::move(image);
  next.digest = std::move(digest);
  std::map<std::string, ComponentState> alone{{component, next}};
  auto resolved = co_await parts_.blocking.run([&] { return parts_.deployer.resolve(alone); });
  if (!resolved) co_return std::unexpected(std::move(resolved).error());
  next = alone.at(component);
  if (next.digest == (*found)->made.state.digest && !(*found)->canary) {
    co_return co_await unchanged(
        std::move(component),
        fmt::format("nothing: revision {} serves already", short_digest(next.digest)));
  }
  std::string words = fmt::format("revision {} -> {}", short_digest((*found)->made.state.digest),
                                  short_digest(next.digest));
  if (percent) words += fmt::format(" for {} % of the calls", *percent);
  co_return co_await change(std::move(component), std::move(next), percent, std::move(words),
                            std::move(*pass), begun);
}

Task<Result<ChangeReport>> Application::roll_back(std::string component, Carry carry) {
  const auto begun = Clock::now();
  auto pass = co_await turn();
  if (!pass) co_return std::unexpected(std::move(pass).error());
  auto found = find(component);
  if (!found) co_return std::unexpected(std::move(found).error());
  Running& running = **found;
  if (running.canary) {
    ChangeReport report;
    report.component = component;
    report.change = "the canary ends";
    report.ready = since(begun);
    const auto tally = running.canary->made.tally;
    const std::string digest = running.canary->made.state.digest;
    co_await parts_.data_plane.end_canary(running.target);
    report.serving = since(begun);
    running.draining.push_back(std::move(running.canary->made));
    running.canary.reset();
    report.before.revision = digest;
    report.after.revision = running.made.state.digest;
    const auto now = running.made.tally;
    const auto patience = patience_of(running.made);
    *pass = {};
    co_await finish(report, tally, now, patience, begun);
    co_return report;
  }
  if (!running.previous) {
    co_return std::unexpected(
        Error{ErrorCode::NotFound,
              component + ": there is nothing to go back to: it has not been changed",
              "unbolt swap puts any revision or provider into service"});
  }
  ComponentState next = *running.previous;
  const ComponentState& now = running.made.state;
  std::string words = "back";
  std::vector<LinkKey> changed;
  for (const auto& [key, url] : next.links) {
    const auto found_now = now.links.find(key);
    if (found_now != now.links.end() && found_now->second == url) continue;
    words = fmt::format("back to {} {}", key.contract, shown_url(url));
    changed.push_back(key);
  }
  if (next.digest != now.digest)
    words = fmt::format("back to revision {}", short_digest(next.digest));
  if (carry == Carry::Nothing) {
    co_return co_await change(std::move(component), std::move(next), std::nullopt, std::move(words),
                              std::move(*pass), begun);
  }
  // The data of one store, where nothing else goes back with it.
  ComponentState alone = now;
  if (changed.size() == 1) alone.links[changed.front()] = next.links.at(changed.front());
  const bool carries =
      changed.size() == 1 && now.links.contains(changed.front()) &&
      (changed.front().contract == kKeyValue || changed.front().contract == kBlobStore);
  if (!carries || alone != next) {
    co_return fail(ErrorCode::Unsupported,
                   "{}: the last change was not that of a store, so there is nothing to copy",
                   component);
  }
  co_return co_await carry_over(std::move(component), changed.front(), std::move(next), carry,
                                std::move(words), std::move(*pass), begun);
}

std::vector<ComponentStatus> Application::status() const {
  std::vector<ComponentStatus> all;
  for (const auto& [name, running] : running_) {
    ComponentStatus status;
    status.name = name;
    status.state = running.made.state;
    status.since = running.since;
    status.calls = calls_of(running.made.state.digest, *running.made.tally);
    if (running.canary) {
      const Made& canary = running.canary->made;
      status.canary = ComponentStatus::Canary{running.canary->percent, canary.state,
                                              calls_of(canary.state.digest, *canary.tally)};
    }
    for (const Made& old : running.draining) {
      if (!old.tally->is_gone()) status.draining.push_back(calls_of(old.state.digest, *old.tally));
    }
    status.can_roll_back = running.previous || running.canary;
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace unbolt::control
