#include "unbolt/providers/messaging_memory/broker.h"

#include <algorithm>

#include "unbolt/contracts/text.h"

namespace unbolt::providers::memory {

using contracts::Delivery;
using contracts::Message;

bool Queue::open() const {
  return durable || std::ranges::any_of(members, [](const auto& m) { return !m->draining; });
}

namespace {

constexpr std::string_view kInbox = "_INBOX.";

std::uint64_t cost(const Message& message) {
  return message.subject.size() + message.body.size() + 128;
}

}  // namespace

bool Broker::has_room(const Queue& queue, const Message& message) const {
  // A message larger than the whole queue may have an empty one to itself.
  return queue.waiting.empty() || (queue.waiting.size() < options_.queue &&
                                   queue.bytes + cost(message) <= options_.queue_bytes);
}

void Broker::enqueue(Queue& queue, Waiting item) {
  queue.bytes += cost(*item.message);
  queue.waiting.push_back(std::move(item));
}

Broker::Published Broker::publish(const std::shared_ptr<const Message>& message,
                                  std::shared_ptr<Wakeup> wait) {
  Lock lock(mutex_);
  if (message->subject.starts_with(kInbox)) {
    if (auto found = inboxes_.find(message->subject); found != inboxes_.end()) {
      Inbox& inbox = *found->second;
      if (!inbox.answer) inbox.answer = message;
      inbox.wakeup->wake();
      return {1, nullptr};
    }
  }
  std::vector<std::shared_ptr<Queue>> to;
  for (const auto& queue : queues_) {
    if (!queue->open() || !contracts::subject_matches(queue->subject, message->subject)) continue;
    if (!has_room(*queue, *message)) {
      if (wait && std::ranges::find(queue->publishers, wait) == queue->publishers.end())
        queue->publishers.push_back(wait);
      return {0, std::move(wait)};
    }
    to.push_back(queue);
  }
  for (const auto& queue : to) enqueue(*queue, {message});
  for (const auto& queue : to) pump(lock, queue);
  return {to.size(), nullptr};
}

std::string Broker::open_inbox(std::shared_ptr<Inbox> inbox) {
  std::lock_guard lock(mutex_);
  std::string subject = fmt::format("{}{}", kInbox, ++last_inbox_);
  inboxes_.emplace(subject, std::move(inbox));
  return subject;
}

std::shared_ptr<const Message> Broker::close_inbox(const std::string& subject) {
  std::lock_guard lock(mutex_);
  auto found = inboxes_.find(subject);
  if (found == inboxes_.end()) return nullptr;
  auto answer = std::move(found->second->answer);
  inboxes_.erase(found);
  return answer;
}

Result<std::shared_ptr<Member>> Broker::join(contracts::SubscribeOptions options,
                                             contracts::Receiver receiver) {
  auto member = std::make_shared<Member>(std::move(receiver), options.in_flight);
  Lock lock(mutex_);
  std::shared_ptr<Queue> queue;
  for (const auto& known : queues_) {
    const bool shared = options.durable
                            ? known->durable == options.durable
                            : options.group && !known->durable && known->group == options.group &&
                                  known->subject == options.subject;
    if (shared) queue = known;
  }
  if (queue && queue->subject != options.subject) {
    return fail(ErrorCode::Conflict,
                "the durable subscription '{}' is there, for '{}' and not '{}'", *options.durable,
                queue->subject, options.subject);
  }
  if (!queue) {
    queue = std::make_shared<Queue>();
    queue->subject = std::move(options.subject);
    queue->group = std::move(options.group);
    queue->durable = std::move(options.durable);
    queues_.push_back(queue);
  }
  member->queue = queue;
  queue->members.push_back(member);
  wake_drained(*queue);  // what waits there is this one's now
  pump(lock, queue);
  return member;
}

// In turn, of those with room; one that drains only where nobody else will take it.
std::shared_ptr<Member> Broker::next_member(Queue& queue) {
  const bool others = queue.open();
  for (std::size_t i = 0; i < queue.members.size(); ++i) {
    const auto& member = queue.members[(queue.turn + i) % queue.members.size()];
    if (member->in_flight >= member->in_flight_most || (member->draining && others)) continue;
    queue.turn = (queue.turn + i + 1) % queue.members.size();
    return member;
  }
  return nullptr;
}

bool Broker::deliver_one(Lock& lock, const std::shared_ptr<Queue>& queue) {
  if (queue->waiting.empty()) return false;
  auto member = next_member(*queue);
  if (!member) return false;
  Waiting item = std::move(queue->waiting.front());
  queue->waiting.pop_front();
  queue->bytes -= cost(*item.message);
  ++member->in_flight;
  ++member->counts.delivered;
  wake_publishers(*queue);
  lock.unlock();
  const bool passed = member->gate.pass([&] {
    return Delivery(item.message, item.attempt,
                    [self = shared_from_this(), member, item](Delivery::Outcome outcome) mutable {
                      self->answered(member, std::move(item), outcome);
                    });
  });
  lock.lock();
  if (passed) return true;
  // It left meanwhile: as if it had never been asked.
  --member->in_flight;
  --member->counts.delivered;
  if (queue->members.empty() && !queue->durable) return false;
  queue->bytes += cost(*item.message);
  queue->waiting.push_front(std::move(item));
  return true;
}

void Broker::pump(Lock& lock, std::shared_ptr<Queue> queue) {
  const auto here = std::this_thread::get_id();
  for (Pump* pump : pumps_) {
    if (pump->thread == here) {
      pump->todo.push_back(std::move(queue));
      return;
    }
  }
  Pump mine{here, {std::move(queue)}};
  pumps_.push_back(&mine);
  while (!mine.todo.empty()) {
    auto next = std::move(mine.todo.back());
    mine.todo.pop_back();
    while (deliver_one(lock, next)) {
    }
  }
  std::erase(pumps_, &mine);
}

void Broker::answered(const std::shared_ptr<Member>& member, Waiting item,
                      Delivery::Outcome outcome) {
  Lock lock(mutex_);
  const auto queue = member->queue;
  --member->in_flight;
  if (outcome == Delivery::Outcome::Handled) {
    ++member->counts.handled;
  } else {
    ++member->counts.failed;
    // A member that is gone leaves its messages to the others.
    const bool again = (!queue->members.empty() || queue->durable);
    if (again && item.attempt < options_.attempts) {
      enqueue(*queue, {std::move(item.message), item.attempt + 1});
    } else {
      ++member->counts.lost;
      log_.line(LogLevel::Warn, "messaging", "a message of '{}' is dropped: {}",
                contracts::printable(item.message->subject, 120),
                again ? fmt::format("it failed {} times", item.attempt)
                      : "it failed, and its subscription is gone");
    }
  }
  wake_drained(*queue);
  pump(lock, queue);
}

void Broker::wake_publishers(Queue& queue) {
  for (auto& publisher : std::exchange(queue.publishers, {})) publisher->wake();
}

void Broker::wake_drained(Queue& queue) {
  for (const auto& member : queue.members) {
    if (member->draining) member->drained->wake();
  }
}

void Broker::begin_drain(const std::shared_ptr<Member>& member) {
  Lock lock(mutex_);
  member->draining = true;
  member->drained->wake();
  if (!member->queue->open()) wake_publishers(*member->queue);
  pump(lock, member->queue);
}

bool Broker::is_drained(const Member& member) {
  std::lock_guard lock(mutex_);
  return member.in_flight == 0 && (member.queue->waiting.empty() || member.queue->open());
}

std::size_t Broker::left(const Member& member) {
  std::lock_guard lock(mutex_);
  return member.in_flight + (member.queue->open() ? 0 : member.queue->waiting.size());
}

void Broker::leave(const std::shared_ptr<Member>& member) {
  member->gate.close();
  Lock lock(mutex_);
  if (member->gone) return;
  member->gone = true;
  const auto queue = member->queue;
  std::erase(queue->members, member);
  if (queue->members.empty() && !queue->durable) {
    member->counts.lost += queue->waiting.size();
    if (!queue->waiting.empty()) {
      log_.line(LogLevel::Warn, "messaging",
                "{} messages of '{}' are dropped: nobody listens any more", queue->waiting.size(),
                contracts::printable(queue->subject, 120));
    }
    queue->waiting.clear();
    queue->bytes = 0;
    std::erase(queues_, queue);
    wake_publishers(*queue);
    return;
  }
  if (!queue->open()) wake_publishers(*queue);
  wake_drained(*queue);
  pump(lock, queue);
}

contracts::SubscriptionCounts Broker::counts(const Member& member) {
  std::lock_guard lock(mutex_);
  return member.counts;
}

}  // namespace unbolt::providers::memory
