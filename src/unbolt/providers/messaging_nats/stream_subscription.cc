#include "unbolt/providers/messaging_nats/stream_subscription.h"

#include <algorithm>
#include <charconv>
#include <future>

#include <nlohmann/json.hpp>

#include "unbolt/contracts/delivery_window.h"
#include "unbolt/contracts/text.h"
#include "unbolt/providers/messaging_nats/consumer.h"
#include "unbolt/providers/messaging_nats/core_subscription.h"

namespace unbolt::providers::nats_messaging {
namespace {

using contracts::Delivery;
using contracts::DeliveryWindow;
using contracts::Message;
using nats::Connection;
using nats::Incoming;
using nlohmann::json;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kPullFor{30};
constexpr std::chrono::seconds kHeartbeat{2};
// Without a message or a heartbeat for so long, the server has forgotten what it was asked.
constexpr std::chrono::seconds kSilence{5};
// A consumer that somebody took away is made anew, but not more often than this.
constexpr std::chrono::seconds kRemakePause{2};

std::int64_t nanoseconds(std::chrono::nanoseconds time) { return time.count(); }

// What the subject for the acknowledgement says of a message.
struct Origin {
  std::uint64_t attempt = 0;
  Handled::Key key{0, 0};  // 0: it does not say
};
// $JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.ATTEMPT.SEQUENCE.DELIVERY.TIME.…
Origin origin_of(std::string_view reply_to) {
  std::vector<std::string_view> tokens;
  while (!reply_to.empty() && tokens.size() < 16) {
    tokens.push_back(reply_to.substr(0, reply_to.find('.')));
    reply_to.remove_prefix(std::min(tokens.back().size() + 1, reply_to.size()));
  }
  if (tokens.size() < 9 || tokens[0] != "$JS" || tokens[1] != "ACK") return {};
  const std::size_t at = tokens.size() == 9 ? 4 : 6;
  Origin origin;
  const auto read = [&](std::size_t offset, std::uint64_t& number) {
    const auto token = tokens[at + offset];
    std::from_chars(token.data(), token.data() + token.size(), number);
  };
  read(0, origin.attempt);
  read(1, origin.key.first);
  read(3, origin.key.second);
  return origin;
}

// Asks a consumer for messages and gives them to the window. Lives as long as a delivery, or until
// the subscription is gone.
class Puller : public std::enable_shared_from_this<Puller> {
 public:
  Puller(std::shared_ptr<Connection> connection, MessagingNatsOptions options,
         contracts::SubscribeOptions subscription, ConsumerName consumer,
         std::shared_ptr<DeliveryWindow> window, std::shared_ptr<Handled> handled)
      : connection_(std::move(connection)),
        options_(std::move(options)),
        subscription_(std::move(subscription)),
        consumer_(std::move(consumer)),
        next_("$JS.API.CONSUMER.MSG.NEXT." + options_.stream + "." + consumer_.name),
        inbox_(connection_->new_inbox()),
        window_(std::move(window)),
        handled_(std::move(handled)) {}

  Result<> start() {
    UNBOLT_ASSIGN(subscriber_, connection_->subscribe(inbox_ + ".*", "",
                                                      [self = weak_from_this()](Incoming incoming) {
                                                        if (auto alive = self.lock())
                                                          alive->arrived(std::move(incoming));
                                                      }));
    generation_ = connection_->generation();
    window_->on_free([self = weak_from_this()] {
      if (auto alive = self.lock()) alive->pull();
    });
    connection_->tick(weak_from_this(), [this] { tick(); });
    pull();
    return {};
  }

  // Asks for nothing more. What the server has sent until then still comes.
  Task<> stop(nats::Time deadline) {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    co_await drain_subscriber(*connection_, *subscriber_, deadline);
  }
  // At once: what still comes is given back to the server.
  void abandon() {
    {
      std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    // What is on its way here comes within a moment; until then this object stays.
    connection_->blocking().post([self = shared_from_this()]() noexcept {
      std::promise<void> drained;
      self->subscriber_->drain(milliseconds(1000), [&drained] { drained.set_value(); });
      drained.get_future().wait();
    });
  }

 private:
  struct Pull {
    std::size_t left;
    Clock::time_point heard;
  };

  void pull();
  void arrived(Incoming incoming);
  void deliver(Incoming incoming);
  void tick();
  void remake();
  void answered(std::string reply_to, Origin origin, Delivery::Outcome outcome);
  std::size_t asked_for() const {  // under the lock
    std::size_t sum = 0;
    for (const auto& [number, pull] : pulls_) sum += pull.left;
    return sum;
  }
  void answer(const std::string& reply_to, std::string_view text) {
    connection_->send({reply_to, to_bytes(as_bytes(text)), {}, {}});
  }

  const std::shared_ptr<Connection> connection_;
  const MessagingNatsOptions options_;
  const contracts::SubscribeOptions subscription_;
  const ConsumerName consumer_;
  const std::string next_, inbox_;
  const std::shared_ptr<DeliveryWindow> window_;
  std::unique_ptr<nats::Subscriber> subscriber_;

  std::mutex mutex_;
  bool stopped_ = false;
  std::uint64_t generation_ = 0;
  std::uint64_t last_pull_ = 0;
  std::map<std::uint64_t, Pull> pulls_;
  Clock::time_point not_before_{};  // after the server said that it cannot serve us now
  Clock::time_point next_progress_{};
  Clock::time_point next_remake_{};
  std::uint64_t last_seen_ = 0;  // place in the stream
  // Where to answer those in flight. What comes again of them, or of those that were handled, is
  // not given to the receiver again.
  std::map<Handled::Key, std::string> in_flight_;
  const std::shared_ptr<Handled> handled_;
};

void Puller::pull() {
  nats::Outgoing request;
  {
    std::lock_guard lock(mutex_);
    if (stopped_ || Clock::now() < not_before_ || !connection_->connected()) return;
    const auto free = window_->free();
    const auto asked = asked_for();
    // Not for each message anew, but before all that were asked for are used up.
    if (free <= asked || (asked > 0 && free - asked < free / 2)) return;
    const auto number = ++last_pull_;
    pulls_.emplace(number, Pull{free - asked, Clock::now()});
    const json body = {{"batch", free - asked},
                       {"expires", nanoseconds(kPullFor)},
                       {"idle_heartbeat", nanoseconds(kHeartbeat)}};
    request = {next_, to_bytes(as_bytes(body.dump())), fmt::format("{}.{}", inbox_, number), {}};
  }
  connection_->send(std::move(request));
}

void Puller::arrived(Incoming incoming) {
  const auto subject = incoming.subject();
  std::uint64_t number = 0;
  const int status = incoming.reply_to().starts_with("$JS.ACK.") ? 0 : incoming.status();
  // A message of the stream keeps its subject; what the server says of a request comes to ours.
  if (status != 0) {
    if (subject.size() > inbox_.size() + 1)
      std::from_chars(subject.data() + inbox_.size() + 1, subject.data() + subject.size(), number);
    std::unique_lock lock(mutex_);
    const auto found = pulls_.find(number);
    if (status == 100) {
      if (found != pulls_.end()) found->second.heard = Clock::now();
      return;
    }
    if (found != pulls_.end()) pulls_.erase(found);
    // 404, 408: as was asked. Else something is missing, and may come back.
    if (status != 404 && status != 408) {
      const auto now = Clock::now();
      not_before_ = now + milliseconds(200);
      const bool remakes = !stopped_ && now >= next_remake_;
      if (remakes) next_remake_ = now + kRemakePause;
      lock.unlock();
      if (remakes) remake();
      const auto why = incoming.header("Description").value_or("no responders");
      connection_->log().line(LogLevel::Debug, "messaging", "{}: {}: {} {}",
                              connection_->options().shown, next_, status,
                              contracts::printable(why, 120));
      return;
    }
    lock.unlock();
    return pull();
  }
  {
    std::lock_guard lock(mutex_);
    // The oldest request is the one that is served.
    if (!pulls_.empty()) {
      auto oldest = pulls_.begin();
      for (auto& [of, pull] : pulls_) pull.heard = Clock::now();
      if (--oldest->second.left == 0) pulls_.erase(oldest);
    }
  }
  deliver(std::move(incoming));
}

// Where the consumer is gone it begins again with the first message that may not be handled: those
// that are in flight, and those that were, are known here.
void Puller::remake() {
  connection_->blocking().post([weak = weak_from_this()]() noexcept {
    const auto self = weak.lock();
    if (!self || !self->connection_->connected()) return;
    std::uint64_t from = 0;
    {
      std::lock_guard lock(self->mutex_);
      if (!self->in_flight_.empty()) {
        from = self->in_flight_.begin()->first.first;
      } else if (self->last_seen_ > 0) {
        from = self->last_seen_ + 1;
      }
    }
    auto made = ensure_consumer(self->connection_, self->consumer_, self->options_,
                                self->subscription_, from);
    if (!made) {
      self->connection_->log().line(LogLevel::Debug, "messaging", "{}", made.error().message);
    }
  });
}

void Puller::deliver(Incoming incoming) {
  std::string reply_to(incoming.reply_to());
  const Origin origin = origin_of(reply_to);
  if (origin.key.first == 0) return;  // nothing of JetStream's
  {
    std::unique_lock lock(mutex_);
    last_seen_ = std::max(last_seen_, origin.key.first);
    if (auto known = in_flight_.find(origin.key); known != in_flight_.end()) {
      known->second = std::move(reply_to);
      return;
    }
    if (handled_->contains(origin.key)) {
      lock.unlock();
      return answer(reply_to, "+ACK");
    }
    in_flight_.emplace(origin.key, reply_to);
  }
  auto message = std::make_shared<Message>();
  message->subject = incoming.subject();
  message->body = to_bytes(incoming.body());
  if (const auto original = incoming.header(kReplyToHeader)) message->reply_to.emplace(*original);
  const bool taken = window_->push(
      {std::move(message), origin.attempt,
       [self = shared_from_this(), reply_to, origin](Delivery::Outcome outcome) mutable {
         self->answered(std::move(reply_to), origin, outcome);
       }});
  if (taken) return;
  {
    std::lock_guard lock(mutex_);
    in_flight_.erase(origin.key);
  }
  answer(reply_to, "-NAK");
}

void Puller::answered(std::string reply_to, Origin origin, Delivery::Outcome outcome) {
  bool leaving = false;
  {
    std::lock_guard lock(mutex_);
    leaving = stopped_;
    // It may have come again meanwhile, with another place to answer to.
    if (auto known = in_flight_.find(origin.key); known != in_flight_.end()) {
      reply_to = std::move(known->second);
      in_flight_.erase(known);
    }
  }
  if (outcome == Delivery::Outcome::Handled) handled_->add(origin.key);
  if (outcome == Delivery::Outcome::Handled) return answer(reply_to, "+ACK");
  if (leaving) return answer(reply_to, "-NAK");
  const auto doublings =
      std::min<std::uint64_t>(std::max<std::uint64_t>(origin.attempt, 1) - 1, 16);
  const auto delay = std::min<milliseconds>(options_.retry_delay * (std::int64_t{1} << doublings),
                                            std::chrono::minutes(1));
  answer(reply_to, "-NAK " + json{{"delay", nanoseconds(delay)}}.dump());
}

void Puller::tick() {
  std::vector<std::string> working;
  {
    std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    if (const auto generation = connection_->generation(); generation != generation_) {
      generation_ = generation;
      pulls_.clear();  // with the connection that they were asked on
    }
    std::erase_if(pulls_, [&](const auto& pull) { return now - pull.second.heard > kSilence; });
    if (now >= next_progress_) {
      next_progress_ = now + options_.ack_wait / 3;
      for (const auto& [key, reply_to] : in_flight_) working.push_back(reply_to);
    }
  }
  for (const auto& reply_to : working) answer(reply_to, "+WPI");
  pull();
}

class StreamSubscription final : public contracts::Subscription {
 public:
  StreamSubscription(std::shared_ptr<Connection> connection, std::shared_ptr<DeliveryWindow> window,
                     std::shared_ptr<Puller> puller)
      : connection_(std::move(connection)),
        window_(std::move(window)),
        puller_(std::move(puller)) {}
  ~StreamSubscription() override {
    if (!drained_) puller_->abandon();
    window_->close();
  }

  Task<Result<>> drain(milliseconds timeout) override {
    drained_ = true;
    const auto deadline = Clock::now() + timeout;
    const auto connection = connection_;
    const auto window = window_;
    const auto puller = puller_;
    co_await puller->stop(deadline);
    co_return co_await finish(connection, window, timeout, deadline);
  }

  contracts::SubscriptionCounts counts() const override { return window_->counts(); }

 private:
  const std::shared_ptr<Connection> connection_;
  const std::shared_ptr<DeliveryWindow> window_;
  const std::shared_ptr<Puller> puller_;
  bool drained_ = false;
};

}  // namespace

bool Handled::contains(Key key) const {
  std::lock_guard lock(mutex_);
  return known_.contains(key);
}

void Handled::add(Key key) {
  std::lock_guard lock(mutex_);
  if (!known_.insert(key).second) return;
  order_.push_back(key);
  if (order_.size() <= kRemembered) return;
  known_.erase(order_.front());
  order_.pop_front();
}

std::shared_ptr<Handled> HandledMessages::of(const std::string& consumer) {
  std::lock_guard lock(mutex_);
  std::erase_if(consumers_, [](const auto& entry) { return entry.second.expired(); });
  if (auto known = consumers_[consumer].lock()) return known;
  auto made = std::make_shared<Handled>();
  consumers_[consumer] = made;
  return made;
}

Result<std::unique_ptr<contracts::Subscription>> subscribe_stream(
    std::shared_ptr<Connection> connection, const MessagingNatsOptions& provider,
    HandledMessages& handled, const contracts::SubscribeOptions& options,
    contracts::Receiver receiver) {
  const ConsumerName named = consumer_name(options);
  UNBOLT_TRY(ensure_consumer(connection, named, provider, options));
  auto window = std::make_shared<DeliveryWindow>(std::move(receiver), options.in_flight,
                                                 DeliveryWindow::Bounds{});
  auto puller = std::make_shared<Puller>(connection, provider, options, named, window,
                                         handled.of(named.name));
  UNBOLT_TRY(puller->start());
  return std::make_unique<StreamSubscription>(std::move(connection), std::move(window),
                                              std::move(puller));
}

}  // namespace unbolt::providers::nats_messaging
