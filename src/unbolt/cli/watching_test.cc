// A component that watches keys, whole: the guest `watcher` behind the provider in memory.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/cli/component_file.h"
#include "unbolt/contracts/change_queue.h"
#include "unbolt/host/watch_invocation.h"
#include "unbolt/http/client.h"
#include "unbolt/providers/config_values/config_values.h"
#include "unbolt/providers/kv_memory/kv_memory.h"
#include "unbolt/providers/logging_host/logging_host.h"
#include "unbolt/wasi/standard_streams.h"

namespace unbolt::cli {
namespace {

using contracts::KeyChange;
using namespace std::chrono_literals;

template <class T>
T now(Reply<T> reply) {
  EXPECT_TRUE(reply.ready());
  return std::move(reply).take();
}

class Watching : public ::testing::Test {
 protected:
  std::shared_ptr<const component::LinkedComponent> linked(const std::string& guest) {
    std::ifstream in(UNBOLT_GUESTS "/" + guest + ".wasm", std::ios::binary);
    EXPECT_TRUE(in) << "no guest: scripts/build_guests.sh build/guests " << guest;
    Bytes bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    auto file = component::ComponentFile::load(std::move(bytes));
    EXPECT_TRUE(file) << file.error().message;
    auto linked =
        component::LinkedComponent::link(*file, engine, host_interfaces((*file)->plan()), {});
    EXPECT_TRUE(linked) << linked.error().message;
    return *linked;
  }
  void SetUp() override {
    served.name = "watcher";
    served.component = linked("watcher");
    served.isolation = {1000};
    served.links.key_value = store;
    served.links.config = std::make_shared<providers::ConfigFromValues>(contracts::ConfigValues{});
    served.links.logging = std::make_shared<providers::LoggingToHost>(log);
    served.streams = {[](Executor) { return wasi::empty_input(); }, {}, {}};
    auto found = host::find_watcher(*served.component);
    ASSERT_TRUE(found && *found);
    watcher = **found;
  }

  Result<> report(const KeyChange& change) {
    return run_task(loop, host::report_change(pool, *watcher, change, log));
  }
  static KeyChange set(std::string key, std::string_view value) {
    return {KeyChange::Kind::Set, "shop", std::move(key),
            std::make_shared<const Bytes>(to_bytes(as_bytes(value)))};
  }
  static KeyChange deleted(std::string key) {
    return {KeyChange::Kind::Deleted, "shop", std::move(key), nullptr};
  }
  std::uint64_t count(std::string_view of) { return *now(store->increment("seen", of, 0)); }
  std::string last() { return std::string(as_text(**now(store->get("seen", "last")))); }

  Log& log = stderr_log(LogLevel::Critical);
  engine::Engine engine{engine::EngineOptions{.max_instances = 0}};
  engine::FiberSupport fibers{engine};
  asio::io_context loop{1};
  std::shared_ptr<contracts::KeyValue> store = providers::make_kv_memory();
  host::ServedComponent served;
  std::unique_ptr<http::Client> client = http::make_client(loop.get_executor(), {});
  host::ComponentPool pool{served, fibers, *client, loop.get_executor()};
  std::optional<host::Watcher> watcher;
};

TEST_F(Watching, IsToldOfEachChange) {
  ASSERT_TRUE(report(set("a", "one")));
  EXPECT_EQ(last(), "a=one");
  EXPECT_EQ(count("sets"), 1u);
  ASSERT_TRUE(report(set("ключ", "")));
  EXPECT_EQ(last(), "ключ=");
  ASSERT_TRUE(report(deleted("a")));
  EXPECT_EQ(last(), "a");
  EXPECT_EQ(count("deletes"), 1u);
  ASSERT_TRUE(report(set("large", std::string(8 << 20, 'v'))));
  EXPECT_EQ(last().size(), (8u << 20) + 6);
}

TEST_F(Watching, TheBucketLeadsToTheStore) {
  ASSERT_TRUE(now(store->set("shop", "a", as_bytes("one"))));
  ASSERT_TRUE(report(set("a", "one")));
  EXPECT_EQ(count("found"), 1u);
  EXPECT_EQ(report(deleted("a")).error().code, ErrorCode::Trap) << "it is there still";
}

TEST_F(Watching, FailuresAreErrors) {
  EXPECT_EQ(report(set("trap", "")).error().code, ErrorCode::Trap);
  EXPECT_EQ(report(deleted("trap")).error().code, ErrorCode::Trap);
  served.limits.timeout = 100ms;
  EXPECT_EQ(report(set("loop", "")).error().code, ErrorCode::Timeout);
  served.limits.timeout = 30s;
  EXPECT_EQ(report(set("\xff", "")).error().code, ErrorCode::InvalidArgument);
  EXPECT_TRUE(report({KeyChange::Kind::Missed, {}, {}, nullptr}));
  EXPECT_EQ(count("sets"), 0u);
  served.limits.instances = 0;
  served.isolation = {1};
  EXPECT_EQ(report(set("a", "")).error().code, ErrorCode::LimitExceeded);
}

TEST_F(Watching, WhoExportsNoneIsNone) {
  auto other = linked("messages");
  auto found = host::find_watcher(*other);
  ASSERT_TRUE(found);
  EXPECT_FALSE(*found);
}

// From a write to the component, as a deployment has it.
TEST_F(Watching, BehindAWatch) {
  auto queue = std::make_shared<contracts::ChangeQueue>();
  auto watch = now(store->watch("shop", queue->callback()));
  ASSERT_TRUE(watch);
  for (int i = 0; i < 100; ++i)
    ASSERT_TRUE(now(store->set("shop", "k" + std::to_string(i), as_bytes("v"))));
  ASSERT_TRUE(now(store->remove("shop", "k7")));
  for (int i = 0; i < 101; ++i) {
    auto change = run_task(loop, queue->next(std::chrono::steady_clock::now() + 20s));
    ASSERT_TRUE(change);
    EXPECT_TRUE(report(*change));
  }
  EXPECT_EQ(count("sets"), 100u);
  EXPECT_EQ(count("deletes"), 1u);
  EXPECT_EQ(last(), "k7");
}

}  // namespace
}  // namespace unbolt::cli
