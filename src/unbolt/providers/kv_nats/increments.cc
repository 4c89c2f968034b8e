#include "unbolt/providers/kv_nats/increments.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <chrono>
#include <random>
#include <utility>
#include <vector>

#include "unbolt/contracts/key_value.h"

namespace unbolt::providers::nats_kv {
namespace {

using Clock = std::chrono::steady_clock;

// So that two programs do not meet again and again.
Task<> step_aside(int attempt) {
  std::minstd_rand random(std::random_device{}());
  const int most = std::min(200 << std::min(attempt, 6), 10'000);
  Timer timer(co_await asio::this_coro::executor,
              std::chrono::microseconds(std::uniform_int_distribution(50, most)(random)));
  co_await timer.async_wait(use_task);
}

}  // namespace

Task<Result<std::uint64_t>> Increments::add(std::string bucket, std::string key,
                                            std::uint64_t delta) {
  const auto sum = std::make_shared<nats::Awaited<std::uint64_t>>();
  const auto deadline = store_->connection->deadline();
  bool first = false;
  {
    std::lock_guard lock(mutex_);
    auto [waiters, made] = waiting_.try_emplace(store_->subject(bucket, key));
    waiters->second.push_back({delta, sum});
    first = made;
  }
  // On its own: whoever came first may leave before all are served.
  if (first) {
    asio::co_spawn(co_await asio::this_coro::executor,
                   serve(shared_from_this(), std::move(bucket), std::move(key)),
                   [](std::exception_ptr) {});
  }
  auto result = co_await sum->wait_until(deadline);
  if (result) co_return std::move(*result);
  co_return fail(ErrorCode::Timeout, "{}: the number was not added in time",
                 store_->connection->options().shown);
}

Task<> Increments::serve(std::shared_ptr<Increments> self, std::string bucket, std::string key) {
  // Also where the loop ends before the work does: others begin anew.
  struct Served {
    Increments& of;
    const std::string subject;
    bool ended = false;
    ~Served() {
      if (ended) return;
      std::lock_guard lock(of.mutex_);
      of.waiting_.erase(subject);
    }
  } served{*self, self->store_->subject(bucket, key)};
  while (true) {
    Waiters waiters;
    {
      std::lock_guard lock(self->mutex_);
      const auto found = self->waiting_.find(served.subject);
      if (found->second.empty()) {
        self->waiting_.erase(found);
        served.ended = true;
        co_return;
      }
      waiters.swap(found->second);
    }
    co_await self->add_all(bucket, key, std::move(waiters));
  }
}

Task<> Increments::add_all(std::string_view bucket, std::string_view key, Waiters waiters) {
  const auto deadline = store_->connection->deadline();
  const auto fail_all = [&](const Error& error) {
    for (auto& waiter : waiters) waiter.sum->set(std::unexpected(error));
  };
  std::string last_identity;
  std::vector<Result<std::uint64_t>> last_sums;
  for (int attempt = 0;; ++attempt) {
    auto entry = co_await read(store_, store_->subject(bucket, key));
    if (!entry) co_return fail_all(entry.error());
    // What seemed refused was ours: its first answer was lost.
    const bool ours = !last_identity.empty() && entry->identity == last_identity;
    auto sums = std::exchange(last_sums, {});
    if (!ours) {
      sums.clear();
      auto value = std::move(entry->value);
      bool any = false;
      for (const auto& waiter : waiters) {
        auto sum = contracts::add_to_number(
            key, value ? std::optional<ByteView>(*value) : std::nullopt, waiter.delta);
        if (sum) {
          const fmt::format_int text(*sum);
          value = to_bytes(as_bytes({text.data(), text.size()}));
          any = true;
        }
        sums.push_back(std::move(sum));
      }
      Result<std::uint64_t> written(0);
      if (any) {
        auto change = make_write(*store_, bucket, key, *value);
        change.expected = entry->revision;
        last_identity = change.identity;
        written = co_await write(store_, std::move(change));
      }
      if (!written && written.error().code != ErrorCode::Conflict)
        co_return fail_all(written.error());
      if (!written) {
        if (Clock::now() >= deadline) co_return fail_all(written.error());
        last_sums = std::move(sums);
        co_await step_aside(attempt);
        continue;
      }
    }
    for (std::size_t i = 0; i < waiters.size(); ++i) waiters[i].sum->set(std::move(sums[i]));
    co_return;
  }
}

}  // namespace unbolt::providers::nats_kv
