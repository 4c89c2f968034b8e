#include "unbolt/base/blocking_pool.h"

#include <gtest/gtest.h>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <atomic>
#include <chrono>
#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

namespace unbolt {
namespace {

void spawn(asio::io_context& loop, Task<> task) {
  asio::co_spawn(loop, std::move(task), [](std::exception_ptr failure) {
    if (failure) std::rethrow_exception(failure);
  });
}

TEST(BlockingPool, ResumesTheCallerOnItsOwnLoopWithTheValue) {
  asio::io_context loop;
  BlockingPool pool(2);
  std::thread::id worker, resumed;
  std::string value;
  spawn(loop, [](BlockingPool& pool, auto& worker, auto& resumed, auto& value) -> Task<> {
    value = co_await pool.run([&] {
      worker = std::this_thread::get_id();
      return std::string("done");
    });
    resumed = std::this_thread::get_id();
  }(pool, worker, resumed, value));
  loop.run();
  EXPECT_EQ(value, "done");
  EXPECT_EQ(resumed, std::this_thread::get_id());
  EXPECT_NE(worker, resumed);
}

TEST(BlockingPool, CarriesMoveOnlyValuesNothingAndExceptions) {
  asio::io_context loop;
  BlockingPool pool(1);
  int checks = 0;
  spawn(loop, [](BlockingPool& pool, int& checks) -> Task<> {
    auto number = co_await pool.run([] { return std::make_unique<int>(7); });
    EXPECT_EQ(*number, 7);
    co_await pool.run([&checks] { ++checks; });
    try {
      co_await pool.run([]() -> int { throw std::runtime_error("bad disk"); });
      ADD_FAILURE() << "nothing was thrown";
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "bad disk");
      ++checks;
    }
  }(pool, checks));
  loop.run();
  EXPECT_EQ(checks, 2);
}

TEST(BlockingPool, TheLoopGoesOnWhileWorkBlocks) {
  asio::io_context loop;
  BlockingPool pool(1);
  std::latch released(1);
  spawn(loop, [](BlockingPool& pool, std::latch& released) -> Task<> {
    co_await pool.run([&] { released.wait(); });
  }(pool, released));
  // Only the loop can let the work end.
  spawn(loop, [](std::latch& released) -> Task<> {
    Timer timer(co_await asio::this_coro::executor, std::chrono::milliseconds(5));
    co_await timer.async_wait(use_task);
    released.count_down();
  }(released));
  loop.run();
}

TEST(BlockingPool, CancellationWaitsForTheWorkToEnd) {
  asio::io_context loop;
  BlockingPool pool(1);
  asio::cancellation_signal cancel;
  std::latch started(1);
  std::atomic<bool> ended = false;
  bool resumed_after_end = false, second_started = false, aborted = false;
  asio::co_spawn(
      loop,
      [](BlockingPool& pool, auto& started, auto& ended, auto& after, auto& second) -> Task<> {
        co_await pool.run([&] {
          started.count_down();
          std::this_thread::sleep_for(std::chrono::milliseconds(20));
          ended = true;
        });
        after = ended.load();
        co_await pool.run([&] { second = true; });
      }(pool, started, ended, resumed_after_end, second_started),
      asio::bind_cancellation_slot(
          cancel.slot(), [&](std::exception_ptr failure) { aborted = failure != nullptr; }));
  asio::post(loop, [&] {
    started.wait();
    cancel.emit(asio::cancellation_type::terminal);
  });
  loop.run();
  EXPECT_TRUE(ended);
  EXPECT_TRUE(resumed_after_end || aborted);
  EXPECT_FALSE(second_started);
  EXPECT_TRUE(aborted);
}

TEST(Suspend, AResumeThatWasCalledHoldsTheLoopNoLonger) {
  asio::io_context loop;
  Resume kept;
  bool resumed = false;
  spawn(loop, [](Resume& kept, bool& resumed) -> Task<> {
    co_await suspend([&](Resume resume) {
      kept = std::move(resume);
      kept();
    });
    resumed = true;
  }(kept, resumed));
  loop.run();
  EXPECT_TRUE(resumed);
}

TEST(BlockingPool, ManyLoopsEachGetTheirOwnAnswers) {
  constexpr int kLoops = 4, kCalls = 500;
  std::vector<std::unique_ptr<asio::io_context>> loops;
  for (int i = 0; i < kLoops; ++i) loops.push_back(std::make_unique<asio::io_context>(1));
  BlockingPool pool(3);
  std::atomic<int> right = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < kLoops; ++i) {
    for (int call = 0; call < kCalls; ++call) {
      spawn(*loops[i],
            [](BlockingPool& pool, int call, asio::io_context& own, auto& right) -> Task<> {
              int answer = co_await pool.run([call] { return call * 2; });
              if (answer == call * 2 && own.get_executor().running_in_this_thread()) ++right;
            }(pool, call, *loops[i], right));
    }
    threads.emplace_back([&loop = *loops[i]] { loop.run(); });
  }
  threads.clear();
  EXPECT_EQ(right, kLoops * kCalls);
}

TEST(BlockingPool, TheDestructorWaitsForWhatWasPosted) {
  std::atomic<int> ran = 0;
  {
    BlockingPool pool(2);
    for (int i = 0; i < 100; ++i) pool.post([&ran]() noexcept { ++ran; });
  }
  EXPECT_EQ(ran, 100);
}

}  // namespace
}  // namespace unbolt
