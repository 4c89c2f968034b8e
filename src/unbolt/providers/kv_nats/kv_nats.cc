#include "unbolt/providers/kv_nats/kv_nats.h"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "unbolt/providers/kv_nats/batch_read.h"
#include "unbolt/providers/kv_nats/entries.h"
#include "unbolt/providers/kv_nats/increments.h"
#include "unbolt/providers/kv_nats/listing.h"
#include "unbolt/providers/kv_nats/names.h"
#include "unbolt/providers/kv_nats/watch.h"

namespace unbolt::providers {
namespace {

using contracts::BucketPage;
using contracts::KeyPage;
using contracts::KeyValue;
using contracts::KeyValueLimits;
using contracts::KeyValuePair;
using contracts::KeyWatch;
using nats_kv::Entry;
using nats_kv::Increments;
using nats_kv::Store;
using nats_kv::Write;
using nlohmann::json;

constexpr std::size_t kReadsAtOnce = 8, kWritesAtOnce = 32;

// What a batch does, step by step; owned by its workers, who may outlive the one who waits.
struct Batch {
  explicit Batch(std::size_t steps) : count(steps) {}
  virtual ~Batch() = default;
  virtual Task<Result<>> step(std::size_t index) = 0;

  const std::size_t count;
  std::size_t next = 0;
  std::size_t workers = 0;
  Result<> failure;
  bool stop = false;
  const std::shared_ptr<Wakeup> ended = std::make_shared<Wakeup>();
};

Task<> work(std::shared_ptr<Batch> batch) {
  struct End {
    Batch& of;
    ~End() {
      if (--of.workers == 0) of.ended->wake();
    }
  } end{*batch};
  while (!batch->stop && batch->next < batch->count) {
    auto done = co_await batch->step(batch->next++);
    if (done || batch->stop) continue;
    batch->failure = std::move(done);
    batch->stop = true;
  }
}

// So many steps at a time, until one fails.
Task<Result<>> run(std::shared_ptr<Batch> batch, std::size_t width) {
  struct Stop {
    Batch& of;
    ~Stop() { of.stop = true; }
  };
  const auto loop = co_await asio::this_coro::executor;
  batch->workers = std::min(width, batch->count);
  if (batch->workers == 0) co_return Result<>();
  for (std::size_t i = batch->workers; i > 0; --i)
    asio::co_spawn(loop, work(batch), [](std::exception_ptr) {});
  {
    Stop stop{*batch};
    // Each step has a deadline of its own.
    co_await batch->ended->wait_until(Wakeup::Time::max());
  }
  co_return std::move(batch->failure);
}

struct Reads final : Batch {
  Reads(std::shared_ptr<const Store> from, std::vector<std::string> of)
      : Batch(of.size()), store(std::move(from)), subjects(std::move(of)), values(count) {}
  Task<Result<>> step(std::size_t index) override {
    auto entry = co_await nats_kv::read(store, subjects[index]);
    if (!entry) co_return std::unexpected(std::move(entry.error()));
    if (entry->value) bytes += entry->value->size();
    values[index] = std::move(entry->value);
    co_return contracts::check_answer(bytes);
  }
  const std::shared_ptr<const Store> store;
  const std::vector<std::string> subjects;
  std::vector<std::optional<Bytes>> values;
  std::size_t bytes = 0;
};

struct Writes final : Batch {
  Writes(std::shared_ptr<const Store> to, std::vector<Write> of)
      : Batch(of.size()), store(std::move(to)), writes(std::move(of)) {}
  Task<Result<>> step(std::size_t index) override {
    auto written = co_await nats_kv::write(store, std::move(writes[index]));
    if (!written) co_return std::unexpected(std::move(written.error()));
    co_return Result<>();
  }
  const std::shared_ptr<const Store> store;
  std::vector<Write> writes;
};

Task<Result<std::optional<Bytes>>> get_value(std::shared_ptr<const Store> store,
                                             std::string subject) {
  auto entry = co_await nats_kv::read(std::move(store), std::move(subject));
  if (!entry) co_return std::unexpected(std::move(entry.error()));
  co_return std::move(entry->value);
}
Task<Result<bool>> has_value(std::shared_ptr<const Store> store, std::string subject) {
  auto entry = co_await nats_kv::read(std::move(store), std::move(subject));
  if (!entry) co_return std::unexpected(std::move(entry.error()));
  co_return entry->value.has_value();
}
// A write says which revision it replaces: where another came between, all is looked at again.
Task<Result<bool>> compare_and_write(std::shared_ptr<const Store> store, Write change,
                                     std::optional<Bytes> expected) {
  const auto deadline = store->connection->deadline();
  while (true) {
    auto entry = co_await nats_kv::read(store, change.subject);
    if (!entry) co_return std::unexpected(std::move(entry.error()));
    // What seemed refused was ours: its first answer was lost.
    if (entry->identity == change.identity) co_return true;
    if (entry->value != expected) co_return false;
    change.expected = entry->revision;
    auto written = co_await nats_kv::write(store, change);
    if (written) co_return true;
    if (written.error().code != ErrorCode::Conflict || std::chrono::steady_clock::now() >= deadline)
      co_return std::unexpected(std::move(written.error()));
  }
}
Task<Result<>> write_one(std::shared_ptr<const Store> store, Write write) {
  auto written = co_await nats_kv::write(std::move(store), std::move(write));
  if (!written) co_return std::unexpected(std::move(written.error()));
  co_return Result<>();
}
Task<Result<std::vector<std::optional<Bytes>>>> read_all(std::shared_ptr<Reads> reads) {
  // Servers that know marks of removal give many values at once, too.
  if (reads->store->direct && reads->store->message_ttl &&
      reads->count >= nats_kv::kLeastTogether && reads->count <= nats_kv::kMostTogether) {
    auto together = co_await reads->store->connection->blocking().run(
        [reads] { return nats_kv::read_together(*reads->store, reads->subjects); });
    if (!together) co_return std::unexpected(std::move(together.error()));
    if (*together) co_return std::move(**together);
  }
  auto done = co_await run(reads, kReadsAtOnce);
  if (!done) co_return std::unexpected(std::move(done.error()));
  co_return std::move(reads->values);
}
Task<Result<>> write_all(std::shared_ptr<Writes> writes) {
  co_return co_await run(std::move(writes), kWritesAtOnce);
}

// The names behind the cursor, at most a page of them.
std::pair<std::vector<std::string>, std::optional<std::string>> page_of(
    const std::set<std::string>& names, const std::optional<std::string>& cursor,
    std::size_t most) {
  std::vector<std::string> page;
  std::optional<std::string> next;
  auto name = cursor ? names.upper_bound(*cursor) : names.begin();
  for (; name != names.end() && page.size() < most; ++name) page.push_back(*name);
  if (name != names.end()) next = page.back();
  return {std::move(page), std::move(next)};
}

class Watch final : public KeyWatch {
 public:
  explicit Watch(std::shared_ptr<nats_kv::Watcher> watcher) : watcher_(std::move(watcher)) {}
  ~Watch() override { watcher_->end(); }

 private:
  const std::shared_ptr<nats_kv::Watcher> watcher_;
};

// Those of a provider; they end with it.
class Watchers {
 public:
  ~Watchers() {
    for (const auto& weak : all_)
      if (auto watcher = weak.lock()) watcher->end();
  }
  void add(const std::shared_ptr<nats_kv::Watcher>& watcher) {
    std::lock_guard lock(mutex_);
    std::erase_if(all_, [](const auto& weak) { return weak.expired(); });
    all_.push_back(watcher);
  }

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<nats_kv::Watcher>> all_;
};

class KvNats final : public KeyValue {
 public:
  explicit KvNats(std::shared_ptr<const Store> store)
      : store_(std::move(store)), increments_(std::make_shared<Increments>(store_)) {}

  std::string_view name() const override { return "nats"; }

  Reply<Result<std::optional<Bytes>>> get(std::string_view bucket, std::string_view key) override {
    if (auto ok = contracts::check_key(bucket, key); !ok)
      return std::unexpected(std::move(ok.error()));
    return get_value(store_, store_->subject(bucket, key));
  }
  Reply<Result<bool>> exists(std::string_view bucket, std::string_view key) override {
    if (auto ok = contracts::check_key(bucket, key); !ok)
      return std::unexpected(std::move(ok.error()));
    return has_value(store_, store_->subject(bucket, key));
  }
  Reply<Result<>> set(std::string_view bucket, std::string_view key, ByteView value) override {
    if (auto ok = contracts::check_pair(bucket, key, value); !ok) return ok;
    return write_one(store_, nats_kv::make_write(*store_, bucket, key, value));
  }
  Reply<Result<>> remove(std::string_view bucket, std::string_view key) override {
    if (auto ok = contracts::check_key(bucket, key); !ok) return ok;
    return write_one(store_, nats_kv::make_removal(*store_, bucket, key));
  }

  Reply<Result<std::uint64_t>> increment(std::string_view bucket, std::string_view key,
                                         std::uint64_t delta) override {
    if (auto ok = contracts::check_key(bucket, key); !ok)
      return std::unexpected(std::move(ok.error()));
    return add(increments_, std::string(bucket), std::string(key), delta);
  }

  Reply<Result<bool>> compare_and_set(std::string_view bucket, std::string_view key,
                                      std::optional<ByteView> expected, ByteView value) override {
    if (auto ok = contracts::check_pair(bucket, key, value); !ok)
      return std::unexpected(std::move(ok.error()));
    std::optional<Bytes> before;
    if (expected) before = to_bytes(*expected);
    return compare_and_write(store_, nats_kv::make_write(*store_, bucket, key, value),
                             std::move(before));
  }

  Reply<Result<std::vector<std::optional<Bytes>>>> get_many(
      std::string_view bucket, std::span<const std::string_view> keys) override {
    if (auto ok = contracts::check_keys(bucket, keys); !ok)
      return std::unexpected(std::move(ok.error()));
    std::vector<std::string> subjects;
    for (std::string_view key : keys) subjects.push_back(store_->subject(bucket, key));
    return read_all(std::make_shared<Reads>(store_, std::move(subjects)));
  }

  Reply<Result<>> set_many(std::string_view bucket, std::span<const KeyValuePair> pairs) override {
    if (auto ok = contracts::check_pairs(bucket, pairs); !ok || pairs.empty()) return ok;
    // They are written side by side: of those with the same key only the last.
    std::map<std::string_view, ByteView> last;
    for (const auto& [key, value] : pairs) last.insert_or_assign(key, value);
    std::vector<Write> writes;
    for (const auto& [key, value] : last)
      writes.push_back(nats_kv::make_write(*store_, bucket, key, value));
    return write_all(std::make_shared<Writes>(store_, std::move(writes)));
  }
  Reply<Result<>> remove_many(std::string_view bucket,
                              std::span<const std::string_view> keys) override {
    if (auto ok = contracts::check_keys(bucket, keys); !ok || keys.empty()) return ok;
    std::vector<Write> writes;
    for (std::string_view key : std::set<std::string_view>(keys.begin(), keys.end()))
      writes.push_back(nats_kv::make_removal(*store_, bucket, key));
    return write_all(std::make_shared<Writes>(store_, std::move(writes)));
  }

  Reply<Result<KeyPage>> list_keys(std::string_view bucket,
                                   std::optional<std::string_view> cursor) override {
    if (auto ok = contracts::check_cursor(bucket, cursor); !ok)
      return std::unexpected(std::move(ok.error()));
    return store_->connection->blocking().run(
        [store = store_, listings = listings_, bucket = std::string(bucket),
         cursor = std::optional<std::string>(cursor)]() -> Result<KeyPage> {
          auto keys = cursor ? listings->take(bucket, *cursor) : nullptr;
          if (!keys) {
            UNBOLT_ASSIGN(auto all, nats_kv::keys_of(*store, bucket));
            keys = std::make_shared<const std::set<std::string>>(std::move(all));
          }
          auto [page, next] = page_of(*keys, cursor, KeyValueLimits::kPageKeys);
          if (next) listings->keep(bucket, *next, std::move(keys));
          return KeyPage{std::move(page), std::move(next)};
        });
  }
  Reply<Result<BucketPage>> list_buckets(std::optional<std::string_view> cursor) override {
    if (auto ok = contracts::check_bucket_cursor(cursor); !ok)
      return std::unexpected(std::move(ok.error()));
    return store_->connection->blocking().run(
        [store = store_, cursor = std::optional<std::string>(cursor)]() -> Result<BucketPage> {
          UNBOLT_ASSIGN(const auto buckets, nats_kv::buckets_of(*store));
          auto [page, next] = page_of(buckets, cursor, KeyValueLimits::kPageBuckets);
          return BucketPage{std::move(page), std::move(next)};
        });
  }

  Reply<Result<std::unique_ptr<KeyWatch>>> watch(std::optional<std::string_view> bucket,
                                                 contracts::OnKeyChange changed) override {
    using Answer = Result<std::unique_ptr<KeyWatch>>;
    if (bucket) {
      if (auto ok = contracts::check_bucket(*bucket); !ok)
        return Answer(std::unexpected(std::move(ok.error())));
    }
    return store_->connection->blocking().run([store = store_, watchers = watchers_,
                                               bucket = std::optional<std::string>(bucket),
                                               changed = std::move(changed)]() mutable -> Answer {
      UNBOLT_ASSIGN(auto watcher,
                    nats_kv::start_watch(store, std::move(bucket), std::move(changed)));
      watchers->add(watcher);
      return std::make_unique<Watch>(std::move(watcher));
    });
  }

 private:
  // Keeps what it works on.
  static Task<Result<std::uint64_t>> add(std::shared_ptr<Increments> increments, std::string bucket,
                                         std::string key, std::uint64_t delta) {
    co_return co_await increments->add(std::move(bucket), std::move(key), delta);
  }

  const std::shared_ptr<const Store> store_;
  const std::shared_ptr<Increments> increments_;
  const std::shared_ptr<nats_kv::OpenListings> listings_ =
      std::make_shared<nats_kv::OpenListings>();
  const std::shared_ptr<Watchers> watchers_ = std::make_shared<Watchers>();
};

// As NATS's own tools make a bucket of keys.
json store_config(const KvNatsOptions& options) {
  json config = {{"subjects", {"$KV." + options.store + ".>"}},
                 {"max_msgs_per_subject", 1},
                 {"discard", "new"},
                 {"allow_rollup_hdrs", true},
                 {"allow_direct", true},
                 {"allow_msg_ttl", true},
                 {"storage", options.memory_storage ? "memory" : "file"},
                 {"num_replicas", options.replicas},
                 {"duplicate_window", std::chrono::nanoseconds(std::chrono::minutes(2)).count()}};
  if (options.max_bytes > 0) config["max_bytes"] = options.max_bytes;
  return config;
}

}  // namespace

Result<std::shared_ptr<KeyValue>> make_kv_nats(const KvNatsOptions& options,
                                               const contracts::ProviderContext& context) {
  UNBOLT_ASSIGN(auto connection,
                nats::Connection::open(options.server, context.log, context.blocking));
  UNBOLT_ASSIGN(const auto stream,
                nats::run_here(nats::open_stream(connection, "KV_" + options.store,
                                                 store_config(options), connection->deadline())));
  auto store = std::make_shared<Store>();
  store->stream = stream.name;
  store->prefix = "$KV." + options.store + ".";
  store->direct = stream.direct && stream.replicas == 1;
  store->message_ttl = stream.message_ttl;
  store->connection = std::move(connection);
  return std::make_shared<KvNats>(std::move(store));
}

Result<std::shared_ptr<KeyValue>> open_kv_nats(const contracts::ProviderUrl& url,
                                               const contracts::ProviderContext& context) {
  KvNatsOptions options;
  UNBOLT_ASSIGN(options.server, nats::read_url(url, {"storage", "replicas", "max_bytes"}));
  if (!options.server.path.empty()) options.store = options.server.path;
  const bool good = options.store.size() <= 200 && nats_kv::encode(options.store) == options.store;
  if (!good) {
    return fail(ErrorCode::InvalidArgument,
                "'{}': the name of a store is made of letters, digits, '-' and '_'", url.shown());
  }
  if (const auto storage = url.query.find("storage"); storage != url.query.end()) {
    options.memory_storage = storage->second == "memory";
    if (!options.memory_storage && storage->second != "file")
      return fail(ErrorCode::InvalidArgument,
                  "the option 'storage' of '{}' is neither file nor memory", url.shown());
  }
  UNBOLT_ASSIGN(const auto replicas, url.bytes_option("replicas", 1));
  options.replicas = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(replicas, 1, 5));
  UNBOLT_ASSIGN(options.max_bytes, url.bytes_option("max_bytes", 0));
  return make_kv_nats(options, context);
}

}  // namespace unbolt::providers
