#include "unbolt/providers/messaging_mqtt/broker.h"

#include <future>
#include <thread>
#include <utility>

namespace unbolt::providers::mqtt_messaging {

Broker::Broker(BrokerOptions options, std::shared_ptr<const mqtt::Shared> shared)
    : options_(std::move(options)),
      shared_(std::move(shared)),
      publisher_(std::make_shared<Publisher>(options_.publisher, shared_, io_.loop(), place_)) {}

Broker::~Broker() {
  publisher_->stop();
  const std::weak_ptr<void> places = std::exchange(place_, nullptr);
  publisher_.reset();
  const auto patience = std::chrono::steady_clock::now() + std::chrono::milliseconds(1500);
  while (!places.expired() && std::chrono::steady_clock::now() < patience)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  io_.stop();
}

Result<std::shared_ptr<Broker>> Broker::open(BrokerOptions options, Log& log,
                                             BlockingPool& blocking) {
  UNBOLT_ASSIGN(auto tls, mqtt::make_tls(options.server));
  auto shared = std::make_shared<mqtt::Shared>(options.server, std::move(tls), log);
  std::shared_ptr<Broker> broker(new Broker(std::move(options), shared), [&blocking](Broker* last) {
    blocking.post([last]() noexcept { delete last; });
  });
  auto first = std::make_shared<std::promise<Result<>>>();
  auto outcome = first->get_future();
  broker->publisher_->start(
      [first](Result<> result) mutable { first->set_value(std::move(result)); });
  const auto patience = broker->options_.server.timeout + std::chrono::seconds(1);
  if (outcome.wait_for(patience) != std::future_status::ready) {
    return fail(ErrorCode::Unavailable, "{} does not answer", broker->options_.server.shown());
  }
  UNBOLT_TRY(outcome.get());
  return broker;
}

}  // namespace unbolt::providers::mqtt_messaging
