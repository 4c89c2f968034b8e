// The broker of `memory:`: queues, their members, and who waits for room.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "unbolt/base/log.h"
#include "unbolt/base/wakeup.h"
#include "unbolt/contracts/messaging.h"
#include "unbolt/contracts/receiver_gate.h"
#include "unbolt/providers/messaging_memory/messaging_memory.h"

namespace unbolt::providers::memory {

struct Queue;

// One subscription. Guarded by the broker's mutex, but for the gate.
struct Member {
  Member(contracts::Receiver receiver, std::size_t most)
      : gate(std::move(receiver)), in_flight_most(most) {}
  contracts::ReceiverGate gate;
  const std::size_t in_flight_most;
  std::size_t in_flight = 0;
  bool draining = false;
  bool gone = false;
  contracts::SubscriptionCounts counts;
  std::shared_ptr<Queue> queue;
  std::shared_ptr<Wakeup> drained = std::make_shared<Wakeup>();
};

struct Waiting {
  std::shared_ptr<const contracts::Message> message;
  std::uint64_t attempt = 1;
};

struct Queue {
  std::string subject;  // with wildcards
  std::optional<std::string> group;
  std::optional<std::string> durable;
  std::deque<Waiting> waiting;
  std::uint64_t bytes = 0;
  std::vector<std::shared_ptr<Member>> members;
  std::size_t turn = 0;
  std::vector<std::shared_ptr<Wakeup>> publishers;  // who wait for room

  // Whether new messages come here: somebody will take them.
  bool open() const;
};

// Thread-safe. Receivers are called with no lock held, on the thread that published or answered.
class Broker : public std::enable_shared_from_this<Broker> {
 public:
  Broker(Log& log, MessagingMemoryOptions options) : log_(log), options_(options) {}

  // To all queues whose pattern names it, or none: then the answer is the full one.
  struct Published {
    std::size_t receivers = 0;
    std::shared_ptr<Wakeup> full;  // set: wait for it, then try again
  };
  // `wait` is what a full queue is to wake.
  Published publish(const std::shared_ptr<const contracts::Message>& message,
                    std::shared_ptr<Wakeup> wait);

  // A place for the answer to a request.
  struct Inbox {
    std::shared_ptr<Wakeup> wakeup = std::make_shared<Wakeup>();
    std::shared_ptr<const contracts::Message> answer;  // guarded by the broker's mutex
  };
  std::string open_inbox(std::shared_ptr<Inbox> inbox);
  // What came; null where nothing did.
  std::shared_ptr<const contracts::Message> close_inbox(const std::string& subject);

  Result<std::shared_ptr<Member>> join(contracts::SubscribeOptions options,
                                       contracts::Receiver receiver);
  // Takes no more of what others can take.
  void begin_drain(const std::shared_ptr<Member>& member);
  // Nothing in flight, and nothing waits that only this one can take.
  bool is_drained(const Member& member);
  std::size_t left(const Member& member);
  void leave(const std::shared_ptr<Member>& member);
  contracts::SubscriptionCounts counts(const Member& member);

  const MessagingMemoryOptions& options() const { return options_; }

 private:
  using Lock = std::unique_lock<std::mutex>;
  // A thread that delivers; what comes up on it meanwhile is done there, not deeper in its stack.
  struct Pump {
    std::thread::id thread;
    std::vector<std::shared_ptr<Queue>> todo;
  };

  bool has_room(const Queue& queue, const contracts::Message& message) const;
  void enqueue(Queue& queue, Waiting item);
  std::shared_ptr<Member> next_member(Queue& queue);
  void pump(Lock& lock, std::shared_ptr<Queue> queue);
  bool deliver_one(Lock& lock, const std::shared_ptr<Queue>& queue);
  void answered(const std::shared_ptr<Member>& member, Waiting item,
                contracts::Delivery::Outcome outcome);
  void wake_publishers(Queue& queue);
  void wake_drained(Queue& queue);

  Log& log_;
  const MessagingMemoryOptions options_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<Queue>> queues_;
  std::map<std::string, std::shared_ptr<Inbox>, std::less<>> inboxes_;
  std::uint64_t last_inbox_ = 0;
  std::vector<Pump*> pumps_;
};

}  // namespace unbolt::providers::memory
