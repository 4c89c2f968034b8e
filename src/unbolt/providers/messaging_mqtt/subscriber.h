// One session that listens to one filter, and the subscriptions here that share what comes.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unbolt/base/suspend.h"
#include "unbolt/base/wakeup.h"
#include "unbolt/contracts/delivery_window.h"
#include "unbolt/providers/messaging_mqtt/broker.h"

namespace unbolt::providers::mqtt_messaging {

// One subscription of the contract, at its subscriber.
struct Member {
  std::shared_ptr<contracts::DeliveryWindow> window;
  bool accepting = true;           // on the loop
  std::atomic<bool> left = false;  // what it was given is not its any more
};

// A message is acknowledged to the broker when its receiver has handled it; until then the broker
// keeps it. One that failed waits here for its next attempt. Where the connection was lost
// meanwhile, the broker sends again what is not acknowledged, under the same number: what is still
// being handled is not given out twice.
//
// The broker may be acknowledged to in another order than it sent in (MQTT asks for the same): a
// message that fails for ever would hold up all that follow.
//
// On the broker's loop, but for the constructor. Lives as long as a member, or a delivery without
// an answer; then the session ends: that of a durable name is kept by the broker.
class Subscriber final : public mqtt::Session::User,
                         public std::enable_shared_from_this<Subscriber> {
 public:
  struct Kind {
    std::string client;
    std::string filter;  // with $share/… where it is shared
    bool durable = false;
    std::uint8_t qos = 1;
    std::uint16_t window = 64;
  };
  // How it went, for one who waits until the broker knows of the subscription.
  struct Joining {
    std::optional<Result<>> outcome;
    const std::shared_ptr<Wakeup> done = std::make_shared<Wakeup>();
  };

  Subscriber(std::shared_ptr<Broker> broker, Kind kind);
  ~Subscriber() override;

  // False: it ends, and takes nobody in.
  bool join(std::shared_ptr<Member> member, std::shared_ptr<Joining> joining);
  // Gives it no more, but what comes where nobody else is there to take it. Wakes `done` when the
  // broker has stopped to send such, too.
  void leave(const std::shared_ptr<Member>& member, std::shared_ptr<Wakeup> done);
  // Wakes `done` when the broker has heard all that was said to it, and we have heard what it sent
  // until then; or cannot.
  void settle(std::shared_ptr<Wakeup> done);
  void remove(const std::shared_ptr<Member>& member);
  // What the last connection ended with.
  Error why_away() const;

 private:
  struct Entry {
    std::shared_ptr<const contracts::Message> message;
    std::uint64_t attempt = 1;
    std::uint16_t id = 0;
    enum class State : std::uint8_t { Nobodys, Given, Retrying, Handled } state = State::Nobodys;
  };

  void connected(const mqtt::Connack& connack) override;
  void received(mqtt::Packet packet) override;
  void lost(const Error& why) override;

  void subscribed(const mqtt::Suback& suback);
  void arrived(mqtt::Publish publish);
  void deliver(const std::shared_ptr<Entry>& entry);
  Member* choose();
  void answered(const std::shared_ptr<Entry>& entry, const std::shared_ptr<Member>& member,
                contracts::Delivery::Outcome outcome);
  using Entries = std::map<std::uint16_t, std::shared_ptr<Entry>>;
  void make_room();
  void forget(Entries::iterator entry);
  void acknowledge(const std::shared_ptr<Entry>& entry);
  void retry(const std::shared_ptr<Entry>& entry);
  static Task<> retry_later(std::weak_ptr<Subscriber> weak, std::shared_ptr<Entry> entry,
                            std::chrono::milliseconds delay);
  void finish_joining(const Result<>& outcome);
  void wake_settlers();

  const std::shared_ptr<Broker> broker_;
  const Kind kind_;
  const std::shared_ptr<mqtt::Session> session_;
  std::vector<std::shared_ptr<Member>> members_;
  std::size_t turn_ = 0;
  std::vector<std::shared_ptr<Joining>> joining_;
  bool started_ = false, subscribed_ = false, ending_ = false, warned_ = false;
  Entries entries_;                                                 // that the broker waits for
  std::uint64_t entry_bytes_ = 0;                                   // of their messages
  std::multimap<std::uint64_t, std::shared_ptr<Wakeup>> settling_;  // by the pong
  std::shared_ptr<Wakeup> unsubscribed_;
  std::optional<Error> why_away_;
};

}  // namespace unbolt::providers::mqtt_messaging
