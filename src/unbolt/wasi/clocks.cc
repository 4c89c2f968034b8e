#include <ctime>

#include <chrono>
#include <string>

#include "unbolt/component/bind.h"
#include "unbolt/wasi/datetime.h"
#include "unbolt/wasi/interfaces.h"
#include "unbolt/wasi/streams.h"

namespace unbolt::wasi {
namespace {

using component::Call;
using component::Own;
using Clock = std::chrono::steady_clock;

class DeadlinePollable final : public Pollable {
 public:
  explicit DeadlinePollable(Clock::time_point deadline) : deadline_(deadline) {}
  bool ready() override { return Clock::now() >= deadline_; }
  Task<> wait() override {
    Timer timer(co_await asio::this_coro::executor, deadline_);
    co_await timer.async_wait(use_task);
  }

 private:
  Clock::time_point deadline_;
};

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch())
          .count());
}
std::uint64_t resolution_ns(clockid_t clock) {
  timespec t{};
  clock_getres(clock, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(t.tv_nsec);
}

std::uint64_t monotonic_now(Call&) { return now_ns(); }
std::uint64_t monotonic_resolution(Call&) { return resolution_ns(CLOCK_MONOTONIC); }

// The furthest instant that the clock can name, for a guest that waits "for ever".
Clock::time_point instant(std::uint64_t ns) {
  constexpr auto furthest = static_cast<std::uint64_t>(INT64_MAX);
  return Clock::time_point(std::chrono::nanoseconds(std::min(ns, furthest)));
}
Own<Pollable> subscribe_instant(Call&, std::uint64_t when) {
  return std::make_unique<DeadlinePollable>(instant(when));
}
Own<Pollable> subscribe_duration(Call&, std::uint64_t duration) {
  const std::uint64_t now = now_ns();
  const std::uint64_t when = duration > UINT64_MAX - now ? UINT64_MAX : now + duration;
  return std::make_unique<DeadlinePollable>(instant(when));
}

Datetime wall_now(Call&) {
  timespec t{};
  clock_gettime(CLOCK_REALTIME, &t);
  return {static_cast<std::uint64_t>(t.tv_sec), static_cast<std::uint32_t>(t.tv_nsec)};
}
Datetime wall_resolution(Call&) {
  const std::uint64_t ns = resolution_ns(CLOCK_REALTIME);
  return {ns / 1'000'000'000u, static_cast<std::uint32_t>(ns % 1'000'000'000u)};
}

// wasi:clocks/timezone, which 0.2 declares unstable. Where the host stands is not the component's
// to know: it is always UTC.
struct TimezoneDisplay {
  std::int32_t utc_offset;
  std::string name;
  bool in_daylight_saving_time;
};
TimezoneDisplay timezone_display(Call&, Datetime) { return {0, "UTC", false}; }
std::int32_t timezone_utc_offset(Call&, Datetime) { return 0; }

}  // namespace

void add_clocks(component::HostInterfaces& host) {
  host.add("wasi:clocks/monotonic-clock@0.2.12")
      .func<&monotonic_now>("now")
      .func<&monotonic_resolution>("resolution")
      .func<&subscribe_instant>("subscribe-instant")
      .func<&subscribe_duration>("subscribe-duration");
  host.add("wasi:clocks/wall-clock@0.2.12")
      .func<&wall_now>("now")
      .func<&wall_resolution>("resolution");
  host.add("wasi:clocks/timezone@0.2.12")
      .func<&timezone_display>("display")
      .func<&timezone_utc_offset>("utc-offset");
}

}  // namespace unbolt::wasi
