// The messaging capability: subjects, those who publish to them and those who subscribe.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/base/reply.h"

namespace unbolt::contracts {

// What every provider takes at most; a broker may take less (NATS: max_payload, 1 MiB by default).
// Beyond it the answer is LimitExceeded and nothing was sent. In bytes.
struct MessagingLimits {
  static constexpr std::size_t kSubject = 1024;
  static constexpr std::size_t kBody = 8 << 20;
  static constexpr std::size_t kName = 128;  // of a queue group or a durable subscription
  static constexpr std::size_t kInFlight = 10'000;
  static constexpr std::chrono::milliseconds kTimeout{300'000};  // of a request; longer is cut
};

struct Message {
  std::string subject;
  Bytes body;
  std::optional<std::string> reply_to;  // where an answer goes
};

// A message that is looked at: holds until the function it is given to returns.
struct MessageView {
  std::string_view subject;
  ByteView body;
  std::optional<std::string_view> reply_to;
};

// One message on its way to a receiver, who answers for it: `handled` once it is, or `failed`. One
// that is dropped without an answer has failed. May be answered on any thread and at any time, also
// when the subscription and the provider are gone; what the provider was made with (its log and
// threads) outlives it.
class Delivery {
 public:
  enum class Outcome : std::uint8_t { Handled, Failed };
  using Answer = std::move_only_function<void(Outcome)>;  // called once; must not throw

  Delivery(std::shared_ptr<const Message> message, std::uint64_t attempt, Answer answer)
      : message_(std::move(message)), attempt_(attempt), answer_(std::move(answer)) {}
  Delivery(Delivery&& other) noexcept
      : message_(std::move(other.message_)),
        attempt_(other.attempt_),
        answer_(std::exchange(other.answer_, nullptr)) {}
  Delivery& operator=(Delivery&&) = delete;
  ~Delivery() { failed(); }

  const Message& message() const { return *message_; }
  // 1 when it is given for the first time, as far as the broker knows.
  std::uint64_t attempt() const { return attempt_; }

  void handled() { answer(Outcome::Handled); }
  void failed() { answer(Outcome::Failed); }

 private:
  void answer(Outcome outcome) {
    if (auto once = std::exchange(answer_, nullptr)) once(outcome);
  }

  std::shared_ptr<const Message> message_;
  std::uint64_t attempt_;
  Answer answer_;
};

// Called on any thread, also on several at once and inside `publish`. It does not block, does not
// throw and drops no subscription: it hands the delivery on, to the loop that will work on it.
using Receiver = std::function<void(Delivery)>;

struct SubscribeOptions {
  // With the wildcards of NATS: `*` stands for one token, `>` at the end for one or more.
  std::string subject;
  // Of the subscriptions with the same subject and group, one gets a message; without a group every
  // one does.
  std::optional<std::string> group;
  // What the broker keeps under this name while nobody listens is given to who comes next; those
  // with the same name share the messages. Unsupported where the broker keeps nothing.
  std::optional<std::string> durable;
  // Deliveries that have no answer yet, at a time.
  std::size_t in_flight = 64;
};

struct SubscriptionCounts {
  std::uint64_t delivered = 0;  // with those that came again
  std::uint64_t handled = 0;
  std::uint64_t failed = 0;
  std::uint64_t lost = 0;  // by this program: there was no room, or the last attempt failed
};

// Dropping it stops it at once: no call of the receiver begins from then on, and one that is under
// way has ended. Deliveries that have no answer yet keep their meaning. What was waiting here goes
// back to where it is shared (a group, a durable name), else it is lost.
class Subscription {
 public:
  virtual ~Subscription() = default;

  // Takes no new messages, waits until all that came here have their answer, and ends. What waits
  // goes to the others of the group or durable name; where there are none, it is delivered here
  // first. So to hand a group over without losing a message, or handling one twice: subscribe anew,
  // then drain the old. Once; Timeout says how many are left, and ends the subscription too.
  virtual Task<Result<>> drain(std::chrono::milliseconds timeout) = 0;

  virtual SubscriptionCounts counts() const = 0;
};

// What a provider of `wasmcloud:messaging` implements. Shared by all loops of the program: every
// function is thread-safe. Arguments are views that hold until the function returns, not until its
// task has ended. A later answer completes on the loop that awaits it.
//
// Subjects are tokens joined by dots. Those whose first token begins with `$` are the broker's own:
// Denied.
class Messaging {
 public:
  virtual ~Messaging() = default;

  // Answered when the broker has the message: all who listen now will get it, and where it is kept
  // (JetStream) it survives the broker. An error may come for a message that was sent all the same:
  // where the broker's answer was lost.
  virtual Reply<Result<>> publish(const MessageView& message) = 0;

  // The first answer. Unavailable where nobody listens, Timeout where nobody answers.
  virtual Reply<Result<Message>> request(std::string_view subject, ByteView body,
                                         std::chrono::milliseconds timeout) = 0;

  // Answered when the broker knows of it: what is published from then on is delivered. The
  // subscription keeps the provider's connection open.
  virtual Reply<Result<std::unique_ptr<Subscription>>> subscribe(SubscribeOptions options,
                                                                 Receiver receiver) = 0;
};

// For providers: the arguments against the rules, so that all refuse with the same words.
Result<> check_message(const MessageView& message);
Result<> check_request(std::string_view subject, ByteView body);
Result<> check_subscribe(const SubscribeOptions& options);

// Whether `pattern`, which may hold wildcards, names `subject`, which holds none.
bool subject_matches(std::string_view pattern, std::string_view subject);
// Whether there is a subject that both patterns name.
bool patterns_meet(std::string_view one, std::string_view other);

}  // namespace unbolt::contracts
