#include "unbolt/providers/messaging_mqtt/messaging_mqtt.h"

#include <memory>

#include "unbolt/contracts/testing/messaging_suite.h"
#include "unbolt/mqtt/testing/mosquitto.h"

namespace unbolt::contracts {
namespace {

Log& quiet() { return stderr_log(LogLevel::Error); }

// A broker of its own for each case, for what a durable name is kept stays there.
MessagingCase on_mosquitto(std::string name, std::string query, bool keeps) {
  return {.name = std::move(name),
          .make =
              [query = std::move(query)](BlockingPool& pool) {
                static std::unique_ptr<mqtt::Mosquitto> own;
                own = std::make_unique<mqtt::Mosquitto>();
                auto opened = providers::open_messaging_mqtt(*parse_provider_url(own->url(query)),
                                                             {quiet(), pool});
                EXPECT_TRUE(opened) << opened.error().message;
                return opened ? *opened : nullptr;
              },
          .redelivers = keeps,
          .durable = keeps};
}

INSTANTIATE_TEST_SUITE_P(Mqtt, MessagingSuite,
                         ::testing::Values(on_mosquitto("at_least_once", "?retry_delay=20ms", true),
                                           on_mosquitto("at_most_once", "?qos=0", false)),
                         [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace unbolt::contracts
