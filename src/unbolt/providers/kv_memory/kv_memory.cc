#include "unbolt/providers/kv_memory/kv_memory.h"

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <array>
#include <functional>
#include <mutex>
#include <set>
#include <unordered_map>

#include "unbolt/contracts/byte_budget.h"
#include "unbolt/contracts/key_watchers.h"

namespace unbolt::providers {
namespace {

using contracts::BucketPage;
using contracts::KeyChange;
using contracts::KeyPage;
using contracts::KeyValue;
using contracts::KeyValueLimits;
using contracts::KeyValuePair;

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const {
    return std::hash<std::string_view>{}(text);
  }
};
template <class T>
using TextMap = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

using Value = std::shared_ptr<const Bytes>;

// What an entry or a bucket costs beside its bytes: nodes, headers, the index. Measured with glibc,
// rounded up.
constexpr std::uint64_t kEntryCost = 240;
constexpr std::uint64_t kBucketCost = 256;

struct Bucket {
  TextMap<Value> values;
  std::set<std::string_view> order;  // of the keys in `values`
};

std::uint64_t cost(std::string_view key, std::size_t value_size) {
  return kEntryCost + key.size() + value_size;
}

class KvMemory final : public KeyValue {
 public:
  explicit KvMemory(KvMemoryOptions options) : budget_(options.max_bytes) {}

  std::string_view name() const override { return "memory"; }

  Reply<Result<std::optional<Bytes>>> get(std::string_view bucket, std::string_view key) override {
    if (auto ok = contracts::check_key(bucket, key); !ok)
      return std::unexpected(std::move(ok.error()));
    Value value = find(bucket, key);
    if (!value) return Result<std::optional<Bytes>>(std::nullopt);
    return Result<std::optional<Bytes>>(*value);
  }

  Reply<Result<bool>> exists(std::string_view bucket, std::string_view key) override {
    if (auto ok = contracts::check_key(bucket, key); !ok)
      return std::unexpected(std::move(ok.error()));
    return Result<bool>(find(bucket, key) != nullptr);
  }

  Reply<Result<>> set(std::string_view bucket, std::string_view key, ByteView value) override {
    KeyValuePair pair(key, value);
    return set_many(bucket, {&pair, 1});
  }

  Reply<Result<>> remove(std::string_view bucket, std::string_view key) override {
    return remove_many(bucket, {&key, 1});
  }

  Reply<Result<KeyPage>> list_keys(std::string_view bucket,
                                   std::optional<std::string_view> cursor) override {
    if (auto ok = contracts::check_cursor(bucket, cursor); !ok)
      return std::unexpected(std::move(ok.error()));
    KeyPage page;
    Shard& shard = shard_of(bucket);
    std::lock_guard lock(shard.mutex);
    auto found = shard.buckets.find(bucket);
    if (found == shard.buckets.end()) return Result<KeyPage>(std::move(page));
    const auto& order = found->second.order;
    auto key = cursor ? order.upper_bound(*cursor) : order.begin();
    for (; key != order.end() && page.keys.size() < KeyValueLimits::kPageKeys; ++key)
      page.keys.emplace_back(*key);
    if (key != order.end()) page.next = page.keys.back();
    return Result<KeyPage>(std::move(page));
  }

  Reply<Result<std::uint64_t>> increment(std::string_view bucket, std::string_view key,
                                         std::uint64_t delta) override {
    if (auto ok = contracts::check_key(bucket, key); !ok)
      return std::unexpected(std::move(ok.error()));
    Shard& shard = shard_of(bucket);
    std::lock_guard lock(shard.mutex);
    Value old = find_locked(shard, bucket, key);
    auto sum =
        contracts::add_to_number(key, old ? std::optional<ByteView>(*old) : std::nullopt, delta);
    if (!sum) return std::unexpected(std::move(sum.error()));
    fmt::format_int text(*sum);
    KeyValuePair pair(key, as_bytes({text.data(), text.size()}));
    std::uint64_t taken = cost(key, text.size());
    if (auto ok = budget_.take(taken); !ok) return std::unexpected(std::move(ok.error()));
    Value value = copied(pair.second);
    if (auto ok = store_locked(shard, bucket, {&pair, 1}, {&value, 1}, taken); !ok) {
      return std::unexpected(std::move(ok.error()));
    }
    return sum;
  }

  Reply<Result<bool>> compare_and_set(std::string_view bucket, std::string_view key,
                                      std::optional<ByteView> expected, ByteView value) override {
    if (auto ok = contracts::check_pair(bucket, key, value); !ok)
      return std::unexpected(std::move(ok.error()));
    std::uint64_t taken = cost(key, value.size());
    if (auto ok = budget_.take(taken); !ok) return std::unexpected(std::move(ok.error()));
    KeyValuePair pair(key, value);
    Value kept = copied(value);
    Shard& shard = shard_of(bucket);
    std::lock_guard lock(shard.mutex);
    const Value old = find_locked(shard, bucket, key);
    if (!contracts::is_expected(old ? std::optional<ByteView>(*old) : std::nullopt, expected)) {
      budget_.give_back(taken);
      return Result<bool>(false);
    }
    if (auto ok = store_locked(shard, bucket, {&pair, 1}, {&kept, 1}, taken); !ok)
      return std::unexpected(std::move(ok.error()));
    return Result<bool>(true);
  }

  Reply<Result<std::vector<std::optional<Bytes>>>> get_many(
      std::string_view bucket, std::span<const std::string_view> keys) override {
    if (auto ok = contracts::check_keys(bucket, keys); !ok)
      return std::unexpected(std::move(ok.error()));
    std::vector<Value> found(keys.size());
    {
      Shard& shard = shard_of(bucket);
      std::lock_guard lock(shard.mutex);
      for (std::size_t i = 0; i < keys.size(); ++i) found[i] = find_locked(shard, bucket, keys[i]);
    }
    std::vector<std::optional<Bytes>> values(keys.size());
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < keys.size(); ++i) {
      if (!found[i]) continue;
      bytes += found[i]->size();
      if (auto ok = contracts::check_answer(bytes); !ok)
        return std::unexpected(std::move(ok.error()));
      values[i] = *found[i];
    }
    return Result<std::vector<std::optional<Bytes>>>(std::move(values));
  }

  Reply<Result<>> set_many(std::string_view bucket, std::span<const KeyValuePair> pairs) override {
    if (auto ok = contracts::check_pairs(bucket, pairs); !ok || pairs.empty()) return ok;
    std::uint64_t taken = 0;
    for (const auto& [key, value] : pairs) taken += cost(key, value.size());
    if (auto ok = budget_.take(taken); !ok) return ok;
    boost::container::small_vector<Value, 1> values;
    for (const auto& [key, value] : pairs) values.push_back(copied(value));
    Shard& shard = shard_of(bucket);
    std::lock_guard lock(shard.mutex);
    return store_locked(shard, bucket, pairs, values, taken);
  }

  Reply<Result<>> remove_many(std::string_view bucket,
                              std::span<const std::string_view> keys) override {
    if (auto ok = contracts::check_keys(bucket, keys); !ok) return ok;
    Shard& shard = shard_of(bucket);
    std::lock_guard lock(shard.mutex);
    auto place = shard.buckets.find(bucket);
    if (place == shard.buckets.end()) return Result<>();
    Bucket& inside = place->second;
    const bool watched = watchers_.any(bucket);
    for (std::string_view key : keys) {
      auto found = inside.values.find(key);
      if (found == inside.values.end()) continue;
      budget_.give_back(cost(key, found->second->size()));
      inside.order.erase(key);
      inside.values.erase(found);
      if (watched)
        watchers_.report(
            {KeyChange::Kind::Deleted, std::string(bucket), std::string(key), nullptr});
    }
    if (inside.values.empty()) {
      budget_.give_back(kBucketCost + bucket.size());
      shard.buckets.erase(place);
    }
    return Result<>();
  }

  // In the order of the shards, by name in each: a cursor tells its shard.
  Reply<Result<BucketPage>> list_buckets(std::optional<std::string_view> cursor) override {
    if (auto ok = contracts::check_bucket_cursor(cursor); !ok)
      return std::unexpected(std::move(ok.error()));
    std::vector<std::string> names;
    std::size_t first = cursor ? shard_index(*cursor) : 0;
    for (std::size_t i = first; i < shards_.size() && names.size() <= KeyValueLimits::kPageBuckets;
         ++i) {
      std::size_t before = names.size();
      std::lock_guard lock(shards_[i].mutex);
      for (const auto& [name, inside] : shards_[i].buckets) {
        if (!cursor || i > first || name > *cursor) names.push_back(name);
      }
      std::sort(names.begin() + static_cast<std::ptrdiff_t>(before), names.end());
    }
    BucketPage page{std::move(names), std::nullopt};
    if (page.buckets.size() > KeyValueLimits::kPageBuckets) {
      page.buckets.resize(KeyValueLimits::kPageBuckets);
      page.next = page.buckets.back();
    }
    return Result<BucketPage>(std::move(page));
  }

  Reply<Result<std::unique_ptr<contracts::KeyWatch>>> watch(
      std::optional<std::string_view> bucket, contracts::OnKeyChange changed) override {
    if (auto ok = contracts::check_bucket(bucket.value_or("")); !ok)
      return std::unexpected(std::move(ok.error()));
    return Result<std::unique_ptr<contracts::KeyWatch>>(watchers_.add(bucket, std::move(changed)));
  }

 private:
  struct Shard {
    std::mutex mutex;
    TextMap<Bucket> buckets;
  };

  std::size_t shard_index(std::string_view bucket) const {
    return TextHash{}(bucket) % shards_.size();
  }
  Shard& shard_of(std::string_view bucket) { return shards_[shard_index(bucket)]; }

  static Value find_locked(const Shard& shard, std::string_view bucket, std::string_view key) {
    auto place = shard.buckets.find(bucket);
    if (place == shard.buckets.end()) return nullptr;
    auto found = place->second.values.find(key);
    return found == place->second.values.end() ? nullptr : found->second;
  }

  Value find(std::string_view bucket, std::string_view key) {
    Shard& shard = shard_of(bucket);
    std::lock_guard lock(shard.mutex);
    return find_locked(shard, bucket, key);
  }

  static Value copied(ByteView value) {
    return std::make_shared<const Bytes>(value.begin(), value.end());
  }

  // Stores one value a pair. `taken` is what the pairs cost as if each were new; what they replace
  // is given back.
  Result<> store_locked(Shard& shard, std::string_view bucket, std::span<const KeyValuePair> pairs,
                        std::span<Value> values, std::uint64_t taken) {
    auto place = shard.buckets.find(bucket);
    if (place == shard.buckets.end()) {
      if (auto ok = budget_.take(kBucketCost + bucket.size()); !ok) {
        budget_.give_back(taken);
        return ok;
      }
      place = shard.buckets.try_emplace(std::string(bucket)).first;
    }
    Bucket& inside = place->second;
    const bool watched = watchers_.any(bucket);
    std::uint64_t replaced = 0;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      std::string_view key = pairs[i].first;
      // Under the shard's lock, and so in order.
      if (watched)
        watchers_.report({KeyChange::Kind::Set, std::string(bucket), std::string(key), values[i]});
      if (auto found = inside.values.find(key); found != inside.values.end()) {
        replaced += cost(key, found->second->size());
        found->second = std::move(values[i]);
      } else {
        inside.order.insert(
            inside.values.try_emplace(std::string(key), std::move(values[i])).first->first);
      }
    }
    budget_.give_back(replaced);
    return {};
  }

  contracts::ByteBudget budget_;
  contracts::KeyWatchers watchers_;
  std::array<Shard, 16> shards_;
};

}  // namespace

std::shared_ptr<KeyValue> make_kv_memory(KvMemoryOptions options) {
  return std::make_shared<KvMemory>(options);
}

Result<std::shared_ptr<KeyValue>> open_kv_memory(const contracts::ProviderUrl& url,
                                                 const contracts::ProviderContext&) {
  static constexpr std::string_view kOptions[] = {"max_bytes"};
  UNBOLT_TRY(url.only_options(kOptions));
  KvMemoryOptions options;
  UNBOLT_ASSIGN(options.max_bytes, url.bytes_option("max_bytes", options.max_bytes));
  return make_kv_memory(options);
}

}  // namespace unbolt::providers
