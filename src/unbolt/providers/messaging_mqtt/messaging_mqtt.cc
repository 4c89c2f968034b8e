#include "unbolt/providers/messaging_mqtt/messaging_mqtt.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <future>
#include <utility>

#include "unbolt/base/suspend.h"
#include "unbolt/contracts/text.h"
#include "unbolt/providers/messaging_mqtt/broker.h"
#include "unbolt/providers/messaging_mqtt/names.h"
#include "unbolt/providers/messaging_mqtt/subscriber.h"
#include "unbolt/providers/messaging_mqtt/topics.h"

namespace unbolt::providers {
namespace {

using contracts::Message;
using contracts::MessageView;
using contracts::Messaging;
using contracts::Subscription;
using mqtt_messaging::Broker;
using mqtt_messaging::BrokerOptions;
using mqtt_messaging::Member;
using mqtt_messaging::Subscriber;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

Result<mqtt::Publish> to_packet(const MessageView& message, std::uint8_t qos) {
  UNBOLT_ASSIGN(auto to, mqtt_messaging::reply_to_of(message.subject));
  mqtt::Publish packet{.topic = std::move(to.topic),
                       .payload = to_bytes(message.body),
                       .qos = qos,
                       .correlation = std::move(to.correlation)};
  if (message.reply_to) {
    UNBOLT_ASSIGN(auto from, mqtt_messaging::reply_to_of(*message.reply_to));
    packet.response_topic = std::move(from.topic);
    if (!from.correlation.empty()) packet.correlation = std::move(from.correlation);
  }
  return packet;
}

// Runs `work` on the broker's loop, and resumes the caller on its own.
template <class Work>
Task<> on_loop(Broker& broker, Work work) {
  co_await suspend([&](Resume resume) {
    asio::post(broker.loop(), [&work, resume = std::move(resume)]() mutable {
      work();
      resume();
    });
  });
}

class MqttSubscription final : public Subscription {
 public:
  MqttSubscription(std::shared_ptr<Broker> broker, std::shared_ptr<Subscriber> subscriber,
                   std::shared_ptr<Member> member)
      : broker_(std::move(broker)),
        subscriber_(std::move(subscriber)),
        member_(std::move(member)) {}
  ~MqttSubscription() override {
    // What waits in the window is not this subscription's any more.
    member_->left = true;
    member_->window->close();
    auto& loop = broker_->loop();
    auto left = std::make_shared<std::promise<void>>();
    const auto has_left = left->get_future();
    asio::post(loop,
               [subscriber = std::move(subscriber_), member = std::move(member_), left]() mutable {
                 subscriber->remove(member);
                 member.reset();
                 subscriber.reset();
                 left->set_value();
               });
    // The broker is let go by this thread, and not by its own, after all that it needs.
    if (!loop.get_executor().running_in_this_thread()) has_left.wait_for(std::chrono::seconds(1));
  }

  Task<Result<>> drain(milliseconds timeout) override {
    const auto deadline = Clock::now() + timeout;
    const auto broker = broker_;
    const auto subscriber = subscriber_;
    const auto member = member_;
    const auto& window = member->window;
    // The broker's answers are not waited for longer than those to other operations.
    const auto patience = [&] { return std::min(deadline, broker->deadline()); };
    auto stopped = std::make_shared<Wakeup>();
    co_await on_loop(*broker, [&] { subscriber->leave(member, stopped); });
    (void)co_await stopped->wait_until(patience());
    while (true) {
      if (!window->idle()) {
        if (co_await window->idle_again()->wait_until(deadline)) continue;
        const auto left = window->left();
        member->left = true;
        window->close();
        co_return fail(ErrorCode::Timeout, "{} messages were not handled within {} ms", left,
                       timeout.count());
      }
      auto settled = std::make_shared<Wakeup>();
      co_await on_loop(*broker, [&] { subscriber->settle(settled); });
      (void)co_await settled->wait_until(patience());
      if (window->idle()) break;
    }
    window->close();
    co_await on_loop(*broker, [&] { subscriber->remove(member); });
    co_return Result<>();
  }

  contracts::SubscriptionCounts counts() const override { return counted_->counts(); }

 private:
  const std::shared_ptr<Broker> broker_;
  std::shared_ptr<Subscriber> subscriber_;
  std::shared_ptr<Member> member_;
  const std::shared_ptr<contracts::DeliveryWindow> counted_ = member_->window;
};

class MessagingMqtt final : public Messaging {
 public:
  explicit MessagingMqtt(std::shared_ptr<Broker> broker) : broker_(std::move(broker)) {}

  Reply<Result<>> publish(const MessageView& message) override {
    if (auto ok = contracts::check_message(message); !ok) return ok;
    auto packet = to_packet(message, broker_->options().publisher.qos);
    if (!packet) return Result<>(std::unexpected(std::move(packet).error()));
    return send(broker_, std::move(*packet));
  }

  Reply<Result<Message>> request(std::string_view subject, ByteView body,
                                 milliseconds timeout) override {
    if (auto ok = contracts::check_request(subject, body); !ok)
      return std::unexpected(std::move(ok.error()));
    auto packet = to_packet({subject, body, {}}, 1);
    if (!packet) return Result<Message>(std::unexpected(std::move(packet).error()));
    return ask(broker_, std::string(subject), std::move(*packet),
               std::clamp(timeout, milliseconds(0), contracts::MessagingLimits::kTimeout));
  }

  Reply<Result<std::unique_ptr<Subscription>>> subscribe(contracts::SubscribeOptions options,
                                                         contracts::Receiver receiver) override {
    using Answer = Result<std::unique_ptr<Subscription>>;
    if (auto ok = contracts::check_subscribe(options); !ok)
      return Answer(std::unexpected(std::move(ok.error())));
    auto filter = mqtt_messaging::filter_of(options.subject);
    if (!filter) return Answer(std::unexpected(std::move(filter).error()));
    if (options.durable && broker_->options().publisher.qos == 0) {
      return Answer(std::unexpected(
          Error{ErrorCode::Unsupported,
                fmt::format("the durable name '{}': with qos=0 the broker keeps nothing",
                            *options.durable),
                "leave qos=0 away"}));
    }
    return join(broker_, std::move(options), std::move(*filter), std::move(receiver));
  }

 private:
  static Task<Result<>> send(std::shared_ptr<Broker> broker, mqtt::Publish packet) {
    auto done = co_await broker->publisher().publish(std::move(packet), broker->deadline());
    if (!done) co_return std::unexpected(std::move(done).error());
    co_return Result<>();
  }

  static Task<Result<Message>> ask(std::shared_ptr<Broker> broker, std::string subject,
                                   mqtt::Publish packet, milliseconds timeout) {
    co_return co_await broker->publisher().request(subject, std::move(packet), timeout);
  }

  // Under the broker's mutex. The subscriber that subscriptions with these options share, or a new
  // one.
  static Result<std::shared_ptr<Subscriber>> subscriber_for(
      const std::shared_ptr<Broker>& broker, const contracts::SubscribeOptions& options,
      const std::string& filter, bool anew) {
    const auto& server = broker->options().server;
    Subscriber::Kind kind{.filter = filter,
                          .durable = options.durable.has_value(),
                          .qos = broker->options().publisher.qos,
                          .window = static_cast<std::uint16_t>(options.in_flight)};
    std::string key;
    if (options.durable) {
      key = "durable " + *options.durable;
      auto [named, fresh] = broker->durables.try_emplace(*options.durable, options.subject);
      if (!fresh && named->second != options.subject) {
        return fail(ErrorCode::Conflict, "the durable name '{}' is there, for the subject '{}'",
                    *options.durable, contracts::printable(named->second, 120));
      }
      // The same whenever this program comes back, so that the broker knows it again.
      kind.client =
          fmt::format("{}-{}-{}", server.client, *options.durable, mqtt_messaging::digest(filter));
      if (broker->options().share) kind.filter = "$share/" + *options.durable + "/" + filter;
    } else {
      kind.client = fmt::format("{}-{}", server.client, mqtt_messaging::random_name());
      if (options.group) {
        key = "group " + *options.group + " " + filter;
        kind.filter = "$share/" + *options.group + "/" + filter;
      }
    }
    if (!key.empty() && !anew) {
      if (auto known = broker->subscribers[key].lock()) return known;
    }
    auto made = std::make_shared<Subscriber>(broker, std::move(kind));
    std::erase_if(broker->subscribers, [](const auto& entry) { return entry.second.expired(); });
    if (!key.empty()) broker->subscribers[key] = made;
    return made;
  }

  static Task<Result<std::unique_ptr<Subscription>>> join(std::shared_ptr<Broker> broker,
                                                          contracts::SubscribeOptions options,
                                                          std::string filter,
                                                          contracts::Receiver receiver) {
    const auto deadline = broker->deadline();
    auto member = std::make_shared<Member>();
    member->window = std::make_shared<contracts::DeliveryWindow>(
        std::move(receiver), options.in_flight, contracts::DeliveryWindow::Bounds{});
    auto joining = std::make_shared<Subscriber::Joining>();
    std::unique_ptr<MqttSubscription> subscription;
    for (bool taken_in = false, anew = false; !taken_in; anew = true) {
      Result<std::shared_ptr<Subscriber>> subscriber = nullptr;
      {
        std::lock_guard lock(broker->mutex);
        subscriber = subscriber_for(broker, options, filter, anew);
      }
      if (!subscriber) co_return std::unexpected(std::move(subscriber).error());
      co_await on_loop(*broker, [&] { taken_in = (*subscriber)->join(member, joining); });
      if (!taken_in) continue;
      subscription = std::make_unique<MqttSubscription>(broker, *subscriber, member);
      if (!co_await joining->done->wait_until(deadline)) {
        Error why;
        co_await on_loop(*broker, [&] { why = (*subscriber)->why_away(); });
        co_return std::unexpected(std::move(why));
      }
      if (!*joining->outcome) co_return std::unexpected(std::move(*joining->outcome).error());
    }
    co_return std::move(subscription);
  }

  const std::shared_ptr<Broker> broker_;
};

std::string text(const contracts::ProviderUrl& url, std::string_view name,
                 std::string_view otherwise) {
  const auto found = url.query.find(name);
  return found == url.query.end() ? std::string(otherwise) : found->second;
}

Result<std::uint64_t> between(const contracts::ProviderUrl& url, std::string_view name,
                              Result<std::uint64_t> value, std::uint64_t least,
                              std::uint64_t most) {
  if (!value || (*value >= least && *value <= most)) return value;
  return fail(ErrorCode::InvalidArgument, "the option '{}' of '{}' must be {} to {}", name,
              url.shown(), least, most);
}

}  // namespace

Result<std::shared_ptr<Messaging>> open_messaging_mqtt(const contracts::ProviderUrl& url,
                                                       const contracts::ProviderContext& context) {
  BrokerOptions options;
  UNBOLT_ASSIGN(options.server, mqtt::read_url(url, {"qos", "window", "queue_bytes", "retry_delay",
                                                     "max_deliver", "session_expiry", "share"}));
  const auto qos = text(url, "qos", "1");
  if (qos != "0" && qos != "1") {
    return std::unexpected(
        Error{ErrorCode::InvalidArgument, fmt::format("'{}': qos is 0 or 1", url.shown()),
              "1 is acknowledged and may come twice; nothing here could tell 2 from it"});
  }
  options.publisher.qos = qos == "0" ? 0 : 1;
  UNBOLT_ASSIGN(options.publisher.window,
                between(url, "window", url.bytes_option("window", 100), 1, 60'000));
  UNBOLT_ASSIGN(options.publisher.queue_bytes, url.bytes_option("queue_bytes", 64 << 20));
  UNBOLT_ASSIGN(
      const auto retry_delay,
      between(url, "retry_delay", url.milliseconds_option("retry_delay", 1000), 1, 86'400'000));
  options.retry_delay = milliseconds(static_cast<std::int64_t>(retry_delay));
  UNBOLT_ASSIGN(options.max_deliver, url.bytes_option("max_deliver", 0));
  constexpr std::uint64_t kYear = 366ull * 86'400'000;
  UNBOLT_ASSIGN(const auto expiry,
                between(url, "session_expiry",
                        url.milliseconds_option("session_expiry",
                                                std::uint64_t{options.session_expiry} * 1000),
                        1000, kYear));
  options.session_expiry = static_cast<std::uint32_t>(expiry / 1000);
  const auto share = text(url, "share", "no");
  if (share != "yes" && share != "no")
    return fail(ErrorCode::InvalidArgument, "'{}': share is neither yes nor no", url.shown());
  options.share = share == "yes";
  UNBOLT_ASSIGN(auto broker, Broker::open(std::move(options), context.log, context.blocking));
  return std::make_shared<MessagingMqtt>(std::move(broker));
}

}  // namespace unbolt::providers
