#include "unbolt/providers/kv_sqlite/kv_sqlite.h"

#include <algorithm>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "unbolt/contracts/key_watchers.h"
#include "unbolt/providers/kv_sqlite/open.h"
#include "unbolt/providers/kv_sqlite/writer.h"

namespace unbolt::providers {
namespace {

using contracts::BucketPage;
using contracts::KeyChange;
using contracts::KeyPage;
using contracts::KeyValue;
using contracts::KeyValueLimits;
using contracts::KeyValuePair;
using sqlite::Connection;
using sqlite::Query;
using sqlite::Savepoint;
using sqlite::Writer;

constexpr char kGet[] = "SELECT value FROM unbolt_kv WHERE bucket = ?1 AND key = ?2";
constexpr char kExists[] = "SELECT 1 FROM unbolt_kv WHERE bucket = ?1 AND key = ?2";
constexpr char kFirstPage[] = "SELECT key FROM unbolt_kv WHERE bucket = ?1 ORDER BY key LIMIT ?2";
constexpr char kNextPage[] =
    "SELECT key FROM unbolt_kv WHERE bucket = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
// One seek a bucket, however many keys it has.
constexpr char kFirstBuckets[] =
    "WITH RECURSIVE found(name) AS (SELECT min(bucket) FROM unbolt_kv UNION ALL"
    " SELECT (SELECT min(bucket) FROM unbolt_kv WHERE bucket > found.name) FROM found"
    " WHERE found.name IS NOT NULL LIMIT ?1) SELECT name FROM found WHERE name IS NOT NULL";
constexpr char kNextBuckets[] =
    "WITH RECURSIVE found(name) AS (SELECT min(bucket) FROM unbolt_kv WHERE bucket > ?1 UNION ALL"
    " SELECT (SELECT min(bucket) FROM unbolt_kv WHERE bucket > found.name) FROM found"
    " WHERE found.name IS NOT NULL LIMIT ?2) SELECT name FROM found WHERE name IS NOT NULL";
constexpr char kSet[] =
    "INSERT INTO unbolt_kv(bucket, key, value) VALUES(?1, ?2, ?3)"
    " ON CONFLICT(bucket, key) DO UPDATE SET value = excluded.value";
constexpr char kRemove[] = "DELETE FROM unbolt_kv WHERE bucket = ?1 AND key = ?2";

// The open file. Shared by the provider and by every task in flight; the last of them may end on a
// loop, so it is closed in the blocking pool (closing copies the log back into the database).
class File {
 public:
  File(KvSqliteOptions options, std::unique_ptr<Connection> connection, BlockingPool& blocking)
      : options_(std::move(options)), blocking_(blocking), writer_(std::move(connection)) {}

  BlockingPool& blocking() { return blocking_; }
  Writer& writer() { return writer_; }
  contracts::KeyWatchers& watchers() { return watchers_; }

  // Calls `work` with one of the connections that read; on a thread that may block.
  template <class Work>
  auto read(Work& work) -> std::invoke_result_t<Work&, Connection&> {
    UNBOLT_ASSIGN(auto connection, take());
    auto result = work(*connection);
    if (connection->in_transaction())
      return result;  // it could not be ended: do not use this one again
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
    return result;
  }

 private:
  Result<std::unique_ptr<Connection>> take() {
    {
      std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto connection = std::move(idle_.back());
        idle_.pop_back();
        return connection;
      }
    }
    return sqlite::open_for_reading(options_);
  }

  const KvSqliteOptions options_;
  BlockingPool& blocking_;
  contracts::KeyWatchers watchers_;  // told by the writer
  Writer writer_;                    // closed after the readers: the last one to close checkpoints
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;  // as many as there are threads in the pool
};

template <class Work, class Answer = std::invoke_result_t<Work&, Connection&>>
Task<Answer> read(std::shared_ptr<File> file, Work work) {
  co_return co_await file->blocking().run([&] { return file->read(work); });
}

Task<Result<std::uint64_t>> write_number(std::shared_ptr<File> file, Writer::Apply apply,
                                         Writer::Committed committed, std::size_t bytes) {
  co_return co_await file->writer().write(std::move(apply), std::move(committed), bytes);
}

Result<std::optional<Bytes>> value_of(Query& query) {
  UNBOLT_ASSIGN(bool row, query.step());
  if (!row) return std::nullopt;
  return to_bytes(query.bytes(0));
}

// Keys of one call with what it stores under them, in one block: a copy of the guest's views.
class Pairs {
 public:
  explicit Pairs(std::string_view bucket) : bucket_(bucket) {}
  void add(std::string_view key, ByteView value = {}) {
    items_.push_back({key.size(), value.size()});
    bytes_.insert(bytes_.end(), as_bytes(key).begin(), as_bytes(key).end());
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }
  std::string_view bucket() const { return bucket_; }
  std::size_t size() const { return items_.size(); }
  std::size_t memory() const {
    return bucket_.size() + bytes_.size() + items_.size() * sizeof(Item) + 512;
  }

  // `visit(key, value)` returns a Result<>; ends with the first failure.
  template <class Visit>
  Result<> each(Visit visit) const {
    const std::uint8_t* at = bytes_.data();
    for (const Item& item : items_) {
      ByteView key(at, item.key), value(at + item.key, item.value);
      UNBOLT_TRY(visit(as_text(key), value));
      at += item.key + item.value;
    }
    return {};
  }

 private:
  struct Item {
    std::size_t key, value;
  };
  std::string bucket_;
  std::vector<Item> items_;
  Bytes bytes_;
};

Result<std::uint64_t> set_all(Connection& connection, const Pairs& pairs) {
  Query query(connection, kSet);
  UNBOLT_TRY(pairs.each([&](std::string_view key, ByteView value) -> Result<> {
    UNBOLT_TRY(query.again().bind(pairs.bucket()).bind(key).bind(value).step());
    return {};
  }));
  return 0;
}

Result<std::uint64_t> remove_all(Connection& connection, const Pairs& keys) {
  Query query(connection, kRemove);
  UNBOLT_TRY(keys.each([&](std::string_view key, ByteView) -> Result<> {
    UNBOLT_TRY(query.again().bind(keys.bucket()).bind(key).step());
    return {};
  }));
  return 0;
}

// A single statement needs no savepoint: SQLite undoes it by itself.
Result<std::uint64_t> together(Connection& connection, const Pairs& pairs,
                               Result<std::uint64_t> (*all)(Connection&, const Pairs&)) {
  if (pairs.size() == 1) return all(connection, pairs);
  Savepoint savepoint(connection);
  UNBOLT_TRY(savepoint.begun());
  UNBOLT_TRY(all(connection, pairs));
  UNBOLT_TRY(savepoint.keep());
  return 0;
}

// On the writer's thread: exhaustion loses the report, not the program, and says so.
template <class Make>
void report(File& file, std::string_view bucket, Make make) {
  if (!file.watchers().any(bucket)) return;
  try {
    make(file.watchers());
  } catch (const std::bad_alloc&) {
    file.watchers().missed();
  }
}

void report(File& file, KeyChange::Kind kind, const Pairs& pairs) {
  report(file, pairs.bucket(), [&](contracts::KeyWatchers& watchers) {
    (void)pairs.each([&](std::string_view key, ByteView value) -> Result<> {
      std::shared_ptr<const Bytes> kept;
      if (kind == KeyChange::Kind::Set) kept = std::make_shared<const Bytes>(to_bytes(value));
      watchers.report({kind, std::string(pairs.bucket()), std::string(key), std::move(kept)});
      return {};
    });
  });
}

// All of the pairs set, or all of the keys deleted.
Task<Result<>> change(std::shared_ptr<File> file, KeyChange::Kind kind, Pairs pairs) {
  const auto all = kind == KeyChange::Kind::Set ? set_all : remove_all;
  auto apply = [&pairs, all](Connection& connection) { return together(connection, pairs, all); };
  auto committed = [&, kind](std::uint64_t) { report(*file, kind, pairs); };
  const std::size_t memory = pairs.memory();
  auto outcome = co_await file->writer().write(apply, committed, memory);
  if (!outcome) co_return std::unexpected(std::move(outcome.error()));
  co_return Result<>();
}

// Sets the one pair where its key has the value `expected`; the answer says whether.
Task<Result<bool>> compare_and_change(std::shared_ptr<File> file, Pairs pair,
                                      std::optional<Bytes> expected) {
  auto apply = [&](Connection& connection) -> Result<std::uint64_t> {
    std::optional<Bytes> found;
    UNBOLT_TRY(pair.each([&](std::string_view key, ByteView) -> Result<> {
      Query query(connection, kGet);
      UNBOLT_ASSIGN(found, value_of(query.bind(pair.bucket()).bind(key)));
      return {};
    }));
    if (found != expected) return 0;
    UNBOLT_TRY(set_all(connection, pair));
    return 1;
  };
  auto committed = [&](std::uint64_t stored) {
    if (stored) report(*file, KeyChange::Kind::Set, pair);
  };
  const std::size_t memory = pair.memory() + (expected ? expected->size() : 0);
  auto outcome = co_await file->writer().write(apply, committed, memory);
  if (!outcome) co_return std::unexpected(std::move(outcome.error()));
  co_return *outcome == 1;
}

class KvSqlite final : public KeyValue {
 public:
  explicit KvSqlite(std::shared_ptr<File> file) : file_(std::move(file)) {}

  std::string_view name() const override { return "sqlite"; }

  Reply<Result<std::optional<Bytes>>> get(std::string_view bucket, std::string_view key) override {
    if (auto ok = contracts::check_key(bucket, key); !ok)
      return std::unexpected(std::move(ok.error()));
    return read(file_,
                [bucket = std::string(bucket), key = std::string(key)](Connection& connection) {
                  Query query(connection, kGet);
                  return value_of(query.bind(bucket).bind(key));
                });
  }

  Reply<Result<bool>> exists(std::string_view bucket, std::string_view key) override {
    if (auto ok = contracts::check_key(bucket, key); !ok)
      return std::unexpected(std::move(ok.error()));
    return read(file_,
                [bucket = std::string(bucket), key = std::string(key)](Connection& connection) {
                  Query query(connection, kExists);
                  return query.bind(bucket).bind(key).step();
                });
  }

  Reply<Result<KeyPage>> list_keys(std::string_view bucket,
                                   std::optional<std::string_view> cursor) override {
    if (auto ok = contracts::check_cursor(bucket, cursor); !ok)
      return std::unexpected(std::move(ok.error()));
    return read(file_,
                [bucket = std::string(bucket), cursor = std::optional<std::string>(cursor)](
                    Connection& connection) -> Result<KeyPage> {
                  Query query(connection, cursor ? kNextPage : kFirstPage);
                  query.bind(bucket);
                  if (cursor) query.bind(*cursor);
                  query.bind(std::int64_t{KeyValueLimits::kPageKeys +
                                          1});  // one more, to know whether this is the last page
                  KeyPage page;
                  while (true) {
                    UNBOLT_ASSIGN(bool row, query.step());
                    if (!row) return page;
                    if (page.keys.size() == KeyValueLimits::kPageKeys) {
                      page.next = page.keys.back();
                      return page;
                    }
                    page.keys.emplace_back(as_text(query.bytes(0)));
                  }
                });
  }

  Reply<Result<std::vector<std::optional<Bytes>>>> get_many(
      std::string_view bucket, std::span<const std::string_view> keys) override {
    if (auto ok = contracts::check_keys(bucket, keys); !ok)
      return std::unexpected(std::move(ok.error()));
    Pairs wanted(bucket);
    for (std::string_view key : keys) wanted.add(key);
    return read(file_, [wanted = std::move(wanted)](Connection& connection) {
      return get_all(connection, wanted);
    });
  }

  Reply<Result<>> set(std::string_view bucket, std::string_view key, ByteView value) override {
    KeyValuePair pair(key, value);
    return set_many(bucket, {&pair, 1});
  }

  Reply<Result<>> remove(std::string_view bucket, std::string_view key) override {
    return remove_many(bucket, {&key, 1});
  }

  Reply<Result<std::uint64_t>> increment(std::string_view bucket, std::string_view key,
                                         std::uint64_t delta) override {
    if (auto ok = contracts::check_key(bucket, key); !ok)
      return std::unexpected(std::move(ok.error()));
    auto add = [bucket = std::string(bucket), key = std::string(key),
                delta](Connection& connection) -> Result<std::uint64_t> {
      std::optional<Bytes> old;
      {
        Query query(connection, kGet);
        UNBOLT_ASSIGN(old, value_of(query.bind(bucket).bind(key)));
      }
      UNBOLT_ASSIGN(
          std::uint64_t sum,
          contracts::add_to_number(key, old ? std::optional<ByteView>(*old) : std::nullopt, delta));
      fmt::format_int text(sum);
      Query query(connection, kSet);
      UNBOLT_TRY(
          query.bind(bucket).bind(key).bind(std::string_view(text.data(), text.size())).step());
      return sum;
    };
    // The file outlives its writer's thread.
    auto report_sum = [&file = *file_, bucket = std::string(bucket),
                       key = std::string(key)](std::uint64_t sum) {
      report(file, bucket, [&](contracts::KeyWatchers& watchers) {
        fmt::format_int text(sum);
        auto value = std::make_shared<const Bytes>(to_bytes(as_bytes({text.data(), text.size()})));
        watchers.report({KeyChange::Kind::Set, bucket, key, std::move(value)});
      });
    };
    return write_number(file_, std::move(add), std::move(report_sum),
                        bucket.size() + key.size() + 512);
  }

  Reply<Result<bool>> compare_and_set(std::string_view bucket, std::string_view key,
                                      std::optional<ByteView> expected, ByteView value) override {
    if (auto ok = contracts::check_pair(bucket, key, value); !ok)
      return std::unexpected(std::move(ok.error()));
    Pairs pair(bucket);
    pair.add(key, value);
    std::optional<Bytes> before;
    if (expected) before = to_bytes(*expected);
    return compare_and_change(file_, std::move(pair), std::move(before));
  }

  Reply<Result<>> set_many(std::string_view bucket, std::span<const KeyValuePair> pairs) override {
    if (auto ok = contracts::check_pairs(bucket, pairs); !ok || pairs.empty()) return ok;
    Pairs copy(bucket);
    for (const auto& [key, value] : pairs) copy.add(key, value);
    return change(file_, KeyChange::Kind::Set, std::move(copy));
  }

  Reply<Result<>> remove_many(std::string_view bucket,
                              std::span<const std::string_view> keys) override {
    if (auto ok = contracts::check_keys(bucket, keys); !ok || keys.empty()) return ok;
    Pairs copy(bucket);
    for (std::string_view key : keys) copy.add(key);
    return change(file_, KeyChange::Kind::Deleted, std::move(copy));
  }

  Reply<Result<BucketPage>> list_buckets(std::optional<std::string_view> cursor) override {
    if (auto ok = contracts::check_bucket_cursor(cursor); !ok)
      return std::unexpected(std::move(ok.error()));
    return read(file_,
                [cursor = std::optional<std::string>(cursor)](
                    Connection& connection) -> Result<BucketPage> {
                  Query query(connection, cursor ? kNextBuckets : kFirstBuckets);
                  if (cursor) query.bind(*cursor);
                  query.bind(std::int64_t{KeyValueLimits::kPageBuckets + 1});
                  BucketPage page;
                  while (true) {
                    UNBOLT_ASSIGN(bool row, query.step());
                    if (!row) return page;
                    if (page.buckets.size() == KeyValueLimits::kPageBuckets) {
                      page.next = page.buckets.back();
                      return page;
                    }
                    page.buckets.emplace_back(as_text(query.bytes(0)));
                  }
                });
  }

  Reply<Result<std::unique_ptr<contracts::KeyWatch>>> watch(
      std::optional<std::string_view> bucket, contracts::OnKeyChange changed) override {
    if (auto ok = contracts::check_bucket(bucket.value_or("")); !ok)
      return std::unexpected(std::move(ok.error()));
    return Result<std::unique_ptr<contracts::KeyWatch>>(
        file_->watchers().add(bucket, std::move(changed)));
  }

 private:
  // In one transaction: all values are of one moment.
  static Result<std::vector<std::optional<Bytes>>> get_all(Connection& connection,
                                                           const Pairs& wanted) {
    UNBOLT_TRY(connection.run("BEGIN"));
    std::vector<std::optional<Bytes>> values;
    values.reserve(wanted.size());
    std::size_t bytes = 0;
    auto found = wanted.each([&](std::string_view key, ByteView) -> Result<> {
      Query query(connection, kGet);
      UNBOLT_ASSIGN(auto value, value_of(query.bind(wanted.bucket()).bind(key)));
      bytes += value ? value->size() : 0;
      UNBOLT_TRY(contracts::check_answer(bytes));
      values.push_back(std::move(value));
      return {};
    });
    if (connection.in_transaction()) UNBOLT_TRY(connection.run("COMMIT"));
    if (!found) return std::unexpected(std::move(found.error()));
    return values;
  }

  std::shared_ptr<File> file_;
};

}  // namespace

Result<std::shared_ptr<KeyValue>> make_kv_sqlite(const KvSqliteOptions& options,
                                                 BlockingPool& blocking) {
  UNBOLT_ASSIGN(auto connection, sqlite::open_for_writing(options));
  std::shared_ptr<File> file(
      new File(options, std::move(connection), blocking),
      [&blocking](File* last) { blocking.post([last]() noexcept { delete last; }); });
  return std::make_shared<KvSqlite>(std::move(file));
}

Result<std::shared_ptr<KeyValue>> open_kv_sqlite(const contracts::ProviderUrl& url,
                                                 const contracts::ProviderContext& context) {
  UNBOLT_ASSIGN(const KvSqliteOptions options, KvSqliteOptions::of(url));
  return make_kv_sqlite(options, context.blocking);
}

}  // namespace unbolt::providers
