#include "unbolt/providers/messaging_nats/core_subscription.h"

#include <atomic>

#include "unbolt/contracts/text.h"

namespace unbolt::providers::nats_messaging {
namespace {

using contracts::DeliveryWindow;
using contracts::Message;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

class CoreSubscription final : public contracts::Subscription {
 public:
  CoreSubscription(std::shared_ptr<nats::Connection> connection,
                   std::shared_ptr<DeliveryWindow> window,
                   std::unique_ptr<nats::Subscriber> subscriber)
      : connection_(std::move(connection)),
        window_(std::move(window)),
        subscriber_(std::move(subscriber)) {}
  ~CoreSubscription() override { window_->close(); }

  Task<Result<>> drain(milliseconds timeout) override {
    const auto deadline = Clock::now() + timeout;
    const auto connection = connection_;
    const auto window = window_;
    co_await drain_subscriber(*connection, *subscriber_, deadline);
    co_return co_await finish(connection, window, timeout, deadline);
  }

  contracts::SubscriptionCounts counts() const override { return window_->counts(); }

 private:
  const std::shared_ptr<nats::Connection> connection_;
  const std::shared_ptr<DeliveryWindow> window_;
  const std::unique_ptr<nats::Subscriber> subscriber_;
};

}  // namespace

std::shared_ptr<const Message> to_message(const nats::Incoming& incoming) {
  auto message = std::make_shared<Message>();
  message->subject = incoming.subject();
  message->body = to_bytes(incoming.body());
  if (const auto reply_to = incoming.reply_to(); !reply_to.empty())
    message->reply_to.emplace(reply_to);
  return message;
}

Task<bool> drain_subscriber(nats::Connection& connection, nats::Subscriber& subscriber,
                            nats::Time deadline) {
  const auto drained = std::make_shared<Wakeup>();
  // What a server that is away has not sent, it gives to others, or again.
  deadline = connection.connected() ? std::min(deadline, connection.deadline()) : Clock::now();
  const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
  // It writes to the socket.
  co_await connection.blocking().run(
      [&] { subscriber.drain(std::max(left, milliseconds(1)), [drained] { drained->wake(); }); });
  co_return co_await drained->wait_until(deadline);
}

Task<Result<>> finish(std::shared_ptr<nats::Connection> connection,
                      std::shared_ptr<DeliveryWindow> window, milliseconds timeout,
                      nats::Time deadline) {
  while (!window->idle()) {
    if (co_await window->idle_again()->wait_until(deadline)) continue;
    const auto left = window->left();
    window->close();
    co_return fail(ErrorCode::Timeout, "{} messages were not handled within {} ms", left,
                   timeout.count());
  }
  window->close();
  // Where the server is away, it will give again what it does not know to be handled.
  if (connection->connected())
    (void)co_await connection->flush(std::min(deadline, connection->deadline()));
  co_return Result<>();
}

Result<std::unique_ptr<contracts::Subscription>> subscribe_core(
    std::shared_ptr<nats::Connection> connection, const contracts::SubscribeOptions& options,
    contracts::Receiver receiver) {
  auto window = std::make_shared<DeliveryWindow>(std::move(receiver), options.in_flight,
                                                 DeliveryWindow::Bounds{});
  auto warned = std::make_shared<std::atomic<bool>>(false);
  UNBOLT_ASSIGN(auto subscriber,
                connection->subscribe(options.subject, options.group.value_or(""),
                                      [window, warned, log = &connection->log(),
                                       subject = options.subject](nats::Incoming incoming) {
                                        if (window->push({to_message(incoming), 1, nullptr}) ||
                                            warned->exchange(true))
                                          return;
                                        log->line(
                                            LogLevel::Warn, "messaging",
                                            "messages of '{}' are lost: the receiver is too slow",
                                            contracts::printable(subject, 120));
                                      }));
  return std::make_unique<CoreSubscription>(std::move(connection), std::move(window),
                                            std::move(subscriber));
}

}  // namespace unbolt::providers::nats_messaging
