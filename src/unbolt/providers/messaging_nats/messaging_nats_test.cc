#include "unbolt/providers/messaging_nats/messaging_nats.h"

#include <gtest/gtest.h>

#include "unbolt/contracts/testing/messaging_suite.h"
#include "unbolt/nats/testing/nats_server.h"

namespace unbolt::contracts {
namespace {

Log& quiet() { return stderr_log(LogLevel::Error); }

// One server for all of the suite's cases.
nats::NatsServer& server() {
  static nats::NatsServer one;
  return one;
}

std::shared_ptr<Messaging> open(const std::string& url, BlockingPool& pool) {
  auto opened = providers::open_messaging_nats(*parse_provider_url(url), {quiet(), pool});
  EXPECT_TRUE(opened) << opened.error().message;
  return opened ? *opened : nullptr;
}

MessagingCase core() {
  return {.name = "core",
          .make = [](BlockingPool& pool) { return open(server().url(), pool); },
          .redelivers = false,
          .durable = false};
}

// A server of its own, for a stream is not emptied by opening it.
MessagingCase jetstream() {
  return {.name = "jetstream", .make = [](BlockingPool& pool) {
            static std::unique_ptr<nats::NatsServer> own;
            own = std::make_unique<nats::NatsServer>();
            return open(own->url("?jetstream=TEST&subjects=test.>&retry_delay=20ms"), pool);
          }};
}

INSTANTIATE_TEST_SUITE_P(Nats, MessagingSuite, ::testing::Values(core(), jetstream()),
                         [](const auto& of) { return of.param.name; });

}  // namespace
}  // namespace unbolt::contracts
