// For tests: writers and readers on several threads, and what they know of the store afterwards.
#pragma once

#include <gtest/gtest.h>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "unbolt/base/within.h"
#include "unbolt/contracts/key_value.h"

namespace unbolt::contracts {

// What a store holds: values by key, by bucket.
using KeyValueContents = std::map<std::string, std::map<std::string, std::string>>;

// Which store new calls go to, as a link has it: changed while calls are under way.
class LinkedStore {
 public:
  using Pin = std::shared_ptr<const std::shared_ptr<KeyValue>>;

  explicit LinkedStore(std::shared_ptr<KeyValue> first) { publish(std::move(first)); }

  // Held by a call to its end.
  Pin pin() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }
  // Calls that begin from now on go to `next`; ends when those before have ended.
  void publish_and_drain(std::shared_ptr<KeyValue> next) {
    const std::weak_ptr<const std::shared_ptr<KeyValue>> before = publish(std::move(next));
    while (!before.expired()) std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
  // The same without waiting.
  std::weak_ptr<const std::shared_ptr<KeyValue>> publish(std::shared_ptr<KeyValue> next) {
    Pin pin = std::make_shared<const std::shared_ptr<KeyValue>>(std::move(next));
    const std::lock_guard lock(mutex_);
    current_.swap(pin);
    return pin;
  }

 private:
  mutable std::mutex mutex_;
  Pin current_;
};

struct LoadOptions {
  int loops = 3;
  int tasks = 6;  // on each
  unsigned seed = 1;
  // Some calls are cancelled after a short time.
  bool cancels = false;
  // Calls may fail; else a failure is one of the test.
  bool failures = false;
  std::chrono::microseconds think{0};  // at most, between the calls of a task
};

// Every task has keys that nobody else writes, and knows what each may hold: what was answered
// last, or anything that was tried since and not answered. All share counters.
class KeyValueLoad {
 public:
  KeyValueLoad(LinkedStore& link, LoadOptions options) : link_(link), options_(options) {
    for (int i = 0; i < options.loops * options.tasks; ++i)
      writers_.push_back(std::make_unique<Writer>(i, options.seed));
    for (int loop = 0; loop < options.loops; ++loop) {
      threads_.emplace_back([this, loop] {
        asio::io_context own(1);
        for (int i = 0; i < options_.tasks; ++i) {
          asio::co_spawn(own, work(*this, *writers_[loop * options_.tasks + i]),
                         [](std::exception_ptr failure) { EXPECT_FALSE(failure); });
        }
        own.run();
      });
    }
  }
  ~KeyValueLoad() { stop(); }

  void stop() {
    stopping_ = true;
    threads_.clear();
  }

  std::uint64_t calls() const { return calls_; }
  // In microseconds, of the calls that were answered; after `stop`.
  std::uint32_t latency(double quantile) const {
    std::vector<std::uint32_t> all;
    for (const auto& writer : writers_)
      all.insert(all.end(), writer->latencies.begin(), writer->latencies.end());
    if (all.empty()) return 0;
    const auto at = std::min(all.size() - 1, static_cast<std::size_t>(quantile * all.size()));
    std::ranges::nth_element(all, all.begin() + static_cast<std::ptrdiff_t>(at));
    return all[at];
  }

  // After `stop`: whether a store that holds this has all that was answered, and nothing that
  // nobody wrote.
  void check(const KeyValueContents& contents) const {
    const auto in_store = [&](const Place& place) -> Value {
      auto bucket = contents.find(place.first);
      if (bucket == contents.end()) return std::nullopt;
      auto found = bucket->second.find(place.second);
      return found == bucket->second.end() ? std::nullopt : Value(found->second);
    };
    std::set<Place> known;
    std::uint64_t acknowledged = 0, tried = 0;
    std::set<std::uint64_t> sums;
    for (const auto& writer : writers_) {
      for (const auto& [place, possible] : writer->possible) {
        EXPECT_TRUE(possible.contains(in_store(place)))
            << place.first << "/" << place.second << " is " << shown(in_store(place)) << ", not "
            << shown(*possible.begin()) << " (or one of " << possible.size() << ")";
        known.insert(place);
      }
      acknowledged += writer->acknowledged;
      tried += writer->tried;
      for (std::uint64_t sum : writer->sums)
        EXPECT_TRUE(sums.insert(sum).second) << "two increments were answered " << sum;
    }
    const std::uint64_t sum = std::stoull(in_store(kShared).value_or("0"));
    EXPECT_GE(sum, acknowledged);
    EXPECT_LE(sum, acknowledged + tried);
    for (const auto& [bucket, keys] : contents)
      for (const auto& [key, value] : keys)
        EXPECT_TRUE(known.contains({bucket, key}) || kShared == Place(bucket, key))
            << bucket << "/" << key << " was written by nobody";
  }

 private:
  using Place = std::pair<std::string, std::string>;
  using Value = std::optional<std::string>;
  using Clock = std::chrono::steady_clock;
  static inline const Place kShared{"shared", "sum"};

  struct Writer {
    Writer(int number, unsigned seed)
        : bucket("bucket " + std::to_string(number % 3)),
          name("w" + std::to_string(number) + "/"),
          random(seed * 1000 + static_cast<unsigned>(number)) {}
    unsigned draw(unsigned most) { return static_cast<unsigned>(random() % most); }
    Place place() { return {bucket, name + std::to_string(draw(12))}; }
    std::set<Value>& of(const Place& place) {
      return possible.try_emplace(place, std::set<Value>{std::nullopt}).first->second;
    }
    // What is known after a write of `value`.
    void wrote(const Place& place, const Value& value, bool answered) {
      std::set<Value>& values = of(place);
      if (answered) values.clear();
      values.insert(value);
    }

    const std::string bucket, name;
    std::minstd_rand random;
    std::map<Place, std::set<Value>> possible;
    std::uint64_t acknowledged = 0, tried = 0;  // of the shared counter
    std::vector<std::uint64_t> sums;
    std::vector<std::uint32_t> latencies;
  };

  static std::string shown(const Value& value) {
    return value ? "'" + value->substr(0, 40) + "'" : "absent";
  }

  template <class T>
  Task<Result<T>> call(Writer& writer, Reply<Result<T>> reply) {
    const auto began = Clock::now();
    const bool cancels = options_.cancels && writer.draw(20) == 0;
    const auto until = cancels ? began + std::chrono::microseconds(writer.draw(500))
                               : began + std::chrono::minutes(1);
    auto answer = co_await within(until, "a call", std::move(reply));
    ++calls_;
    if (answer) {
      const auto took = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began);
      writer.latencies.push_back(static_cast<std::uint32_t>(took.count()));
    } else {
      EXPECT_TRUE(cancels || options_.failures) << answer.error().message;
    }
    co_return answer;
  }

  static Task<> work(KeyValueLoad& load, Writer& writer) {
    while (!load.stopping_) {
      const auto pin = load.link_.pin();
      co_await load.one(writer, **pin);
      if (load.options_.think.count() > 0) {
        Timer timer(co_await asio::this_coro::executor,
                    std::chrono::microseconds(
                        writer.draw(static_cast<unsigned>(load.options_.think.count()))));
        co_await timer.async_wait(use_task);
      } else {
        co_await asio::post(use_task);
      }
    }
  }

  Task<> one(Writer& writer, KeyValue& store) {
    const Place place = writer.place(), other = writer.place();
    const std::string value = std::to_string(writer.random()) +
                              std::string(writer.draw(50) == 0 ? 5000 : writer.draw(60), 'x');
    switch (writer.draw(12)) {
      case 0:
      case 1:
      case 2: {
        auto done = co_await call(writer, store.set(place.first, place.second, as_bytes(value)));
        writer.wrote(place, value, done.has_value());
        break;
      }
      case 3: {
        auto done = co_await call(writer, store.remove(place.first, place.second));
        writer.wrote(place, std::nullopt, done.has_value());
        break;
      }
      case 4: {
        const std::vector<KeyValuePair> pairs = {{place.second, as_bytes(value)},
                                                 {other.second, as_bytes(value)}};
        auto done = co_await call(writer, store.set_many(place.first, pairs));
        writer.wrote(place, value, done.has_value());
        writer.wrote(other, value, done.has_value());
        break;
      }
      case 5: {
        const std::vector<std::string_view> keys = {place.second, other.second};
        auto done = co_await call(writer, store.remove_many(place.first, keys));
        writer.wrote(place, std::nullopt, done.has_value());
        writer.wrote(other, std::nullopt, done.has_value());
        break;
      }
      case 6: co_await increment_own(writer, store); break;
      case 7:
      case 8: {
        const std::uint64_t delta = 1 + writer.draw(5);
        auto sum = co_await call(writer, store.increment(kShared.first, kShared.second, delta));
        (sum ? writer.acknowledged : writer.tried) += delta;
        if (sum) writer.sums.push_back(*sum);
        break;
      }
      case 9: {
        const std::vector<std::string_view> keys = {place.second, other.second};
        auto found = co_await call(writer, store.get_many(place.first, keys));
        if (!found) break;
        expect(writer, place, (*found)[0]);
        expect(writer, other, (*found)[1]);
        break;
      }
      default: {
        auto found = co_await call(writer, store.get(place.first, place.second));
        if (found) expect(writer, place, *found);
      }
    }
  }

  Task<> increment_own(Writer& writer, KeyValue& store) {
    const Place place{writer.bucket, writer.name + "n"};
    auto sum = co_await call(writer, store.increment(place.first, place.second, 1));
    std::set<Value> sums;
    for (const Value& value : writer.of(place))
      sums.insert(std::to_string(std::stoull(value.value_or("0")) + 1));
    if (sum) {
      EXPECT_TRUE(sums.contains(std::to_string(*sum)));
      writer.possible[place] = {std::to_string(*sum)};
    } else {
      writer.possible[place].insert(sums.begin(), sums.end());
    }
  }

  // A task reads its own writes.
  static void expect(Writer& writer, const Place& place, const std::optional<Bytes>& found) {
    Value value;
    if (found) value = std::string(as_text(*found));
    EXPECT_TRUE(writer.of(place).contains(value)) << place.second << " is " << shown(value);
  }

  LinkedStore& link_;
  const LoadOptions options_;
  std::vector<std::unique_ptr<Writer>> writers_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> calls_ = 0;
  std::vector<std::jthread> threads_;  // joined first
};

}  // namespace unbolt::contracts
