// The contract suite of `Pins`: a provider is done when it passes. Include it in the provider's
// test and write
//   INSTANTIATE_TEST_SUITE_P(Memory, PinsSuite, ::testing::Values(PinsCase{"memory", make}));
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/contracts/pins.h"

namespace unbolt::contracts {

struct PinsCase {
  std::string name;
  // A board with the outputs `alert` and `lamp`, the input `door` (low) and the light `mood`; and
  // the analog pin `dimmer`, which bears 3300 mV, where it has `analog`.
  std::function<std::shared_ptr<Pins>()> make;
  // What is behind `door` has this level from now on; the board may learn of it later.
  std::function<void(Pins&, PinLevel)> drive;
  bool analog = true;
};
inline void PrintTo(const PinsCase& provider, std::ostream* out) { *out << provider.name; }

class PinsSuite : public ::testing::TestWithParam<PinsCase> {
 protected:
  using Clock = std::chrono::steady_clock;
  using Milliseconds = std::chrono::milliseconds;

  template <class T>
  T now(Reply<T> reply) {
    if (reply.ready()) return std::move(reply).take();
    return run_task(loop, std::move(reply).task());
  }
  std::shared_ptr<PinWatch> watch(std::string_view pin) {
    auto made = now(board->watch(pin));
    EXPECT_TRUE(made) << to_string(made.error());
    return made ? *made : nullptr;
  }
  // "high", "low+3", "none" or the error
  std::string next(PinWatch& watch, Milliseconds patience = Milliseconds(5000)) {
    const auto edge = now(watch.next(patience));
    if (!edge) return "error: " + to_string(edge.error());
    if (!*edge) return "none";
    std::string text(to_string((*edge)->level));
    return (*edge)->missed ? text + "+" + std::to_string((*edge)->missed) : text;
  }
  void drive(PinLevel level) { GetParam().drive(*board, level); }

  asio::io_context loop;
  std::shared_ptr<Pins> board = GetParam().make();
};

TEST_P(PinsSuite, NamesItsPinsInOrder) {
  std::vector<Pin> expected = {{"alert", PinKind::Output},
                               {"door", PinKind::Input},
                               {"lamp", PinKind::Output},
                               {"mood", PinKind::Led}};
  if (GetParam().analog) expected.insert(expected.begin() + 1, {"dimmer", PinKind::Analog});
  EXPECT_EQ(now(board->pins()).value(), expected);
}

TEST_P(PinsSuite, OutputsAreWhatTheyWereSetTo) {
  EXPECT_EQ(now(board->get_level("alert")).value(), PinLevel::Low);
  ASSERT_TRUE(now(board->set_level("alert", PinLevel::High)));
  EXPECT_EQ(now(board->get_level("alert")).value(), PinLevel::High);
  EXPECT_EQ(now(board->get_level("lamp")).value(), PinLevel::Low);
  ASSERT_TRUE(now(board->set_level("alert", PinLevel::High)));
  ASSERT_TRUE(now(board->set_level("alert", PinLevel::Low)));
  EXPECT_EQ(now(board->get_level("alert")).value(), PinLevel::Low);
}

TEST_P(PinsSuite, LightsHaveTheColourThatTheyWereGiven) {
  EXPECT_EQ(now(board->get_color("mood")).value(), PinColor{});
  const PinColor color{255, 1, 128};
  ASSERT_TRUE(now(board->set_color("mood", color)));
  EXPECT_EQ(now(board->get_color("mood")).value(), color);
}

TEST_P(PinsSuite, AnalogPinsBearSoMuch) {
  if (!GetParam().analog) {
    EXPECT_EQ(now(board->set_voltage("dimmer", 1)).error(), PinError(std::monostate()));
    return;
  }
  EXPECT_EQ(now(board->get_voltage("dimmer")).value(), 0u);
  ASSERT_TRUE(now(board->set_voltage("dimmer", 3300)));
  EXPECT_EQ(now(board->set_voltage("dimmer", 3301)).error(), PinError(std::uint32_t{3300}));
  EXPECT_EQ(now(board->set_voltage("dimmer", UINT32_MAX)).error(), PinError(std::uint32_t{3300}));
  EXPECT_EQ(now(board->get_voltage("dimmer")).value(), 3300u);
}

TEST_P(PinsSuite, WhatIsNotThereOrOfAnotherKindIsRefused) {
  const PinError none{std::monostate()};
  for (const std::string& name : {std::string(), std::string("Alert"), std::string(100'000, 'a')}) {
    EXPECT_EQ(now(board->set_level(name, PinLevel::High)).error(), none);
    EXPECT_EQ(now(board->get_level(name)).error(), none);
    EXPECT_EQ(now(board->set_voltage(name, 1)).error(), none);
    EXPECT_EQ(now(board->get_voltage(name)).error(), none);
    EXPECT_EQ(now(board->set_color(name, {})).error(), none);
    EXPECT_EQ(now(board->get_color(name)).error(), none);
    EXPECT_EQ(now(board->watch(name)).error(), none);
  }
  EXPECT_EQ(now(board->set_level("door", PinLevel::High)).error(), PinError(PinKind::Input));
  EXPECT_EQ(now(board->set_level("mood", PinLevel::High)).error(), PinError(PinKind::Led));
  EXPECT_EQ(now(board->get_level("mood")).error(), PinError(PinKind::Led));
  EXPECT_EQ(now(board->set_voltage("alert", 1)).error(), PinError(PinKind::Output));
  EXPECT_EQ(now(board->get_voltage("door")).error(), PinError(PinKind::Input));
  EXPECT_EQ(now(board->set_color("alert", {})).error(), PinError(PinKind::Output));
  EXPECT_EQ(now(board->get_color("alert")).error(), PinError(PinKind::Output));
  EXPECT_EQ(now(board->watch("alert")).error(), PinError(PinKind::Output));
}

TEST_P(PinsSuite, AWatchHasTheChangesSinceItWasMade) {
  EXPECT_EQ(now(board->get_level("door")).value(), PinLevel::Low);
  auto door = watch("door");
  ASSERT_TRUE(door);
  EXPECT_EQ(next(*door, Milliseconds(0)), "none");
  drive(PinLevel::High);
  EXPECT_EQ(next(*door), "high");
  EXPECT_EQ(now(board->get_level("door")).value(), PinLevel::High);
  auto later = watch("door");
  ASSERT_TRUE(later);
  drive(PinLevel::Low);
  EXPECT_EQ(next(*door), "low");
  EXPECT_EQ(next(*later), "low");
  EXPECT_EQ(next(*later, Milliseconds(20)), "none");
}

TEST_P(PinsSuite, AWaitEndsWithAChangeOrInTime) {
  auto door = watch("door");
  ASSERT_TRUE(door);
  const auto began = Clock::now();
  EXPECT_EQ(next(*door, Milliseconds(50)), "none");
  EXPECT_GE(Clock::now() - began, Milliseconds(50));
  std::thread other([&] {
    std::this_thread::sleep_for(Milliseconds(50));
    drive(PinLevel::High);
  });
  EXPECT_EQ(next(*door, Milliseconds(10'000)), "high");
  other.join();
  EXPECT_LT(Clock::now() - began, Milliseconds(9'000));
}

TEST_P(PinsSuite, AWaitThatIsCancelledLosesNothing) {
  auto door = watch("door");
  ASSERT_TRUE(door);
  asio::cancellation_signal stop;
  auto waiting = door->next(Milliseconds(60'000));
  ASSERT_FALSE(waiting.ready());
  bool thrown = false;
  asio::co_spawn(loop, std::move(waiting).task(),
                 asio::bind_cancellation_slot(
                     stop.slot(), [&](std::exception_ptr why, auto) { thrown = why != nullptr; }));
  asio::post(loop, [&] { stop.emit(asio::cancellation_type::terminal); });
  loop.restart();
  loop.run();
  EXPECT_TRUE(thrown);
  drive(PinLevel::High);
  EXPECT_EQ(next(*door), "high");
}

TEST_P(PinsSuite, AWatchKeepsTheBoard) {
  auto door = watch("door");
  ASSERT_TRUE(door);
  std::weak_ptr<Pins> weak = board;
  board.reset();
  EXPECT_FALSE(weak.expired());
  EXPECT_EQ(next(*door, Milliseconds(1)), "none");
  door.reset();
  EXPECT_TRUE(weak.expired());
}

TEST_P(PinsSuite, AFloodIsBoundedAndCounted) {
  auto door = watch("door");
  ASSERT_TRUE(door);
  constexpr std::size_t kChanges = 2 * PinLimits::kEdges + 100;
  for (std::size_t i = 0; i < kChanges; ++i) drive(i % 2 == 0 ? PinLevel::High : PinLevel::Low);
  // Those that a provider learns of later come meanwhile, so what is counted is all of them.
  std::size_t seen = 0, kept = 0;
  std::optional<PinLevel> last;
  while (seen < kChanges) {
    const auto edge = now(door->next(Milliseconds(5000)));
    ASSERT_TRUE(edge && *edge) << "after " << seen;
    seen += 1 + (*edge)->missed;
    last = (*edge)->level;
    ++kept;
  }
  EXPECT_EQ(seen, kChanges);
  EXPECT_EQ(last, PinLevel::Low);
  EXPECT_LE(kept, kChanges);
}

TEST_P(PinsSuite, WatchesAreBoundedAndGivenBack) {
  std::vector<std::shared_ptr<PinWatch>> watches;
  for (std::size_t i = 0; i < PinLimits::kWatches; ++i) watches.push_back(watch("door"));
  const auto refused = now(board->watch("door"));
  ASSERT_FALSE(refused);
  EXPECT_THAT(to_string(refused.error()), ::testing::HasSubstr("256"));
  watches.pop_back();
  EXPECT_TRUE(now(board->watch("door")));
}

}  // namespace unbolt::contracts
