#include "unbolt/contracts/key_value_copier.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <random>
#include <utility>

namespace unbolt::contracts {
namespace {

using namespace std::chrono_literals;

constexpr KeyValueCopier::Clock::duration kShortestRest = 100us, kLongestRest = 50ms;

std::vector<std::string_view> views_of(std::span<const std::string> keys) {
  return {keys.begin(), keys.end()};
}

}  // namespace

template <class T>
Task<Result<T>> KeyValueCopier::ask(KeyValue& store, Reply<Result<T>> reply,
                                    Clock::time_point deadline) {
  auto answer = co_await within(std::min(deadline, Clock::now() + limits_.call),
                                "a call of the copy", std::move(reply));
  if (!answer) {
    co_return std::unexpected(
        std::move(answer.error()).in(fmt::format("the store '{}:'", store.name())));
  }
  co_return answer;
}

Task<> KeyValueCopier::rest(Clock::duration worked) {
  if (progress_) progress_(counts_);
  const auto least = std::min(worked * std::to_underlying(pace_), kLongestRest);
  const auto pause = std::max<Clock::duration>(limits_.pause, least);
  if (pause >= kShortestRest) {
    Timer timer(co_await asio::this_coro::executor, pause);
    co_await timer.async_wait(use_task);
  } else {
    co_await asio::post(use_task);
  }
}

template <class Visit>
Task<Result<>> KeyValueCopier::each_page(KeyValue& store, Visit visit) {
  const auto never = Clock::time_point::max();
  std::optional<std::string> more_buckets;
  do {
    auto buckets = co_await ask(store, store.list_buckets(more_buckets), never);
    if (!buckets) co_return std::unexpected(std::move(buckets.error()));
    for (const std::string& bucket : buckets->buckets) {
      std::optional<std::string> more_keys;
      do {
        auto page = co_await ask(store, store.list_keys(bucket, more_keys), never);
        if (!page) co_return std::unexpected(std::move(page.error()));
        Result<> done = co_await visit(std::string_view(bucket), page->keys, !more_keys);
        if (!done) co_return done;
        more_keys = std::move(page->next);
      } while (more_keys);
    }
    more_buckets = std::move(buckets->next);
  } while (more_buckets);
  co_return Result<>();
}

Task<Result<bool>> KeyValueCopier::target_holds_keys() {
  const auto never = Clock::time_point::max();
  std::optional<std::string> more;
  do {
    auto buckets = co_await ask(to_, to_.list_buckets(more), never);
    if (!buckets) co_return std::unexpected(std::move(buckets.error()));
    for (const std::string& bucket : buckets->buckets) {
      auto page = co_await ask(to_, to_.list_keys(bucket, std::nullopt), never);
      if (!page) co_return std::unexpected(std::move(page.error()));
      if (!page->keys.empty()) co_return true;
    }
    more = std::move(buckets->next);
  } while (more);
  co_return false;
}

Task<Result<bool>> KeyValueCopier::same_store() {
  const auto never = Clock::time_point::max();
  // In a bucket of its own, which nobody watches.
  const std::string bucket = "unbolt.copy";
  std::random_device random;
  const std::string key = fmt::format("{:08x}{:08x}", random(), random());
  auto set = co_await ask(to_, to_.set(bucket, key, as_bytes("1")), never);
  if (!set) co_return std::unexpected(std::move(set.error()));
  auto seen = co_await ask(from_, from_.exists(bucket, key), never);
  auto removed = co_await ask(to_, to_.remove(bucket, key), never);
  if (!removed) co_return std::unexpected(std::move(removed.error()));
  co_return seen;
}

Task<Result<KeyValueCopier::Values>> KeyValueCopier::read_batch(std::string_view bucket,
                                                                std::span<const std::string> keys,
                                                                Clock::time_point deadline) {
  while (true) {
    const std::size_t count = std::min(std::max<std::size_t>(batch_, 1), keys.size());
    auto values =
        co_await ask(from_, from_.get_many(bucket, views_of(keys.first(count))), deadline);
    if (!values) {
      // Their values together are more than one answer may hold.
      if (values.error().code != ErrorCode::LimitExceeded || count == 1)
        co_return std::unexpected(std::move(values.error()));
      batch_ = count / 2;
      continue;
    }
    if (values->size() != count) {
      co_return fail(ErrorCode::ProtocolError, "the store '{}:' answered {} values for {} keys",
                     from_.name(), values->size(), count);
    }
    std::size_t bytes = 0;
    for (const auto& value : *values) bytes += value ? value->size() : 0;
    batch_ = std::clamp<std::size_t>(limits_.batch_bytes / (bytes / count + 1), 1,
                                     std::max<std::size_t>(limits_.batch_keys, 1));
    co_return values;
  }
}

Task<Result<>> KeyValueCopier::write_batch(std::string_view bucket,
                                           std::span<const std::string> keys,
                                           std::span<const std::optional<Bytes>> values,
                                           Clock::time_point deadline) {
  std::vector<KeyValuePair> pairs;
  std::vector<std::string_view> absent;
  std::size_t bytes = 0;
  const auto write = [&]() -> Reply<Result<>> {
    // One alone may be larger than the pairs of a batch may be together.
    if (pairs.size() == 1) return to_.set(bucket, pairs.front().first, pairs.front().second);
    return to_.set_many(bucket, pairs);
  };
  for (std::size_t i = 0; i <= values.size(); ++i) {
    const bool end = i == values.size();
    if (!end && !values[i]) {
      absent.push_back(keys[i]);
      continue;
    }
    const std::size_t size = end ? 0 : keys[i].size() + values[i]->size();
    if (!pairs.empty() && (end || bytes + size > limits_.batch_bytes)) {
      auto done = co_await ask(to_, write(), deadline);
      if (!done) co_return done;
      counts_.keys += pairs.size();
      counts_.bytes += bytes;
      pairs.clear();
      bytes = 0;
    }
    if (!end) pairs.emplace_back(keys[i], *values[i]);
    bytes += size;
  }
  if (absent.empty()) co_return Result<>();
  co_return co_await ask(to_, to_.remove_many(bucket, absent), deadline);
}

Task<Result<>> KeyValueCopier::copy_keys(std::string_view bucket, std::span<const std::string> keys,
                                         Clock::time_point deadline) {
  while (!keys.empty()) {
    const auto begin = Clock::now();
    auto values = co_await read_batch(bucket, keys, deadline);
    if (!values) co_return std::unexpected(std::move(values.error()));
    auto done = co_await write_batch(bucket, keys.first(values->size()), *values, deadline);
    if (!done) co_return done;
    keys = keys.subspan(values->size());
    if (deadline == Clock::time_point::max()) co_await rest(Clock::now() - begin);
  }
  co_return Result<>();
}

Task<Result<>> KeyValueCopier::write_keys(std::string_view bucket,
                                          std::span<const std::string> keys,
                                          std::span<const std::optional<Bytes>> values,
                                          Clock::time_point deadline) {
  while (!keys.empty()) {
    const auto begin = Clock::now();
    const std::size_t count = std::min(std::max<std::size_t>(limits_.batch_keys, 1), keys.size());
    auto done = co_await write_batch(bucket, keys.first(count), values.first(count), deadline);
    if (!done) co_return done;
    keys = keys.subspan(count);
    values = values.subspan(count);
    if (deadline == Clock::time_point::max()) co_await rest(Clock::now() - begin);
  }
  co_return Result<>();
}

Task<Result<>> KeyValueCopier::copy_all() {
  return each_page(from_,
                   [this](std::string_view bucket, std::span<const std::string> keys,
                          bool first) -> Task<Result<>> {
                     if (first) ++counts_.buckets;
                     return copy_keys(bucket, keys);
                   });
}

Task<Result<>> KeyValueCopier::remove_stale() {
  return each_page(to_,
                   [this](std::string_view bucket, std::span<const std::string> keys,
                          bool) -> Task<Result<>> { return remove_absent(bucket, keys); });
}

Task<Result<>> KeyValueCopier::remove_absent(std::string_view bucket,
                                             std::span<const std::string> keys) {
  const auto never = Clock::time_point::max();
  while (!keys.empty()) {
    const auto begin = Clock::now();
    auto values = co_await read_batch(bucket, keys, never);
    if (!values) co_return std::unexpected(std::move(values.error()));
    std::vector<std::string_view> stale;
    for (std::size_t i = 0; i < values->size(); ++i)
      if (!(*values)[i]) stale.push_back(keys[i]);
    if (!stale.empty()) {
      auto done = co_await ask(to_, to_.remove_many(bucket, stale), never);
      if (!done) co_return done;
      counts_.removed += stale.size();
    }
    keys = keys.subspan(values->size());
    co_await rest(Clock::now() - begin);
  }
  co_return Result<>();
}

}  // namespace unbolt::contracts
