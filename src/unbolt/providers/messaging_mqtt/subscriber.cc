#include "unbolt/providers/messaging_mqtt/subscriber.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

#include "unbolt/contracts/text.h"
#include "unbolt/providers/messaging_mqtt/topics.h"

namespace unbolt::providers::mqtt_messaging {
namespace {

using contracts::Delivery;
using contracts::Message;
using std::chrono::milliseconds;

constexpr std::uint16_t kSubscribeId = 1, kUnsubscribeId = 2;
// What is not for a durable name outlives a broker that starts anew, and not much more.
constexpr std::uint32_t kShortExpiry = 300;

std::shared_ptr<const Message> to_message(mqtt::Publish publish) {
  auto message = std::make_shared<Message>();
  message->subject = subject_of(publish.topic);
  message->body = std::move(publish.payload);
  if (!publish.response_topic.empty()) {
    auto reply_to = subject_of({std::move(publish.response_topic), std::move(publish.correlation)});
    if (!reply_to.empty()) message->reply_to = std::move(reply_to);
  }
  return message;
}

// What is kept here until it is acknowledged, at most: less than fits in a delivery window.
constexpr std::uint64_t kMostBytes = 48 << 20;

std::uint64_t cost(const Message& message) {
  return message.subject.size() + message.body.size() + 256;
}

bool same(const Message& one, const Message& other) {
  return one.subject == other.subject && one.body == other.body && one.reply_to == other.reply_to;
}

}  // namespace

Subscriber::Subscriber(std::shared_ptr<Broker> broker, Kind kind)
    : broker_(std::move(broker)),
      kind_(std::move(kind)),
      session_(std::make_shared<mqtt::Session>(
          broker_->shared(), broker_->loop(),
          mqtt::Session::Wanted{
              .client = kind_.client,
              .clean_start = false,
              .session_expiry = kind_.durable ? broker_->options().session_expiry : kShortExpiry,
              .receive_maximum = kind_.window},
          broker_->place())) {}

Subscriber::~Subscriber() {
  asio::post(broker_->loop(), [session = session_, durable = kind_.durable] {
    session->stop(durable ? mqtt::Session::End::Keep : mqtt::Session::End::Forget);
  });
}

Error Subscriber::why_away() const {
  if (why_away_) return *why_away_;
  return {ErrorCode::Timeout,
          broker_->options().server.shown() + " did not answer to the subscription in time",
          {}};
}

bool Subscriber::join(std::shared_ptr<Member> member, std::shared_ptr<Joining> joining) {
  if (ending_) return false;
  members_.push_back(std::move(member));
  if (subscribed_) {
    joining->outcome = Result<>();
    joining->done->wake();
  } else {
    joining_.push_back(std::move(joining));
  }
  if (!std::exchange(started_, true)) session_->start(weak_from_this());
  for (const auto& [id, entry] : std::map(entries_)) {
    if (entry->state == Entry::State::Nobodys) deliver(entry);
  }
  return true;
}

void Subscriber::leave(const std::shared_ptr<Member>& member, std::shared_ptr<Wakeup> done) {
  member->accepting = false;
  const bool others = std::ranges::any_of(members_, [](const auto& one) { return one->accepting; });
  if (others || kind_.durable) return done->wake();
  ending_ = true;
  if (!session_->connected()) return done->wake();
  unsubscribed_ = std::move(done);
  session_->send(mqtt::encode_unsubscribe(kUnsubscribeId, kind_.filter));
}

void Subscriber::settle(std::shared_ptr<Wakeup> done) {
  if (!session_->connected()) return done->wake();
  settling_.emplace(session_->ping(), std::move(done));
}

void Subscriber::wake_settlers() {
  while (!settling_.empty() && settling_.begin()->first <= session_->pongs()) {
    settling_.begin()->second->wake();
    settling_.erase(settling_.begin());
  }
}

void Subscriber::remove(const std::shared_ptr<Member>& member) {
  member->left = true;
  std::erase(members_, member);
}

void Subscriber::connected(const mqtt::Connack& connack) {
  why_away_.reset();
  if (!connack.session_present) {
    entries_.clear();
    entry_bytes_ = 0;
  }
  if (kind_.filter.starts_with("$share/") && !connack.shared) {
    return finish_joining(fail(ErrorCode::Unsupported,
                               "{} does not let subscriptions share messages",
                               broker_->options().server.shown()));
  }
  if (ending_) return;
  // Also where the session was kept: not every broker keeps every subscription when it starts
  // anew.
  session_->send(mqtt::encode_subscribe(kSubscribeId, kind_.filter, kind_.qos));
}

void Subscriber::lost(const Error& why) {
  if (!why_away_ && subscribed_)
    broker_->log().line(LogLevel::Warn, "messaging", "{}", why.message);
  why_away_ = why;
  subscribed_ = false;
  for (auto& [pong, done] : std::exchange(settling_, {})) done->wake();
  if (auto done = std::exchange(unsubscribed_, nullptr)) done->wake();
  // Others may pass by themselves.
  if (why.code == ErrorCode::Denied || why.code == ErrorCode::InvalidArgument ||
      why.code == ErrorCode::Unsupported)
    finish_joining(std::unexpected(why));
}

void Subscriber::finish_joining(const Result<>& outcome) {
  for (auto& joining : std::exchange(joining_, {})) {
    joining->outcome = outcome;
    joining->done->wake();
  }
}

void Subscriber::received(mqtt::Packet packet) {
  if (auto* publish = std::get_if<mqtt::Publish>(&packet)) return arrived(std::move(*publish));
  if (std::holds_alternative<mqtt::Pong>(packet)) return wake_settlers();
  if (auto* suback = std::get_if<mqtt::Suback>(&packet)) return subscribed(*suback);
  if (std::holds_alternative<mqtt::Unsuback>(packet)) {
    if (auto done = std::exchange(unsubscribed_, nullptr)) done->wake();
    return;
  }
  session_->refuse("it sends what answers nothing");
}

void Subscriber::subscribed(const mqtt::Suback& suback) {
  if (suback.reason >= mqtt::reason::kFailure) {
    const Error why{
        mqtt::reason_code(suback.reason),
        fmt::format("{} refuses the subscription to '{}': {}{}{}",
                    broker_->options().server.shown(), contracts::printable(kind_.filter, 120),
                    mqtt::reason_text(suback.reason), suback.why.empty() ? "" : ": ",
                    contracts::printable(suback.why, 200)),
        {}};
    if (joining_.empty()) broker_->log().line(LogLevel::Error, "messaging", "{}", why.message);
    return finish_joining(std::unexpected(why));
  }
  if (suback.reason < kind_.qos) {
    return finish_joining(
        fail(ErrorCode::Unsupported, "{} keeps no messages of '{}' until they are acknowledged",
             broker_->options().server.shown(), contracts::printable(kind_.filter, 120)));
  }
  subscribed_ = true;
  finish_joining({});
}

void Subscriber::arrived(mqtt::Publish publish) {
  const auto id = publish.id;
  const bool duplicate = publish.duplicate, kept = publish.qos > 0;
  auto message = to_message(std::move(publish));
  if (!kept) {
    auto* member = choose();
    if (!member || member->window->push({std::move(message), 1, nullptr}) || warned_) return;
    warned_ = true;
    broker_->log().line(LogLevel::Warn, "messaging",
                        "messages of '{}' are lost: the receiver is too slow",
                        contracts::printable(kind_.filter, 120));
    return;
  }
  if (const auto known = entries_.find(id); known != entries_.end()) {
    // A number is not used for another message before it was acknowledged, unless the broker has
    // lost what it knew.
    if (duplicate && same(*known->second->message, *message)) {
      if (known->second->state == Entry::State::Handled) acknowledge(known->second);
      return;
    }
    forget(known);
  }
  auto entry = std::make_shared<Entry>(std::move(message), duplicate ? 2 : 1, id);
  entries_.emplace(id, entry);
  entry_bytes_ += cost(*entry->message);
  if (entry_bytes_ > kMostBytes) make_room();
  deliver(entry);
}

Member* Subscriber::choose() {
  Member* fallback = nullptr;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    Member* member = members_[(turn_ + i) % members_.size()].get();
    if (!member->accepting) continue;
    if (!fallback) fallback = member;
    if (member->window->free() == 0) continue;
    turn_ = (turn_ + i + 1) % members_.size();
    return member;
  }
  if (fallback || !ending_ || members_.empty()) return fallback;
  return members_.back().get();
}

void Subscriber::deliver(const std::shared_ptr<Entry>& entry) {
  Member* chosen = choose();
  if (!chosen) {
    entry->state = Entry::State::Nobodys;
    return;
  }
  const auto member =
      *std::ranges::find(members_, chosen, [](const auto& one) { return one.get(); });
  entry->state = Entry::State::Given;
  const bool taken = member->window->push(
      {entry->message, entry->attempt,
       [self = shared_from_this(), entry, member](Delivery::Outcome outcome) mutable {
         auto& loop = self->broker_->loop();
         asio::post(loop,
                    [self = std::move(self), entry = std::move(entry), member = std::move(member),
                     outcome] { self->answered(entry, member, outcome); });
       }});
  if (!taken) retry(entry);
}

void Subscriber::answered(const std::shared_ptr<Entry>& entry,
                          const std::shared_ptr<Member>& member, Delivery::Outcome outcome) {
  if (outcome == Delivery::Outcome::Handled) return acknowledge(entry);
  const auto known = entries_.find(entry->id);
  if (known == entries_.end() || known->second != entry) return;  // it comes again by itself
  ++entry->attempt;
  if (member->left) return deliver(entry);
  const auto most = broker_->options().max_deliver;
  if (most == 0 || entry->attempt <= most) return retry(entry);
  broker_->log().line(LogLevel::Warn, "messaging",
                      "a message of '{}' is dropped: it failed {} times",
                      contracts::printable(entry->message->subject, 120), most);
  member->window->count_lost(1);
  acknowledge(entry);
}

void Subscriber::acknowledge(const std::shared_ptr<Entry>& entry) {
  entry->state = Entry::State::Handled;
  const auto known = entries_.find(entry->id);
  if (known == entries_.end() || known->second != entry || !session_->connected()) return;
  // From here on the number is the broker's to use again.
  session_->send(mqtt::encode_puback(entry->id));
  forget(known);
}

// Brokers may send more than the receive maximum (Mosquitto 2.0 does).
void Subscriber::make_room() {
  // Handled while the broker was away, and it has not asked about them again: it may never do.
  for (auto entry = entries_.begin(); entry != entries_.end();) {
    const auto next = std::next(entry);
    if (entry->second->state == Entry::State::Handled) forget(entry);
    entry = next;
  }
  if (entry_bytes_ > kMostBytes) session_->hold();
}

void Subscriber::forget(Entries::iterator entry) {
  entry_bytes_ -= cost(*entry->second->message);
  entries_.erase(entry);
  if (entry_bytes_ <= kMostBytes) session_->go_on();
}

void Subscriber::retry(const std::shared_ptr<Entry>& entry) {
  entry->state = Entry::State::Retrying;
  const auto doublings = std::clamp<std::uint64_t>(entry->attempt, 2, 18) - 2;
  const auto delay = std::min<milliseconds>(
      broker_->options().retry_delay * (std::int64_t{1} << doublings), std::chrono::minutes(1));
  asio::co_spawn(broker_->loop(), retry_later(weak_from_this(), entry, delay), asio::detached);
}

Task<> Subscriber::retry_later(std::weak_ptr<Subscriber> weak, std::shared_ptr<Entry> entry,
                               milliseconds delay) {
  Timer timer(co_await asio::this_coro::executor, delay);
  co_await timer.async_wait(use_task);
  const auto self = weak.lock();
  if (!self) co_return;
  const auto known = self->entries_.find(entry->id);
  if (known != self->entries_.end() && known->second == entry) self->deliver(entry);
}

}  // namespace unbolt::providers::mqtt_messaging
