#include "unbolt/control/subscriptions.h"

#include <algorithm>
#include <utility>

namespace unbolt::control {

class Subscriptions::Retired {
 public:
  std::vector<Active> left;
};

Task<Result<Subscriptions::Active>> Subscriptions::subscribe(WantedTopic wanted) {
  const auto named = [&](Error error) {
    return std::unexpected(
        std::move(error).in(fmt::format("topic {} to {}", wanted.subject, wanted.component)));
  };
  auto url = contracts::parse_provider_url(wanted.url);
  if (!url) co_return named(std::move(url).error());
  contracts::Links links;
  auto linked = co_await blocking_.run(
      [&] { return providers_.link(links, "wasmcloud:messaging", {}, *url); });
  if (!linked) co_return named(std::move(linked).error());

  Active active{std::move(wanted), links.messaging.find({}), nullptr};
  // Each message goes to a loop of its own turn, to whichever deployment serves then.
  const contracts::Receiver receiver =
      [&data_plane = data_plane_, target = active.wanted.target](contracts::Delivery delivery) {
        data_plane.post(target, [delivery = std::move(delivery)](host::Target& component) mutable {
          component.receive(std::move(delivery));
        });
      };
  contracts::SubscribeOptions options;
  options.subject = active.wanted.subject;
  options.in_flight = active.wanted.in_flight;
  // What the broker can keep, it keeps; where it keeps nothing, hosts of one application share.
  options.durable = active.wanted.group;
  auto subscribed = co_await active.provider->subscribe(options, receiver).wait();
  if (!subscribed && subscribed.error().code == ErrorCode::Unsupported) {
    options.durable.reset();
    options.group = active.wanted.group;
    subscribed = co_await active.provider->subscribe(options, receiver).wait();
  }
  if (!subscribed) {
    wanted = active.wanted;
    co_return named(std::move(subscribed).error());
  }
  active.subscription = std::move(*subscribed);
  co_return active;
}

Task<Result<std::shared_ptr<Subscriptions::Retired>>> Subscriptions::update(
    std::vector<WantedTopic> wanted) {
  std::vector<Active> fresh;
  for (const WantedTopic& topic : wanted) {
    if (std::ranges::find(active_, topic, &Active::wanted) != active_.end()) continue;
    auto subscribed = co_await subscribe(topic);
    if (!subscribed) co_return std::unexpected(std::move(subscribed).error());
    fresh.push_back(std::move(*subscribed));
  }
  auto retired = std::make_shared<Retired>();
  std::vector<Active> active;
  for (Active& each : active_) {
    const bool stays = std::ranges::find(wanted, each.wanted) != wanted.end();
    (stays ? active : retired->left).push_back(std::move(each));
  }
  for (Active& each : fresh) active.push_back(std::move(each));
  active_ = std::move(active);
  co_return retired;
}

std::vector<WantedTopic> Subscriptions::wanted() const {
  std::vector<WantedTopic> all;
  for (const Active& each : active_) all.push_back(each.wanted);
  return all;
}

Task<> Subscriptions::drain(std::shared_ptr<Retired> retired, std::chrono::milliseconds patience) {
  for (Active& each : retired->left) {
    auto drained = co_await each.subscription->drain(patience);
    if (!drained) {
      log_.line(LogLevel::Warn, each.wanted.component, "topic {}: {}", each.wanted.subject,
                drained.error().message);
    }
  }
  retired->left.clear();
}

}  // namespace unbolt::control
