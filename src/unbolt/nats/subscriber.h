// A subscription of the library's, with its callbacks.
#pragma once

#include <memory>
#include <string>

#include "unbolt/nats/connection.h"

struct __natsConnection;

namespace unbolt::nats {

// See Connection::subscribe. `keep` lives as long as the subscription, and ends it
// in its blocking pool; without it that is done at once.
Result<std::unique_ptr<Subscriber>> make_subscriber(
    __natsConnection* connection, std::shared_ptr<Connection> keep, const std::string& subject,
    const std::string& group, Connection::OnMessage on_message, std::chrono::milliseconds timeout);

}  // namespace unbolt::nats
