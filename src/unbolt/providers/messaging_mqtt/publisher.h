// What this program sends: messages, requests and the answers to them, over one session.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unbolt/base/wakeup.h"
#include "unbolt/contracts/messaging.h"
#include "unbolt/mqtt/session.h"

namespace unbolt::providers::mqtt_messaging {

using Time = std::chrono::steady_clock::time_point;

struct PublisherOptions {
  std::uint8_t qos = 1;
  std::size_t window = 100;              // under way at a time, without an acknowledgement
  std::uint64_t queue_bytes = 64 << 20;  // of all that have no answer yet
};

// Thread-safe; what a session does to it, it does on the loop. Tasks keep what the publisher is a
// part of.
class Publisher final : public mqtt::Session::User, public std::enable_shared_from_this<Publisher> {
 public:
  Publisher(PublisherOptions options, std::shared_ptr<const mqtt::Shared> shared,
            asio::io_context& loop, std::shared_ptr<void> place);

  // `first` is told once how the first attempt to connect ended. Where it failed, there is no
  // other.
  void start(std::move_only_function<void(Result<>)> first);
  void stop();

  // Ends with the broker's acknowledgement, at quality of service 0 with its next sign of life: the
  // reason it gave, below 0x80. While the broker is away messages wait for their deadlines.
  Task<Result<std::uint8_t>> publish(mqtt::Publish packet, Time deadline);
  // The first answer.
  Task<Result<contracts::Message>> request(std::string_view subject, mqtt::Publish packet,
                                           std::chrono::milliseconds timeout);

 private:
  struct Outgoing;
  struct Asked;
  using List = std::list<std::shared_ptr<Outgoing>>;

  void connected(const mqtt::Connack& connack) override;
  void received(mqtt::Packet packet) override;
  void lost(const Error& why) override;

  Task<Result<std::uint8_t>> send(mqtt::Publish packet, Time deadline, bool needs_replies);
  Result<std::shared_ptr<void>> admit(const mqtt::Publish& packet);
  void enqueue(std::shared_ptr<Outgoing> one, List& list);
  void pump();
  void drop(const std::shared_ptr<Outgoing>& one);
  void finish(const std::shared_ptr<Outgoing>& one, Result<std::uint8_t> result);
  void answered(mqtt::Publish answer);
  Error away() const;

  const PublisherOptions options_;
  const std::shared_ptr<const mqtt::Shared> shared_;
  const Executor loop_;
  const std::string replies_;  // the topic above those of our answers
  const std::shared_ptr<mqtt::Session> session_;
  const std::shared_ptr<std::atomic<std::uint64_t>> bytes_ =
      std::make_shared<std::atomic<std::uint64_t>>(0);
  std::atomic<std::uint32_t> largest_{UINT32_MAX};
  std::atomic<std::uint64_t> last_request_{0};

  // On the loop.
  std::move_only_function<void(Result<>)> first_;
  bool up_ = false, stopped_ = false;
  std::uint16_t most_ = 0, last_id_ = 0;
  std::uint8_t maximum_qos_ = 2;
  bool wants_replies_ = false, has_replies_ = false;
  List waiting_, held_;  // the latter until answers can come
  std::map<std::uint16_t, std::shared_ptr<Outgoing>> under_way_;
  std::vector<std::shared_ptr<Outgoing>> flushing_;  // until this pong
  std::uint64_t flush_ = 0;
  std::uint64_t sequence_ = 0;
  std::map<std::uint64_t, std::shared_ptr<Asked>> asked_;
  std::optional<Error> why_away_;
};

}  // namespace unbolt::providers::mqtt_messaging
