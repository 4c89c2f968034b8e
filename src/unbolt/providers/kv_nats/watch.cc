#include "unbolt/providers/kv_nats/watch.h"

#include <charconv>
#include <mutex>
#include <vector>

#include "unbolt/providers/kv_nats/names.h"

namespace unbolt::providers::nats_kv {
namespace {

using contracts::KeyChange;
using nats::Incoming;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kHeartbeat{2}, kSilence{6}, kPause{1};

// Of `$JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.ATTEMPT.SEQUENCE.DELIVERY.…`.
struct Position {
  std::string_view consumer;
  std::uint64_t sequence = 0, delivery = 0;
};
std::optional<Position> position_of(std::string_view reply_to) {
  std::vector<std::string_view> tokens;
  while (!reply_to.empty() && tokens.size() < 16) {
    tokens.push_back(reply_to.substr(0, reply_to.find('.')));
    reply_to.remove_prefix(std::min(tokens.back().size() + 1, reply_to.size()));
  }
  if (tokens.size() < 9 || tokens[1] != "ACK") return std::nullopt;
  const std::size_t at = tokens.size() == 9 ? 3 : 5;
  Position position{tokens[at]};
  const auto read = [&](std::string_view token, std::uint64_t& number) {
    std::from_chars(token.data(), token.data() + token.size(), number);
  };
  read(tokens[at + 2], position.sequence);
  read(tokens[at + 3], position.delivery);
  return position;
}

class StoreWatcher final : public Watcher, public std::enable_shared_from_this<StoreWatcher> {
 public:
  StoreWatcher(std::shared_ptr<const Store> store, std::optional<std::string> bucket,
               contracts::OnKeyChange changed)
      : store_(std::move(store)),
        filter_(store_->prefix + (bucket ? encode(*bucket) : "*") + ".*"),
        inbox_(store_->connection->new_inbox()),
        changed_(std::move(changed)) {}

  Result<> start() {
    UNBOLT_ASSIGN(auto subscriber, store_->connection->subscribe(
                                       inbox_, "", [weak = weak_from_this()](Incoming incoming) {
                                         if (auto self = weak.lock())
                                           self->arrived(std::move(incoming));
                                       }));
    {
      std::lock_guard lock(mutex_);
      subscriber_ = std::move(subscriber);
    }
    UNBOLT_TRY(make_consumer());
    store_->connection->tick(weak_from_this(), [this] { tick(); });
    return {};
  }

  void end() override {
    std::unique_ptr<nats::Subscriber> subscriber;
    std::string consumer;
    {
      std::lock_guard lock(mutex_);
      if (ended_) return;
      ended_ = true;
      subscriber = std::move(subscriber_);
      consumer = consumer_;
    }
    if (!consumer.empty())
      store_->connection->send(
          {"$JS.API.CONSUMER.DELETE." + store_->stream + "." + consumer, {}, {}, {}});
  }

 private:
  void arrived(Incoming incoming);
  void tick();
  Result<> make_consumer();

  const std::shared_ptr<const Store> store_;
  const std::string filter_, inbox_;
  std::mutex mutex_;  // also while a report is made: one at a time, and none after the end
  const contracts::OnKeyChange changed_;
  std::unique_ptr<nats::Subscriber> subscriber_;
  bool ended_ = false;
  bool making_ = false;
  std::string consumer_;
  std::uint64_t generation_ = 0;
  std::optional<std::uint64_t> last_;  // of the stream that was seen
  std::uint64_t delivered_ = 0;        // of the consumer
  Clock::time_point heard_{}, next_try_{};
};

void StoreWatcher::arrived(Incoming incoming) {
  std::lock_guard lock(mutex_);
  if (ended_) return;
  const auto position = position_of(incoming.reply_to());
  if (!position) {
    if (incoming.status() == 100) heard_ = Clock::now();
    return;
  }
  if (position->consumer != consumer_) return;
  heard_ = Clock::now();
  if (position->delivery != delivered_ + 1) {
    generation_ = 0;  // something is missing: the next tick begins anew
    return;
  }
  delivered_ = position->delivery;
  last_ = position->sequence;
  auto place = place_of(incoming.subject(), store_->prefix, incoming.header(kKeyHeader));
  if (!place) return;
  const bool removed = is_removal(incoming);
  changed_({removed ? KeyChange::Kind::Deleted : KeyChange::Kind::Set, std::move(place->bucket),
            std::move(place->key),
            removed ? nullptr : std::make_shared<const Bytes>(to_bytes(incoming.body()))});
}

void StoreWatcher::tick() {
  const auto& connection = store_->connection;
  std::lock_guard lock(mutex_);
  const auto now = Clock::now();
  const bool well = generation_ == connection->generation() + 1 && now - heard_ < kSilence;
  if (ended_ || making_ || well || now < next_try_ || !connection->connected()) return;
  making_ = true;
  next_try_ = now + kPause;
  connection->blocking().post([weak = weak_from_this()]() noexcept {
    auto self = weak.lock();
    if (!self) return;
    const bool made = self->make_consumer().has_value();
    std::lock_guard again(self->mutex_);
    self->making_ = false;
    if (made && !self->ended_) self->changed_({KeyChange::Kind::Missed, {}, {}, nullptr});
  });
}

Result<> StoreWatcher::make_consumer() {
  const auto& connection = store_->connection;
  const std::string name = nats::new_message_id();
  // One more, so that 0 stands for none.
  const auto generation = connection->generation() + 1;
  json config = {
      {"name", name},
      {"deliver_subject", inbox_},
      {"deliver_policy", "new"},
      {"filter_subject", filter_},
      {"ack_policy", "none"},
      {"max_deliver", 1},
      {"mem_storage", true},
      {"num_replicas", 1},
      {"idle_heartbeat", std::chrono::nanoseconds(kHeartbeat).count()},
      {"inactive_threshold", std::chrono::nanoseconds(std::chrono::seconds(30)).count()}};
  {
    std::lock_guard lock(mutex_);
    if (last_) {
      config["deliver_policy"] = "by_start_sequence";
      config["opt_start_seq"] = *last_ + 1;
    }
    consumer_ = name;
    delivered_ = 0;
    heard_ = Clock::now();
    generation_ = generation;
  }
  const json request = {{"stream_name", store_->stream}, {"config", std::move(config)}};
  auto made = nats::run_here(nats::api(connection, "CONSUMER.CREATE." + store_->stream + "." + name,
                                       request, connection->deadline()));
  auto body = made ? nats::body_of(std::move(*made), connection->options().shown + ": watching")
                   : Result<json>(std::unexpected(std::move(made.error())));
  std::lock_guard lock(mutex_);
  if (!body) {
    generation_ = 0;
    return std::unexpected(std::move(body.error()));
  }
  // Where it begins, for the next one.
  const auto begin = body->value("delivered", json::object()).value("stream_seq", std::uint64_t{0});
  if (!last_ || *last_ < begin) last_ = begin;
  return {};
}

}  // namespace

Result<std::shared_ptr<Watcher>> start_watch(std::shared_ptr<const Store> store,
                                             std::optional<std::string> bucket,
                                             contracts::OnKeyChange changed) {
  auto watcher =
      std::make_shared<StoreWatcher>(std::move(store), std::move(bucket), std::move(changed));
  UNBOLT_TRY(watcher->start());
  return watcher;
}

}  // namespace unbolt::providers::nats_kv
