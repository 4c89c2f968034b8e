#include "unbolt/nats/subscriber.h"

#include <nats/nats.h>

#include <mutex>

namespace unbolt::nats {
namespace {

// What the library's callbacks reach: theirs until the last of them has run.
struct Closure {
  Connection::OnMessage on_message;
  std::mutex mutex;
  bool complete = false;
  std::move_only_function<void()> on_complete;
};
using Held = std::shared_ptr<Closure>;

void on_message(natsConnection*, natsSubscription*, natsMsg* message, void* held) noexcept {
  (*static_cast<Held*>(held))->on_message(Incoming(message));
}

void on_complete(void* given) noexcept {
  const std::unique_ptr<Held> held(static_cast<Held*>(given));
  std::unique_lock lock((*held)->mutex);
  (*held)->complete = true;
  auto then = std::exchange((*held)->on_complete, nullptr);
  auto last = std::exchange((*held)->on_message, nullptr);
  lock.unlock();
  if (then) then();
}

class LibrarySubscriber final : public Subscriber {
 public:
  LibrarySubscriber(natsSubscription* subscription, Held closure, std::shared_ptr<Connection> keep)
      : subscription_(subscription), closure_(std::move(closure)), keep_(std::move(keep)) {}
  // The library waits for its lock, which it holds while it connects.
  ~LibrarySubscriber() override {
    if (!keep_)
      end(subscription_);
    else
      keep_->blocking().post(
          [subscription = subscription_, keep = keep_]() noexcept { end(subscription); });
  }

  void drain(std::chrono::milliseconds timeout, std::move_only_function<void()> then) override {
    {
      std::lock_guard lock(closure_->mutex);
      if (!closure_->complete) {
        closure_->on_complete = std::move(then);
        then = nullptr;
      }
    }
    if (then) return then();
    natsSubscription_DrainTimeout(subscription_, timeout.count());
  }

 private:
  static void end(natsSubscription* subscription) {
    natsSubscription_Unsubscribe(subscription);
    natsSubscription_Destroy(subscription);
  }

  natsSubscription* subscription_;
  const Held closure_;
  const std::shared_ptr<Connection> keep_;
};

}  // namespace

Result<std::unique_ptr<Subscriber>> make_subscriber(
    natsConnection* connection, std::shared_ptr<Connection> keep, const std::string& subject,
    const std::string& group, Connection::OnMessage receiver, std::chrono::milliseconds timeout) {
  auto closure = std::make_shared<Closure>();
  closure->on_message = std::move(receiver);
  auto held = std::make_unique<Held>(closure);
  natsSubscription* made = nullptr;
  natsStatus status =
      group.empty()
          ? natsConnection_Subscribe(&made, connection, subject.c_str(), &on_message, held.get())
          : natsConnection_QueueSubscribe(&made, connection, subject.c_str(), group.c_str(),
                                          &on_message, held.get());
  if (status == NATS_OK) {
    natsSubscription_SetPendingLimits(made, -1, -1);  // the bounds are with who gets the messages
    natsSubscription_SetOnCompleteCB(made, &on_complete, held.release());
    auto subscriber =
        std::make_unique<LibrarySubscriber>(made, std::move(closure), std::move(keep));
    status = natsConnection_FlushTimeout(connection, timeout.count());
    if (status == NATS_OK) return subscriber;
  }
  return fail(status == NATS_TIMEOUT ? ErrorCode::Timeout : ErrorCode::Unavailable,
              "cannot subscribe to '{}': {}", subject, natsStatus_GetText(status));
}

}  // namespace unbolt::nats
