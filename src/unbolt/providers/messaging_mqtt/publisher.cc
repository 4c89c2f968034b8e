#include "unbolt/providers/messaging_mqtt/publisher.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <charconv>
#include <utility>

#include "unbolt/base/suspend.h"
#include "unbolt/contracts/text.h"
#include "unbolt/providers/messaging_mqtt/names.h"
#include "unbolt/providers/messaging_mqtt/topics.h"

namespace unbolt::providers::mqtt_messaging {
namespace {

using contracts::Message;
using Clock = std::chrono::steady_clock;

constexpr std::uint16_t kSubscribeId = 65'535;  // those of messages are below
constexpr std::size_t kCost = 256;              // of a message beside its bytes
constexpr std::size_t kFlushBytes = 1 << 20;

}  // namespace

// A message from its publisher's task to the broker. The loop's, but for what the comments say.
struct Publisher::Outgoing {
  mqtt::Publish packet;
  List* in = nullptr;  // where it waits
  List::iterator place;
  std::uint64_t sequence = 0;
  bool finished = false;
  // Read by the task once it was woken.
  Result<std::uint8_t> result = std::uint8_t{0};
  const std::shared_ptr<Wakeup> done = std::make_shared<Wakeup>();
};

// A request that was sent.
struct Publisher::Asked {
  bool reached = false;  // the broker has it
  std::optional<Result<Message>> answer;
  const std::shared_ptr<Wakeup> done = std::make_shared<Wakeup>();
};

Publisher::Publisher(PublisherOptions options, std::shared_ptr<const mqtt::Shared> shared,
                     asio::io_context& loop, std::shared_ptr<void> place)
    : options_(options),
      shared_(std::move(shared)),
      loop_(loop.get_executor()),
      replies_("unbolt/replies/" + random_name()),
      session_(std::make_shared<mqtt::Session>(
          shared_, loop,
          mqtt::Session::Wanted{.client = shared_->options.client + "-" + random_name(),
                                .clean_start = true,
                                .session_expiry = 0,
                                .receive_maximum = 1000},
          std::move(place))) {}

void Publisher::start(std::move_only_function<void(Result<>)> first) {
  asio::post(loop_, [self = shared_from_this(), first = std::move(first)]() mutable {
    self->first_ = std::move(first);
    self->session_->start(self);
  });
}

void Publisher::stop() {
  asio::post(loop_, [self = shared_from_this()] {
    self->stopped_ = true;
    self->session_->stop(mqtt::Session::End::Forget);
  });
}

Result<std::shared_ptr<void>> Publisher::admit(const mqtt::Publish& packet) {
  const std::uint64_t cost = mqtt::size_of(packet) + kCost;
  if (cost - kCost > largest_) {
    return fail(ErrorCode::LimitExceeded,
                "a message of {} bytes: {} takes packets of at most {} bytes",
                packet.payload.size(), shared_->options.shown(), largest_.load());
  }
  std::shared_ptr<void> place(nullptr, [bytes = bytes_, cost](void*) { *bytes -= cost; });
  const auto total = *bytes_ += cost;
  if (total <= options_.queue_bytes || total == cost) return place;
  return std::unexpected(Error{ErrorCode::LimitExceeded,
                               fmt::format("{} bytes wait to be sent to {}: no more are taken",
                                           total - cost, shared_->options.shown()),
                               "queue_bytes= allows more; is the broker too slow, or away?"});
}

Task<Result<std::uint8_t>> Publisher::publish(mqtt::Publish packet, Time deadline) {
  return send(std::move(packet), deadline, false);
}

Task<Result<std::uint8_t>> Publisher::send(mqtt::Publish packet, Time deadline,
                                           bool needs_replies) {
  auto place = admit(packet);
  if (!place) co_return std::unexpected(std::move(place).error());
  const auto self = shared_from_this();
  auto one = std::make_shared<Outgoing>();
  one->packet = std::move(packet);
  asio::post(loop_, [self, one, needs_replies] {
    if (needs_replies && !std::exchange(self->wants_replies_, true) && self->up_)
      self->session_->send(mqtt::encode_subscribe(kSubscribeId, self->replies_ + "/+", 1));
    self->enqueue(one, needs_replies && !self->has_replies_ ? self->held_ : self->waiting_);
    self->pump();
  });
  // Also where the task is cancelled.
  struct Leave {
    std::shared_ptr<Publisher> of;
    std::shared_ptr<Outgoing> one;
    ~Leave() {
      if (one) asio::post(of->loop_, [held = of, left = one] { held->drop(left); });
    }
  } leave{self, one};
  if (co_await one->done->wait_until(deadline)) {
    leave.one.reset();
    co_return one->result;
  }
  Error error;
  co_await suspend([&](Resume resume) {
    asio::post(loop_, [&, resume = std::move(resume)]() mutable {
      error = away();
      resume();
    });
  });
  co_return std::unexpected(std::move(error));
}

Error Publisher::away() const {
  if (up_) {
    return {ErrorCode::Timeout,
            shared_->options.shown() + " did not acknowledge the message in time",
            {}};
  }
  if (why_away_) {
    Error error = *why_away_;
    error.code = ErrorCode::Unavailable;
    return error;
  }
  return {ErrorCode::Unavailable, shared_->options.shown() + " is away", {}};
}

Task<Result<Message>> Publisher::request(std::string_view subject, mqtt::Publish packet,
                                         std::chrono::milliseconds timeout) {
  const auto self = shared_from_this();
  const auto deadline = Clock::now() + timeout;
  const std::string shown = contracts::printable(subject, 120);
  const auto number = ++last_request_;
  packet.response_topic = fmt::format("{}/{}", replies_, number);
  packet.qos = 1;  // the acknowledgement says whether anybody listens
  packet.expiry = static_cast<std::uint32_t>(timeout.count() / 1000 + 1);
  auto asked = std::make_shared<Asked>();
  asio::post(loop_, [self, number, asked] { self->asked_.emplace(number, asked); });
  struct Forget {
    std::shared_ptr<Publisher> of;
    std::uint64_t number;
    ~Forget() {
      asio::post(of->loop_, [held = of, which = number] { held->asked_.erase(which); });
    }
  } forget{self, number};
  const auto late = [&] {
    return fail(ErrorCode::Timeout, "no answer to the request to '{}' within {} ms", shown,
                timeout.count());
  };
  auto sent = co_await send(std::move(packet), deadline, true);
  if (!sent) {
    if (sent.error().code == ErrorCode::Timeout) co_return late();
    co_return std::unexpected(std::move(sent).error());
  }
  if (*sent == mqtt::reason::kNoMatchingSubscribers)
    co_return fail(ErrorCode::Unavailable, "nobody subscribes to '{}'", shown);
  asio::post(loop_, [asked] { asked->reached = true; });
  if (!co_await asked->done->wait_until(deadline)) co_return late();
  co_return std::move(*asked->answer);
}

void Publisher::enqueue(std::shared_ptr<Outgoing> one, List& list) {
  one->sequence = ++sequence_;
  one->in = &list;
  one->place = list.insert(list.end(), one);
}

void Publisher::drop(const std::shared_ptr<Outgoing>& one) {
  one->finished = true;
  if (one->in) std::exchange(one->in, nullptr)->erase(one->place);
  // One under way keeps its number until the broker gives it back.
  one->packet = {.topic = {}, .id = one->packet.id};
}

void Publisher::finish(const std::shared_ptr<Outgoing>& one, Result<std::uint8_t> result) {
  if (std::exchange(one->finished, true)) return;
  one->result = std::move(result);
  one->done->wake();
}

void Publisher::pump() {
  std::size_t flushed = 0;
  while (up_ && !waiting_.empty()) {
    const auto one = waiting_.front();
    const bool acknowledged = one->packet.qos > 0;
    if (acknowledged ? under_way_.size() >= most_ : (flush_ > 0 || flushed > kFlushBytes)) break;
    waiting_.pop_front();
    one->in = nullptr;
    if (one->packet.qos > maximum_qos_) {
      finish(one, std::unexpected(Error{ErrorCode::Unsupported,
                                        shared_->options.shown() + " does not acknowledge messages",
                                        "say qos=0"}));
      continue;
    }
    if (acknowledged) {
      do {
        last_id_ = last_id_ >= kSubscribeId - 1 ? 1 : last_id_ + 1;
      } while (under_way_.contains(last_id_));
      one->packet.id = last_id_;
      under_way_.emplace(last_id_, one);
    } else {
      flushing_.push_back(one);
    }
    auto bytes = mqtt::encode(one->packet);
    flushed += bytes.size();
    session_->send(std::move(bytes));
  }
  if (flush_ == 0 && !flushing_.empty()) flush_ = session_->ping();
}

void Publisher::connected(const mqtt::Connack& connack) {
  up_ = true;
  largest_ = connack.maximum_packet;
  maximum_qos_ = connack.maximum_qos;
  most_ = static_cast<std::uint16_t>(
      std::min<std::size_t>({options_.window, connack.receive_maximum, 60'000}));
  if (why_away_) {
    shared_->log.line(LogLevel::Info, "messaging", "{} is back", shared_->options.shown());
    why_away_.reset();
  }
  if (wants_replies_) session_->send(mqtt::encode_subscribe(kSubscribeId, replies_ + "/+", 1));
  if (auto first = std::exchange(first_, nullptr)) first({});
  pump();
}

void Publisher::lost(const Error& why) {
  if (!why_away_ && !stopped_ && !first_)
    shared_->log.line(LogLevel::Warn, "messaging", "{}", why.message);
  why_away_ = why;
  up_ = has_replies_ = false;
  // In the order in which they were first sent, before all that wait. The session is new, and so
  // are they to the broker.
  std::vector<std::shared_ptr<Outgoing>> again;
  for (auto& [id, one] : std::exchange(under_way_, {})) {
    if (!one->finished) again.push_back(std::move(one));
  }
  std::ranges::sort(again, std::greater(), [](const auto& one) { return one->sequence; });
  for (auto& one : again) {
    // Its answer could not come before we listen for it again.
    List& list = one->packet.response_topic.starts_with(replies_) ? held_ : waiting_;
    one->in = &list;
    one->place = list.insert(list.begin(), one);
  }
  flush_ = 0;
  for (auto& one : std::exchange(flushing_, {})) finish(one, std::unexpected(away()));
  for (auto& [number, asked] : asked_) {
    if (!asked->reached || asked->answer) continue;
    asked->answer = std::unexpected(away());
    asked->done->wake();
  }
  if (auto first = std::exchange(first_, nullptr)) {
    session_->stop(mqtt::Session::End::Forget);
    first(std::unexpected(why));
  }
}

void Publisher::received(mqtt::Packet packet) {
  if (auto* puback = std::get_if<mqtt::Puback>(&packet)) {
    const auto found = under_way_.find(puback->id);
    if (found == under_way_.end()) return session_->refuse("it acknowledges what was not sent");
    const auto one = std::move(found->second);
    under_way_.erase(found);
    if (puback->reason < mqtt::reason::kFailure) {
      finish(one, puback->reason);
    } else {
      finish(one, fail(mqtt::reason_code(puback->reason), "{} refuses the message to '{}': {}{}{}",
                       shared_->options.shown(), contracts::printable(one->packet.topic, 120),
                       mqtt::reason_text(puback->reason), puback->why.empty() ? "" : ": ",
                       contracts::printable(puback->why, 200)));
    }
    return pump();
  }
  if (std::holds_alternative<mqtt::Pong>(packet)) {
    if (flush_ == 0 || session_->pongs() < flush_) return;
    flush_ = 0;
    for (auto& one : std::exchange(flushing_, {})) finish(one, std::uint8_t{0});
    return pump();
  }
  if (auto* suback = std::get_if<mqtt::Suback>(&packet)) {
    if (suback->reason >= mqtt::reason::kFailure) {
      const Error error{
          mqtt::reason_code(suback->reason),
          fmt::format("{} gives us no answers at '{}/+': {}", shared_->options.shown(), replies_,
                      mqtt::reason_text(suback->reason)),
          "does the broker let the user subscribe to unbolt/replies/#?"};
      wants_replies_ = false;
      for (auto& one : std::exchange(held_, {})) {
        one->in = nullptr;
        finish(one, std::unexpected(error));
      }
      return;
    }
    has_replies_ = true;
    for (auto& one : held_) one->in = &waiting_;
    waiting_.splice(waiting_.end(), held_);
    return pump();
  }
  if (auto* answer = std::get_if<mqtt::Publish>(&packet)) {
    if (answer->qos > 0) session_->send(mqtt::encode_puback(answer->id));
    return answered(std::move(*answer));
  }
  session_->refuse("it sends what answers nothing");
}

void Publisher::answered(mqtt::Publish answer) {
  if (!answer.topic.starts_with(replies_ + "/")) return;
  const auto digits = std::string_view(answer.topic).substr(replies_.size() + 1);
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const auto found = asked_.find(number);
  if (found == asked_.end() || found->second->answer) return;  // late, or the second
  Message message{.subject = subject_of(answer.topic), .body = std::move(answer.payload)};
  if (!answer.response_topic.empty()) {
    auto reply_to = subject_of({std::move(answer.response_topic), std::move(answer.correlation)});
    if (!reply_to.empty()) message.reply_to = std::move(reply_to);
  }
  found->second->answer = std::move(message);
  found->second->done->wake();
}

}  // namespace unbolt::providers::mqtt_messaging
