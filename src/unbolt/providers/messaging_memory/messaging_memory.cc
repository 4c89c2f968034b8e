#include "unbolt/providers/messaging_memory/messaging_memory.h"

#include <algorithm>

#include "unbolt/contracts/text.h"
#include "unbolt/providers/messaging_memory/broker.h"

namespace unbolt::providers {
namespace {

using contracts::Message;
using contracts::MessageView;
using contracts::Messaging;
using contracts::Subscription;
using memory::Broker;
using memory::Member;
using Clock = std::chrono::steady_clock;

class MemorySubscription final : public Subscription {
 public:
  MemorySubscription(std::shared_ptr<Broker> broker, std::shared_ptr<Member> member)
      : broker_(std::move(broker)), member_(std::move(member)) {}
  ~MemorySubscription() override { broker_->leave(member_); }

  Task<Result<>> drain(std::chrono::milliseconds timeout) override {
    // Both stay while this waits, also where the subscription is dropped meanwhile.
    const auto broker = broker_;
    const auto member = member_;
    const auto deadline = Clock::now() + timeout;
    broker->begin_drain(member);
    while (!broker->is_drained(*member)) {
      if (co_await member->drained->wait_until(deadline)) continue;
      const auto left = broker->left(*member);
      broker->leave(member);
      co_return fail(ErrorCode::Timeout, "{} messages were not handled within {} ms", left,
                     timeout.count());
    }
    broker->leave(member);
    co_return Result<>();
  }

  contracts::SubscriptionCounts counts() const override { return broker_->counts(*member_); }

 private:
  std::shared_ptr<Broker> broker_;
  std::shared_ptr<Member> member_;
};

// Waits until every queue it goes to has room: the number of receivers.
Task<Result<std::size_t>> publish_when_there_is_room(std::shared_ptr<Broker> broker,
                                                     std::shared_ptr<const Message> message,
                                                     std::shared_ptr<Wakeup> full,
                                                     Clock::time_point deadline) {
  while (co_await full->wait_until(deadline)) {
    auto published = broker->publish(message, full);
    if (!published.full) co_return published.receivers;
  }
  co_return fail(ErrorCode::LimitExceeded,
                 "the message to '{}' was not sent: a queue is full, its receivers are too slow",
                 contracts::printable(message->subject, 120));
}

Task<Result<>> as_publish(Task<Result<std::size_t>> published) {
  auto result = co_await std::move(published);
  if (!result) co_return std::unexpected(std::move(result.error()));
  co_return Result<>();
}

// Its inbox lives as long as the request.
class InboxScope {
 public:
  explicit InboxScope(Broker& broker) : broker_(broker), subject_(broker.open_inbox(inbox_)) {}
  ~InboxScope() { broker_.close_inbox(subject_); }
  InboxScope(const InboxScope&) = delete;
  InboxScope& operator=(const InboxScope&) = delete;
  const std::string& subject() const { return subject_; }
  Wakeup& wakeup() { return *inbox_->wakeup; }
  std::shared_ptr<const Message> take() { return broker_.close_inbox(subject_); }

 private:
  Broker& broker_;
  std::shared_ptr<Broker::Inbox> inbox_ = std::make_shared<Broker::Inbox>();
  std::string subject_;
};

Task<Result<Message>> ask(std::shared_ptr<Broker> broker, Message message,
                          std::chrono::milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  InboxScope inbox(*broker);
  message.reply_to = inbox.subject();
  auto sent = std::make_shared<const Message>(std::move(message));
  auto full = std::make_shared<Wakeup>();
  auto published = broker->publish(sent, full);
  if (published.full) {
    auto later =
        co_await publish_when_there_is_room(broker, sent, std::move(published.full), deadline);
    if (!later) co_return std::unexpected(std::move(later.error()));
    published.receivers = *later;
  }
  if (published.receivers == 0) {
    co_return fail(ErrorCode::Unavailable, "nobody subscribes to '{}'",
                   contracts::printable(sent->subject, 120));
  }
  if (!co_await inbox.wakeup().wait_until(deadline)) {
    co_return fail(ErrorCode::Timeout, "no answer to the request to '{}' within {} ms",
                   contracts::printable(sent->subject, 120), timeout.count());
  }
  co_return Message(*inbox.take());
}

class MessagingMemory final : public Messaging {
 public:
  explicit MessagingMemory(std::shared_ptr<Broker> broker) : broker_(std::move(broker)) {}

  Reply<Result<>> publish(const MessageView& view) override {
    if (auto ok = contracts::check_message(view); !ok) return ok;
    auto message = std::make_shared<Message>(
        Message{std::string(view.subject), to_bytes(view.body), std::nullopt});
    if (view.reply_to) message->reply_to.emplace(*view.reply_to);
    auto published = broker_->publish(message, std::make_shared<Wakeup>());
    if (!published.full) return Result<>();
    return as_publish(
        publish_when_there_is_room(broker_, std::move(message), std::move(published.full),
                                   Clock::now() + broker_->options().publish_timeout));
  }

  Reply<Result<Message>> request(std::string_view subject, ByteView body,
                                 std::chrono::milliseconds timeout) override {
    if (auto ok = contracts::check_request(subject, body); !ok)
      return std::unexpected(std::move(ok.error()));
    return ask(broker_, Message{std::string(subject), to_bytes(body), std::nullopt},
               std::min(timeout, contracts::MessagingLimits::kTimeout));
  }

  Reply<Result<std::unique_ptr<Subscription>>> subscribe(contracts::SubscribeOptions options,
                                                         contracts::Receiver receiver) override {
    using Answer = Result<std::unique_ptr<Subscription>>;
    if (auto ok = contracts::check_subscribe(options); !ok)
      return Answer(std::unexpected(std::move(ok.error())));
    auto member = broker_->join(std::move(options), std::move(receiver));
    if (!member) return Answer(std::unexpected(std::move(member.error())));
    return Answer(std::make_unique<MemorySubscription>(broker_, std::move(*member)));
  }

 private:
  std::shared_ptr<Broker> broker_;
};

Result<std::uint64_t> count_option(const contracts::ProviderUrl& url, std::string_view name,
                                   std::uint64_t otherwise) {
  UNBOLT_ASSIGN(const auto count, url.bytes_option(name, otherwise));
  if (count > 0) return count;
  return fail(ErrorCode::InvalidArgument, "the option '{}' of '{}' must be at least 1", name,
              url.shown());
}

}  // namespace

std::shared_ptr<Messaging> make_messaging_memory(Log& log, MessagingMemoryOptions options) {
  return std::make_shared<MessagingMemory>(std::make_shared<Broker>(log, options));
}

Result<std::shared_ptr<Messaging>> open_messaging_memory(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context) {
  static constexpr std::string_view kOptions[] = {"queue", "queue_bytes", "attempts"};
  UNBOLT_TRY(url.only_options(kOptions));
  MessagingMemoryOptions options;
  UNBOLT_ASSIGN(options.queue, count_option(url, "queue", options.queue));
  UNBOLT_ASSIGN(options.queue_bytes, count_option(url, "queue_bytes", options.queue_bytes));
  UNBOLT_ASSIGN(options.attempts, count_option(url, "attempts", options.attempts));
  return make_messaging_memory(context.log, options);
}

}  // namespace unbolt::providers
