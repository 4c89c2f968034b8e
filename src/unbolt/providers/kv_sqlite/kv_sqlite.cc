#include "unbolt/providers/kv_sqlite/kv_sqlite.h"

#include <algorithm>
#include <filesystem>
#include <mutex>
#include <utility>
#include <vector>

#include "unbolt/providers/kv_sqlite/open.h"
#include "unbolt/providers/kv_sqlite/writer.h"

namespace unbolt::providers {
namespace {

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
  Writer writer_;  // closed after the readers: the last one to close checkpoints
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;  // as many as there are threads in the pool
};

template <class Work, class Answer = std::invoke_result_t<Work&, Connection&>>
Task<Answer> read(std::shared_ptr<File> file, Work work) {
  co_return co_await file->blocking().run([&] { return file->read(work); });
}

Task<Result<std::uint64_t>> write_number(std::shared_ptr<File> file, Writer::Apply apply,
                                         std::size_t bytes) {
  co_return co_await file->writer().write(std::move(apply), bytes);
}

Task<Result<>> write(std::shared_ptr<File> file, Writer::Apply apply, std::size_t bytes) {
  auto outcome = co_await file->writer().write(std::move(apply), bytes);
  if (!outcome) co_return std::unexpected(std::move(outcome.error()));
  co_return Result<>();
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
Writer::Apply together(Pairs pairs, Result<std::uint64_t> (*all)(Connection&, const Pairs&)) {
  return [pairs = std::move(pairs), all](Connection& connection) -> Result<std::uint64_t> {
    if (pairs.size() == 1) return all(connection, pairs);
    Savepoint savepoint(connection);
    UNBOLT_TRY(savepoint.begun());
    UNBOLT_TRY(all(connection, pairs));
    UNBOLT_TRY(savepoint.keep());
    return 0;
  };
}

class KvSqlite final : public KeyValue {
 public:
  explicit KvSqlite(std::shared_ptr<File> file) : file_(std::move(file)) {}

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
    return write_number(file_, std::move(add), bucket.size() + key.size() + 512);
  }

  Reply<Result<>> set_many(std::string_view bucket, std::span<const KeyValuePair> pairs) override {
    if (auto ok = contracts::check_pairs(bucket, pairs); !ok || pairs.empty()) return ok;
    Pairs copy(bucket);
    for (const auto& [key, value] : pairs) copy.add(key, value);
    std::size_t memory = copy.memory();
    return write(file_, together(std::move(copy), set_all), memory);
  }

  Reply<Result<>> remove_many(std::string_view bucket,
                              std::span<const std::string_view> keys) override {
    if (auto ok = contracts::check_keys(bucket, keys); !ok || keys.empty()) return ok;
    Pairs copy(bucket);
    for (std::string_view key : keys) copy.add(key);
    std::size_t memory = copy.memory();
    return write(file_, together(std::move(copy), remove_all), memory);
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
  static constexpr std::string_view kOptions[] = {"synchronous", "busy_timeout", "max_bytes"};
  UNBOLT_TRY(url.only_options(kOptions));
  std::string path = url.path;
  if (path.starts_with("//")) {
    // `sqlite:///var/app.db` has an empty host; `sqlite://app.db` names a host, which is not what
    // was meant.
    if (!path.starts_with("///")) {
      return std::unexpected(Error{ErrorCode::InvalidArgument,
                                   fmt::format("'{}' names a host, not a file", url.shown()),
                                   fmt::format("did you mean sqlite:{}?", path.substr(2))});
    }
    path.erase(0, 2);
  }
  if (path.empty()) {
    return std::unexpected(Error{ErrorCode::InvalidArgument,
                                 fmt::format("'{}' names no file", url.shown()),
                                 "write sqlite:app.db"});
  }
  if (path == ":memory:") {
    return std::unexpected(Error{ErrorCode::InvalidArgument,
                                 fmt::format("'{}' names no file", url.shown()),
                                 "did you mean memory:?"});
  }
  KvSqliteOptions options;
  // Absolute, so that SQLite finds no special name in it.
  std::error_code failure;
  options.path = std::filesystem::absolute(path, failure).string();
  if (failure)
    return fail(ErrorCode::Io, "no current folder to look for '{}' in: {}", path,
                failure.message());
  if (auto found = url.query.find("synchronous"); found != url.query.end()) {
    if (found->second != "full" && found->second != "normal") {
      return fail(ErrorCode::InvalidArgument, "'{}': synchronous is full or normal", url.shown());
    }
    if (found->second == "normal") options.durability = KvDurability::Crash;
  }
  UNBOLT_ASSIGN(std::uint64_t busy, url.milliseconds_option("busy_timeout", 5000));
  options.busy_timeout = std::chrono::milliseconds(std::min<std::uint64_t>(busy, 600'000));
  UNBOLT_ASSIGN(options.max_bytes, url.bytes_option("max_bytes", 0));
  return make_kv_sqlite(options, context.blocking);
}

}  // namespace unbolt::providers
