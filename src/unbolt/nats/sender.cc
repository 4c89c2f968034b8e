#include "unbolt/nats/sender.h"

#include <nats/nats.h>

#include <algorithm>

namespace unbolt::nats {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kTick{250};
// How often it looks whether the connection is there again.
constexpr milliseconds kRetry{20};
constexpr milliseconds kLinger{500};
constexpr std::size_t kBatch = 512;
constexpr std::size_t kBatchBytes = 1 << 20;

struct DestroyMessage {
  void operator()(natsMsg* message) const { natsMsg_Destroy(message); }
};

natsStatus publish(natsConnection* connection, const Outgoing& message) {
  natsMsg* made = nullptr;
  natsStatus status = natsMsg_Create(
      &made, message.subject.c_str(), message.reply_to.empty() ? nullptr : message.reply_to.c_str(),
      reinterpret_cast<const char*>(message.body.data()), static_cast<int>(message.body.size()));
  std::unique_ptr<natsMsg, DestroyMessage> owned(made);
  for (const auto& [name, value] : message.headers) {
    if (status == NATS_OK) status = natsMsgHeader_Set(made, name.c_str(), value.c_str());
  }
  return status == NATS_OK ? natsConnection_PublishMsg(connection, made) : status;
}

bool is_disconnected(natsStatus status) {
  return status == NATS_CONNECTION_DISCONNECTED || status == NATS_INSUFFICIENT_BUFFER ||
         status == NATS_NOT_YET_CONNECTED;
}

Error error_of(natsStatus status, std::string_view shown) {
  return Error{status == NATS_MAX_PAYLOAD ? ErrorCode::LimitExceeded : ErrorCode::Unavailable,
               fmt::format("{}: {}", shown, natsStatus_GetText(status)),
               {}};
}

milliseconds time_left(Clock::time_point deadline) {
  return std::chrono::ceil<milliseconds>(deadline - Clock::now());
}

}  // namespace

Sender::Sender(__natsConnection* connection, const std::atomic<bool>& connected, std::string shown,
               std::uint64_t most_bytes)
    : connection_(connection),
      connected_(connected),
      shown_(std::move(shown)),
      most_bytes_(most_bytes),
      thread_([this] { run(); }) {}

bool Sender::push(Item item) {
  std::lock_guard lock(mutex_);
  const auto size = item.message.size();
  if (stopping_ || (bytes_ + size > most_bytes_ && !waiting_.empty())) return false;
  bytes_ += size;
  waiting_.push_back(std::move(item));
  if (waiting_.size() == 1) changed_.notify_one();
  return true;
}

void Sender::tick(std::weak_ptr<void> owner, std::function<void()> work) {
  std::lock_guard lock(mutex_);
  ticks_.emplace_back(std::move(owner), std::move(work));
}

void Sender::stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void Sender::run() {
  Clock::time_point end = Clock::time_point::max();
  while (true) {
    Lock lock(mutex_);
    if (stopping_) end = std::min(end, Clock::now() + kLinger);
    const bool connected = connected_;
    if (stopping_ && (waiting_.empty() || !connected || Clock::now() >= end)) return;
    if (Clock::now() >= next_tick_ && !stopping_) run_ticks(lock);
    if (waiting_.empty()) {
      changed_.wait_until(lock, next_tick_);
      continue;
    }
    auto batch = take();
    lock.unlock();
    if (connected) {
      send(std::move(batch));
    } else if (natsConnection_IsClosed(connection_)) {
      for (Item& item : batch)
        if (item.done) item.done(std::unexpected(error_of(NATS_CONNECTION_CLOSED, shown_)));
    } else {
      give_back(std::move(batch));
      std::this_thread::sleep_for(kRetry);
    }
  }
}

void Sender::run_ticks(Lock& lock) {
  next_tick_ = Clock::now() + kTick;
  std::erase_if(ticks_, [](const auto& tick) { return tick.first.expired(); });
  auto ticks = ticks_;
  lock.unlock();
  for (const auto& [owner, work] : ticks) {
    if (auto alive = owner.lock()) work();
  }
  ticks.clear();
  lock.lock();
}

// The next to be sent, without those that nobody waits for any more.
Sender::Batch Sender::take() {
  Batch batch;
  std::size_t bytes = 0;
  const auto now = Clock::now();
  while (!waiting_.empty() && batch.size() < kBatch && bytes < kBatchBytes) {
    Item item = std::move(waiting_.front());
    waiting_.pop_front();
    const auto size = item.message.size();
    bytes_ -= size;
    if (item.deadline <= now || (item.sending && item.sending->left)) continue;
    bytes += size;
    batch.push_back(std::move(item));
  }
  return batch;
}

void Sender::give_back(Batch unsent) {
  std::lock_guard lock(mutex_);
  for (auto& item : unsent) bytes_ += item.message.size();
  waiting_.insert(waiting_.begin(), std::make_move_iterator(unsent.begin()),
                  std::make_move_iterator(unsent.end()));
}

void Sender::send(Batch batch) {
  Batch unconfirmed;
  for (auto item = batch.begin(); item != batch.end(); ++item) {
    if (item->sending) item->sending->sent = true;
    const auto status = publish(connection_, item->message);
    if (status == NATS_OK) {
      if (item->until == Until::Confirmed) unconfirmed.push_back(std::move(*item));
      continue;
    }
    if (is_disconnected(status)) {
      if (item->sending) item->sending->sent = false;
      give_back(Batch(std::make_move_iterator(item), std::make_move_iterator(batch.end())));
      break;
    }
    if (item->done) item->done(std::unexpected(error_of(status, shown_)));
  }
  confirm(std::move(unconfirmed));
}

void Sender::confirm(Batch sent) {
  while (!sent.empty()) {
    const auto first = std::ranges::min_element(sent, {}, &Item::deadline)->deadline;
    const auto patience = std::max(time_left(first), milliseconds(1));
    const auto status = natsConnection_FlushTimeout(connection_, patience.count());
    if (status == NATS_TIMEOUT) {
      std::erase_if(sent, [now = Clock::now()](const Item& item) { return item.deadline <= now; });
      continue;
    }
    for (Item& item : sent) {
      if (status == NATS_OK) {
        item.done({});
      } else {
        item.done(std::unexpected(Error{
            ErrorCode::ConnectionClosed,
            fmt::format("{}: the connection was lost before the server had confirmed a message",
                        shown_),
            {}}));
      }
    }
    return;
  }
}

}  // namespace unbolt::nats
