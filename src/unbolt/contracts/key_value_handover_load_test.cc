// Hand-overs under writers on several threads, with stores that fail, and copies that are given up.
#include <gtest/gtest.h>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/contracts/key_value_handover.h"
#include "unbolt/contracts/testing/key_value_load.h"
#include "unbolt/contracts/testing/slow_key_value.h"

namespace unbolt::contracts {
namespace {

using namespace std::chrono_literals;
using Existing = HandoverOptions::Existing;

// A copy on a loop of its own; given up after `patience`, where it has any.
Result<CopyReport> copy(KeyValueHandover& handover, HandoverOptions options,
                        std::chrono::microseconds patience = 1h) {
  asio::io_context loop(1);
  return run_task(loop, within(std::chrono::steady_clock::now() + patience, "the copy",
                               handover.copy(options)));
}

class HandoverUnderLoad : public ::testing::TestWithParam<unsigned> {};

TEST_P(HandoverUnderLoad, LosesNothingThatWasAnswered) {
  const unsigned seed = GetParam();
  std::minstd_rand random(seed + 1);
  auto old = std::make_shared<SlowKeyValue>(seed), next = std::make_shared<SlowKeyValue>(seed + 99);
  const bool failures = seed % 3 == 1;
  for (auto& store : {old, next}) {
    store->behaviour().later_percent = seed % 4 == 0 ? 100 : 30 * (seed % 4);
    store->behaviour().delay_us = 50 + 400 * (seed % 3);
  }
  auto handover = std::make_shared<KeyValueHandover>(old, next);
  LinkedStore link(handover);
  KeyValueLoad load(link, {.seed = seed, .cancels = seed % 2 == 0, .failures = failures});
  std::this_thread::sleep_for(30ms);
  int tries = 0;
  for (bool done = false; !done; ++tries) {
    const bool hard = tries < 4;
    for (auto& store : {old, next})
      store->behaviour().fail_per_mille = failures && hard ? 3 + 20 * (seed % 2) : 0;
    HandoverOptions options{.existing = Existing::Mirror};
    if (seed % 5 == 0 && hard) options.changed_bytes = 2000;
    if (tries == 1) options.hold = 1ms;
    options.copy.batch_keys = 1 + random() % 20;
    std::chrono::microseconds patience = 1h;
    if (hard) patience = std::chrono::microseconds(1 + random() % 30'000);
    auto report = copy(*handover, options, patience);
    done = handover->handed_over();
    ASSERT_LT(tries, 40) << (report ? "" : report.error().message);
  }
  for (auto& store : {old, next}) store->behaviour().fail_per_mille = 0;
  std::this_thread::sleep_for(20ms);
  load.stop();
  load.check(next->contents());
  EXPECT_GT(load.calls(), 100u);
  RecordProperty("tries", tries);
}

INSTANTIATE_TEST_SUITE_P(Seeds, HandoverUnderLoad, ::testing::Range(0u, 16u));

// As an operator does it: a forwarder first, the new store when its data is there.
TEST(HandoverLoop, AHundredTimesBackAndForthCountsEveryIncrementOnce) {
  const std::vector<std::shared_ptr<SlowKeyValue>> stores = {std::make_shared<SlowKeyValue>(1),
                                                             std::make_shared<SlowKeyValue>(2),
                                                             std::make_shared<SlowKeyValue>(3)};
  for (const auto& store : stores) store->behaviour().delay_us = 100;
  LinkedStore link(stores[0]);
  KeyValueLoad load(link, {.loops = 2, .tasks = 8});
  constexpr std::size_t kTimes = 100;
  std::chrono::microseconds held{0}, longest{0};
  std::weak_ptr<const std::shared_ptr<KeyValue>> forwarding;
  for (std::size_t i = 0; i < kTimes; ++i) {
    auto handover = std::make_shared<KeyValueHandover>(stores[i % 3], stores[(i + 1) % 3]);
    link.publish_and_drain(handover);
    while (!forwarding.expired()) std::this_thread::sleep_for(100us);
    auto report = copy(*handover, {.existing = Existing::Mirror});
    ASSERT_TRUE(report) << report.error().message;
    held += report->held;
    longest = std::max(longest, report->held);
    forwarding = link.publish(stores[(i + 1) % 3]);
  }
  load.stop();
  load.check(stores[kTimes % 3]->contents());
  std::printf(
      "%zu hand-overs, %llu calls: writes held for %lld us, at most %lld us; latency p50 %u"
      " us, p99 %u us, longest %u us\n",
      kTimes, static_cast<unsigned long long>(load.calls()),
      static_cast<long long>(held.count() / static_cast<long long>(kTimes)),
      static_cast<long long>(longest.count()), load.latency(0.5), load.latency(0.99),
      load.latency(1));
}

}  // namespace
}  // namespace unbolt::contracts
