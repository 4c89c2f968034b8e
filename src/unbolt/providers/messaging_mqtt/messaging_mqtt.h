// `mqtt://`, messaging over an MQTT broker.
#pragma once

#include <memory>

#include "unbolt/contracts/messaging.h"
#include "unbolt/contracts/provider_table.h"

namespace unbolt::providers {

// The factory for `mqtt://[USER[:PASSWORD]@]HOST[:PORT]` and `mqtts://…` with `[?qos=0|1]
// [&window=100][&queue_bytes=64MiB][&retry_delay=1s][&max_deliver=N][&session_expiry=604800s]
// [&share=yes|no]` and the options of `mqtt::read_url`. Connects; blocks.
Result<std::shared_ptr<contracts::Messaging>> open_messaging_mqtt(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
