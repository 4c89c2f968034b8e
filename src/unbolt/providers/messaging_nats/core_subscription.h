// Subscriptions of core NATS: a message that was sent to a subscriber is the subscriber's.
#pragma once

#include "unbolt/contracts/delivery_window.h"
#include "unbolt/contracts/messaging.h"
#include "unbolt/nats/connection.h"

namespace unbolt::providers::nats_messaging {

// What a receiver is given of a message of NATS.
std::shared_ptr<const contracts::Message> to_message(const nats::Incoming& incoming);

// Blocks. What does not fit in 65,536 messages or 64 MiB beside those in flight is lost, counted
// and logged: core NATS knows no back-pressure.
Result<std::unique_ptr<contracts::Subscription>> subscribe_core(
    std::shared_ptr<nats::Connection> connection, const contracts::SubscribeOptions& options,
    contracts::Receiver receiver);

// For `Subscription::drain`, once nothing new comes: waits until all that came is answered and the
// answers are with the server, then closes the window.
Task<Result<>> finish(std::shared_ptr<nats::Connection> connection,
                      std::shared_ptr<contracts::DeliveryWindow> window,
                      std::chrono::milliseconds timeout, nats::Time deadline);

// Ends with the subscriber's drain; false where that took too long.
Task<bool> drain_subscriber(nats::Connection& connection, nats::Subscriber& subscriber,
                            nats::Time deadline);

}  // namespace unbolt::providers::nats_messaging
