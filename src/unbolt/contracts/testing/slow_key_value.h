// For tests: a key-value store that answers late, in parts, with failures, or not at all.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "unbolt/base/task.h"
#include "unbolt/contracts/key_value.h"
#include "unbolt/contracts/key_watchers.h"

namespace unbolt::contracts {

using KeyValueContents = std::map<std::string, std::map<std::string, std::string>>;

// Keys are listed from the last to the first, a few a page. Answers at once or later, at random; a
// call that fails, or is cancelled, may have had its effect. Everything is thread-safe.
class SlowKeyValue final : public KeyValue {
 public:
  struct Behaviour {
    std::atomic<unsigned> later_percent = 60;
    std::atomic<unsigned> delay_us = 300;       // of each of the two halves of a late answer
    std::atomic<unsigned> fail_per_mille = 0;   // of writes and reads
    std::atomic<bool> hangs = false;            // writes are answered when this is false again
    std::atomic<bool> holds_to_cancel = false;  // ... and are not to be cancelled meanwhile
  };

  explicit SlowKeyValue(unsigned seed = 1) : data_(std::make_shared<Data>(seed)) {}

  Behaviour& behaviour() { return data_->behaviour; }
  KeyValueContents contents() const {
    const std::lock_guard lock(data_->mutex);
    return data_->buckets;
  }
  std::uint64_t calls() const { return data_->calls; }
  std::size_t largest_answer() const { return data_->largest_answer; }

  std::string_view name() const override { return "slow"; }

  Reply<Result<std::optional<Bytes>>> get(std::string_view bucket, std::string_view key) override {
    return act<std::optional<Bytes>>(
        false, [bucket = std::string(bucket), key = std::string(key)](Data& data) {
          return Result<std::optional<Bytes>>(data.find(bucket, key));
        });
  }
  Reply<Result<bool>> exists(std::string_view bucket, std::string_view key) override {
    return act<bool>(false, [bucket = std::string(bucket), key = std::string(key)](Data& data) {
      return Result<bool>(data.find(bucket, key).has_value());
    });
  }
  Reply<Result<>> set(std::string_view bucket, std::string_view key, ByteView value) override {
    if (auto ok = check_pair(bucket, key, value); !ok) return ok;
    return act<void>(true, [bucket = std::string(bucket), key = std::string(key),
                            value = to_bytes(value)](Data& data) {
      data.store(bucket, key, value);
      return Result<>();
    });
  }
  Reply<Result<>> remove(std::string_view bucket, std::string_view key) override {
    return act<void>(true, [bucket = std::string(bucket), key = std::string(key)](Data& data) {
      data.erase(bucket, key);
      return Result<>();
    });
  }
  Reply<Result<KeyPage>> list_keys(std::string_view bucket,
                                   std::optional<std::string_view> cursor) override {
    return act<KeyPage>(false, [bucket = std::string(bucket),
                                cursor = std::optional<std::string>(cursor)](Data& data) {
      KeyPage page;
      auto found = data.buckets.find(bucket);
      if (found != data.buckets.end()) page.next = list(found->second, cursor, page.keys);
      return Result<KeyPage>(std::move(page));
    });
  }
  Reply<Result<std::uint64_t>> increment(std::string_view bucket, std::string_view key,
                                         std::uint64_t delta) override {
    return act<std::uint64_t>(true,
                              [bucket = std::string(bucket), key = std::string(key),
                               delta](Data& data) -> Result<std::uint64_t> {
                                auto old = data.find(bucket, key);
                                auto sum = add_to_number(
                                    key, old ? std::optional<ByteView>(*old) : std::nullopt, delta);
                                if (sum)
                                  data.store(bucket, key, to_bytes(as_bytes(std::to_string(*sum))));
                                return sum;
                              });
  }
  Reply<Result<bool>> compare_and_set(std::string_view bucket, std::string_view key,
                                      std::optional<ByteView> expected, ByteView value) override {
    std::optional<Bytes> before;
    if (expected) before = to_bytes(*expected);
    return act<bool>(
        true,
        [bucket = std::string(bucket), key = std::string(key), before = std::move(before),
         value = to_bytes(value)](Data& data) -> Result<bool> {
          if (data.find(bucket, key) != before) return false;
          data.store(bucket, key, value);
          return true;
        });
  }
  Reply<Result<std::vector<std::optional<Bytes>>>> get_many(
      std::string_view bucket, std::span<const std::string_view> keys) override {
    using Values = std::vector<std::optional<Bytes>>;
    return act<Values>(
        false,
        [bucket = std::string(bucket),
         keys = std::vector<std::string>(keys.begin(), keys.end())](Data& data) -> Result<Values> {
          Values values;
          std::size_t bytes = 0;
          for (const std::string& key : keys) {
            values.push_back(data.find(bucket, key));
            bytes += values.back() ? values.back()->size() : 0;
            UNBOLT_TRY(check_answer(bytes));
          }
          data.largest_answer = std::max(data.largest_answer.load(), bytes);
          return values;
        });
  }
  Reply<Result<>> set_many(std::string_view bucket, std::span<const KeyValuePair> pairs) override {
    if (auto ok = check_pairs(bucket, pairs); !ok) return ok;
    std::vector<std::pair<std::string, Bytes>> owned;
    for (const auto& [key, value] : pairs) owned.emplace_back(key, to_bytes(value));
    return act<void>(true, [bucket = std::string(bucket), owned = std::move(owned)](Data& data) {
      for (const auto& [key, value] : owned) data.store(bucket, key, value);
      return Result<>();
    });
  }
  Reply<Result<>> remove_many(std::string_view bucket,
                              std::span<const std::string_view> keys) override {
    return act<void>(true, [bucket = std::string(bucket),
                            keys = std::vector<std::string>(keys.begin(), keys.end())](Data& data) {
      for (const std::string& key : keys) data.erase(bucket, key);
      return Result<>();
    });
  }
  Reply<Result<BucketPage>> list_buckets(std::optional<std::string_view> cursor) override {
    return act<BucketPage>(false, [cursor = std::optional<std::string>(cursor)](Data& data) {
      BucketPage page;
      page.next = list(data.buckets, cursor, page.buckets);
      return Result<BucketPage>(std::move(page));
    });
  }
  Reply<Result<std::unique_ptr<KeyWatch>>> watch(std::optional<std::string_view> bucket,
                                                 OnKeyChange changed) override {
    return Result<std::unique_ptr<KeyWatch>>(data_->watchers.add(bucket, std::move(changed)));
  }

 private:
  struct Data {
    explicit Data(unsigned seed) : random(seed) {}

    std::optional<Bytes> find(const std::string& bucket, const std::string& key) const {
      auto place = buckets.find(bucket);
      if (place == buckets.end()) return std::nullopt;
      auto found = place->second.find(key);
      if (found == place->second.end()) return std::nullopt;
      return to_bytes(as_bytes(found->second));
    }
    void store(const std::string& bucket, const std::string& key, const Bytes& value) {
      buckets[bucket][key] = std::string(as_text(value));
      if (watchers.any(bucket))
        watchers.report({KeyChange::Kind::Set, bucket, key, std::make_shared<const Bytes>(value)});
    }
    void erase(const std::string& bucket, const std::string& key) {
      auto place = buckets.find(bucket);
      if (place == buckets.end() || place->second.erase(key) == 0) return;
      if (place->second.empty()) buckets.erase(place);
      watchers.report({KeyChange::Kind::Deleted, bucket, key, nullptr});
    }
    // Below `most`; 0 where that is 0.
    unsigned draw(unsigned most) {
      const std::lock_guard lock(mutex);
      return most == 0 ? 0 : static_cast<unsigned>(random() % most);
    }
    bool fails() { return draw(1000) < behaviour.fail_per_mille; }

    Behaviour behaviour;
    std::atomic<std::uint64_t> calls = 0;
    std::atomic<std::size_t> largest_answer = 0;
    std::mutex mutex;
    std::minstd_rand random;
    KeyValueContents buckets;
    KeyWatchers watchers;
  };

  template <class Map>
  static std::optional<std::string> list(const Map& map, const std::optional<std::string>& cursor,
                                         std::vector<std::string>& names) {
    constexpr std::size_t kPage = 7;
    auto at = cursor ? std::make_reverse_iterator(map.lower_bound(*cursor)) : map.rbegin();
    for (; at != map.rend() && names.size() < kPage; ++at) names.push_back(at->first);
    return at == map.rend() ? std::nullopt : std::optional<std::string>(names.back());
  }

  template <class T, class Work>
  static Result<T> run(Data& data, Work& work) {
    const std::lock_guard lock(data.mutex);
    return work(data);
  }
  static std::unexpected<Error> failure() {
    return fail(ErrorCode::Unavailable, "the slow store fails at random");
  }

  template <class T, class Work>
  Reply<Result<T>> act(bool writes, Work work) {
    ++data_->calls;
    const bool held = writes && data_->behaviour.hangs;
    if (!held && data_->draw(100) >= data_->behaviour.later_percent) {
      if (data_->fails()) return failure();
      return run<T>(*data_, work);
    }
    return later<T>(data_, writes, std::move(work));
  }

  template <class T, class Work>
  static Task<Result<T>> later(std::shared_ptr<Data> data, bool writes, Work work) {
    Timer timer(co_await asio::this_coro::executor);
    if (writes && data->behaviour.holds_to_cancel)
      co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
    while (writes && data->behaviour.hangs) {
      timer.expires_after(std::chrono::milliseconds(2));
      co_await timer.async_wait(use_task);
    }
    if (data->fails()) co_return failure();
    timer.expires_after(std::chrono::microseconds(data->draw(data->behaviour.delay_us)));
    co_await timer.async_wait(use_task);
    Result<T> result = run<T>(*data, work);
    timer.expires_after(std::chrono::microseconds(data->draw(data->behaviour.delay_us)));
    co_await timer.async_wait(use_task);
    if (data->fails()) co_return failure();
    co_return result;
  }

  std::shared_ptr<Data> data_;
};

}  // namespace unbolt::contracts
