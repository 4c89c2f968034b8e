// A component that handles messages, whole: the guest `messages` behind the broker in memory.
#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <fstream>
#include <iterator>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/cli/component_file.h"
#include "unbolt/contracts/testing/collector.h"
#include "unbolt/host/message_invocation.h"
#include "unbolt/http/client.h"
#include "unbolt/providers/config_values/config_values.h"
#include "unbolt/providers/kv_memory/kv_memory.h"
#include "unbolt/providers/logging_host/logging_host.h"
#include "unbolt/providers/messaging_memory/messaging_memory.h"
#include "unbolt/wasi/standard_streams.h"

namespace unbolt::cli {
namespace {

using contracts::Collector;
using contracts::Message;
using namespace std::chrono_literals;

template <class T>
T now(Reply<T> reply) {
  EXPECT_TRUE(reply.ready());
  return std::move(reply).take();
}

class MessageHandling : public ::testing::Test {
 protected:
  void SetUp() override {
    std::ifstream in(UNBOLT_GUESTS "/messages.wasm", std::ios::binary);
    ASSERT_TRUE(in) << "no guest: scripts/build_guests.sh build/guests messages";
    Bytes bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    auto file = component::ComponentFile::load(std::move(bytes));
    ASSERT_TRUE(file) << file.error().message;
    auto linked =
        component::LinkedComponent::link(*file, engine, host_interfaces((*file)->plan()), {});
    ASSERT_TRUE(linked) << linked.error().message;
    served.name = "messages";
    served.component = *linked;
    served.isolation = {1000};
    served.links.key_value = store;
    served.links.messaging = broker;
    served.links.config = std::make_shared<providers::ConfigFromValues>(contracts::ConfigValues{});
    served.links.logging = std::make_shared<providers::LoggingToHost>(log);
    served.streams = {[](Executor) { return wasi::empty_input(); }, {}, {}};
    handle = *host::find_message_handler(*served.component);
    ASSERT_TRUE(handle);
  }

  Result<> give(Message message) {
    return run_task(loop, host::handle_message(pool, *handle, message, log));
  }
  std::uint64_t handled() { return *now(store->increment("counts", "handled", 0)); }
  // Hands deliveries to the component, on the loop.
  contracts::Receiver receiver() {
    return [this](contracts::Delivery delivery) {
      auto task = [](MessageHandling& self, contracts::Delivery given) -> Task<> {
        if (co_await host::handle_message(self.pool, *self.handle, given.message(), self.log))
          given.handled();
      };
      asio::co_spawn(loop, task(*this, std::move(delivery)), asio::detached);
    };
  }

  Log& log = stderr_log(LogLevel::Critical);
  engine::Engine engine{engine::EngineOptions{.max_instances = 0}};
  engine::FiberSupport fibers{engine};
  asio::io_context loop{1};
  std::shared_ptr<contracts::KeyValue> store = providers::make_kv_memory();
  std::shared_ptr<contracts::Messaging> broker = providers::make_messaging_memory(log);
  host::ServedComponent served;
  std::unique_ptr<http::Client> client = http::make_client(loop.get_executor(), {});
  host::ComponentPool pool{served, fibers, *client, loop.get_executor()};
  const component::ExportedFunc* handle = nullptr;
};

TEST_F(MessageHandling, AnswersAndCounts) {
  Collector answers;
  auto subscription = *now(broker->subscribe({"answers"}, answers.receiver()));
  ASSERT_TRUE(give({"a", to_bytes(as_bytes("hello")), "answers"}));
  ASSERT_TRUE(give({"a", to_bytes(as_bytes("no answer wanted")), std::nullopt}));
  EXPECT_EQ(answers.bodies(), std::vector<std::string>{"HELLO"});
  EXPECT_EQ(handled(), 2u);
}

TEST_F(MessageHandling, FailuresAreErrors) {
  auto failed = give({"a", to_bytes(as_bytes("fail")), {}});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "the component answered with an error: told to fail");
  EXPECT_EQ(give({"a", to_bytes(as_bytes("trap")), {}}).error().code, ErrorCode::Trap);
  served.limits.timeout = 100ms;
  EXPECT_EQ(give({"a", to_bytes(as_bytes("loop")), {}}).error().code, ErrorCode::Timeout);
  EXPECT_EQ(handled(), 0u);
  served.limits.instances = 0;
  EXPECT_EQ(give({"a", {}, {}}).error().code, ErrorCode::LimitExceeded);
}

TEST_F(MessageHandling, BehindASubscription) {
  auto subscription = *now(broker->subscribe({"work", "workers"}, receiver()));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(now(broker->publish({"work", as_bytes("x"), {}})));
  ASSERT_TRUE(now(broker->publish({"work", as_bytes("trap"), {}})));
  ASSERT_TRUE(run_task(loop, subscription->drain(20s)));
  EXPECT_EQ(handled(), 100u);
  EXPECT_EQ(subscription->counts().handled, 100u);
  EXPECT_EQ(subscription->counts().failed, 5u);  // one message, five attempts
  EXPECT_EQ(subscription->counts().lost, 1u);
}

// The component asks another subscription, which is itself, while its first call waits.
TEST_F(MessageHandling, RequestsThroughTheConsumer) {
  auto subscription = *now(broker->subscribe({"echo"}, receiver()));
  auto answer = run_task(loop, broker->request("echo", as_bytes("ask echo"), 20s).wait());
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(as_text(answer->body), "QUESTION");
  auto nobody = give({"echo", to_bytes(as_bytes("ask nobody")), {}});
  ASSERT_FALSE(nobody);
  EXPECT_EQ(nobody.error().message,
            "the component answered with an error: nobody subscribes to 'nobody'");
  served.links.messaging = {};
  auto unlinked = give({"echo", to_bytes(as_bytes("ask echo")), {}});
  EXPECT_EQ(unlinked.error().message,
            "the component answered with an error: no provider of wasmcloud:messaging is linked");
}

}  // namespace
}  // namespace unbolt::cli
