// The course of a hand-over: passes over all keys, rounds of those written meanwhile, the cut-over.
#pragma once

#include <algorithm>
#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "unbolt/base/error.h"
#include "unbolt/base/task.h"
#include "unbolt/contracts/changed_keys.h"
#include "unbolt/contracts/handover.h"
#include "unbolt/contracts/handover_gate.h"

namespace unbolt::contracts {

// What a hand-over of any kind of store shares with its tasks. Who derives from it has besides
// `old` and `next`, their names for messages, and what `follow`, `switch_over` and `forget` do with
// watches (watch_relay.h).
struct HandoverState {
  HandoverGate gate;
  ChangedKeys changed;
  std::atomic<bool> copying = false;
  mutable std::mutex mutex;
  CopyReport report;
};

// One run of `copy`. However it ends (its frame may be dropped at any time), the gate is open and
// nothing is recorded afterwards.
template <class State, class Copier>
class Copying {
  using Clock = HandoverGate::Clock;
  using Existing = HandoverOptions::Existing;
  using Round = ChangedKeys::Round;

 public:
  Copying(State& state, const HandoverOptions& options)
      : state_(state), options_(options), copier_(*state.old, *state.next, options.copy) {
    copier_.on_progress([this](const CopyCounts&) { publish(); });
  }
  ~Copying() {
    state_.gate.open_to_old();
    state_.changed.stop();
    if (!state_.gate.handed_over()) state_.forget();
    publish();
    state_.copying = false;
  }
  Copying(const Copying&) = delete;
  Copying& operator=(const Copying&) = delete;

  Task<Result<>> run() {
    auto ready = co_await prepare();
    if (!ready) co_return ready;
    while (true) {
      ++report_.passes;
      auto caught_up = co_await pass();
      if (!caught_up) co_return std::unexpected(std::move(caught_up.error()));
      if (*caught_up) break;
      if (report_.passes >= std::max(options_.passes, 1u)) {
        co_return std::unexpected(
            Error{ErrorCode::LimitExceeded,
                  fmt::format("more keys are written during the copy than can be remembered ({} "
                              "bytes of names, {} passes)",
                              options_.changed_bytes, report_.passes),
                  "copy while fewer keys are written"});
      }
    }
    co_return co_await cut_over();
  }

  CopyReport report() {
    publish();
    return report_;
  }

 private:
  // Nothing has changed where this fails.
  Task<Result<>> prepare() {
    if (options_.existing == Existing::Refuse) {
      auto holds = co_await copier_.target_holds_keys();
      if (!holds) co_return std::unexpected(std::move(holds.error()));
      if (*holds) {
        co_return std::unexpected(
            Error{ErrorCode::Conflict,
                  fmt::format("the new store '{}' holds keys already", state_.next_name()),
                  "name an empty store, or ask for a mirror: the keys it holds are then replaced "
                  "by those of the old store"});
      }
    }
    auto same = state_.old == state_.next ? Result<bool>(true) : co_await copier_.same_store();
    if (!same) co_return std::unexpected(std::move(same.error()));
    if (*same) {
      co_return fail(ErrorCode::InvalidArgument,
                     "the old and the new store are the same: there is nothing to copy");
    }
    // Whether the new one can be watched should not turn out at the end of a long copy.
    auto watched = co_await state_.follow(Clock::now() + options_.copy.call);
    state_.forget();
    co_return watched;
  }

  // Whether the new store has caught up; false where all must be copied again.
  Task<Result<bool>> pass() {
    state_.changed.start(options_.changed_bytes);
    copier_.begin_pass();
    if (options_.existing == Existing::Mirror || report_.passes > 1) {
      auto removed = co_await copier_.remove_stale();
      if (!removed) co_return std::unexpected(std::move(removed.error()));
    }
    auto copied = co_await copier_.copy_all();
    if (!copied) co_return std::unexpected(std::move(copied.error()));

    // Each round carries what was written during the one before: they get shorter as long as the
    // copy is quicker than the writers.
    // Where they do not, the copy no longer rests.
    Clock::duration before = std::chrono::hours(1);
    for (unsigned round = 0, stuck = 0; round < options_.rounds && stuck < 3; ++round) {
      const auto began = Clock::now();
      auto taken = state_.changed.take(Round::Next);
      if (taken.overflowed) co_return false;
      if (taken.keys.empty() && taken.told.empty()) break;
      ++report_.rounds;
      copier_.pace(stuck > 0 ? CopyPace::Hurry : CopyPace::Steady);
      auto done = co_await carry(taken, Clock::time_point::max());
      if (!done) co_return std::unexpected(std::move(done.error()));
      const auto took = Clock::now() - began;
      if (took <= options_.calm) break;
      if (took > before * 3 / 4) ++stuck;
      before = took;
    }
    co_return true;
  }

  Task<Result<>> carry(const ChangedKeys::Taken& taken, Clock::time_point deadline) {
    for (const auto& [bucket, names] : taken.keys) {
      auto done = co_await copier_.copy_keys(bucket, names, deadline);
      if (!done) co_return done;
    }
    // Whose writes tell no values has none of them.
    if constexpr (requires { &Copier::write_keys; }) {
      for (const auto& [bucket, told] : taken.told) {
        auto done = co_await copier_.write_keys(bucket, told.keys, told.values, deadline);
        if (!done) co_return done;
      }
    }
    co_return Result<>();
  }

  Task<Result<>> cut_over() {
    const auto deadline = Clock::now() + options_.hold;
    state_.gate.close(deadline);
    if (!co_await state_.gate.drained()) {
      co_return std::unexpected(Error{
          ErrorCode::Timeout,
          fmt::format("{} writes to '{}' had not ended after {} ms", state_.gate.writes_in_flight(),
                      state_.old_name(), options_.hold.count()),
          "copy again"});
    }
    // Nobody writes from here on.
    auto taken = state_.changed.take(Round::Last);
    const std::uint64_t before = copier_.counts().keys;
    if (taken.overflowed) {
      co_return fail(ErrorCode::LimitExceeded,
                     "too many keys were written just before the cut-over");
    }
    auto done = co_await carry(taken, deadline);
    if (done) done = co_await state_.follow(deadline);
    report_.last_keys = copier_.counts().keys - before;
    if (done && options_.commit) done = co_await options_.commit();
    if (!done) co_return done;
    state_.switch_over();
    if (!state_.gate.open_to_new()) {
      co_return std::unexpected(
          Error{ErrorCode::Timeout,
                fmt::format("the last {} keys could not be carried to '{}' within {} ms",
                            report_.last_keys, state_.next_name(), options_.hold.count()),
                "copy again while fewer keys are written"});
    }
    co_return Result<>();
  }

  void publish() {
    report_.carried = copier_.counts();
    report_.took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began_);
    report_.held = state_.gate.closed_for();
    report_.calls_held = state_.gate.calls_held();
    const std::lock_guard lock(state_.mutex);
    state_.report = report_;
  }

  State& state_;
  const HandoverOptions& options_;
  Copier copier_;
  CopyReport report_;
  const Clock::time_point began_ = Clock::now();
};

template <class Copier, class State>
Task<Result<CopyReport>> run_handover(std::shared_ptr<State> state, HandoverOptions options) {
  if (state->copying.exchange(true))
    co_return fail(ErrorCode::Conflict, "a copy to '{}' runs already", state->next_name());
  Copying<State, Copier> copying(*state, options);
  if (state->gate.handed_over()) {
    co_return fail(ErrorCode::Conflict, "the data was handed over to '{}' already",
                   state->next_name());
  }
  auto done = co_await copying.run();
  if (!done) {
    co_return std::unexpected(
        std::move(done.error())
            .in(fmt::format("the copy from '{}' to '{}' failed, and '{}' stays in service",
                            state->old_name(), state->next_name(), state->old_name())));
  }
  co_return copying.report();
}

}  // namespace unbolt::contracts
