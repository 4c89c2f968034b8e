#include "unbolt/providers/kv_postgres/kv_postgres.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include "unbolt/providers/kv_postgres/client.h"
#include "unbolt/providers/kv_postgres/errors.h"

namespace unbolt::providers {
namespace {

using contracts::BucketPage;
using contracts::KeyPage;
using contracts::KeyValue;
using contracts::KeyValueLimits;
using contracts::KeyValuePair;
using contracts::KeyWatch;
using kv_postgres::ByteArray;
using kv_postgres::Client;
using kv_postgres::StoredKey;
using postgres::Parameters;
using postgres::Rows;
using postgres::Statement;

// What `convert` (`T(const Rows&)`) makes of the rows.
template <class T, class Convert>
Task<Result<T>> ask(std::shared_ptr<Client> client, const Statement& statement,
                    Parameters parameters, Convert convert) {
  auto rows = co_await Client::call(std::move(client), statement, std::move(parameters));
  if (!rows) co_return std::unexpected(std::move(rows.error()));
  co_return convert(*rows);
}

Task<Result<>> tell(std::shared_ptr<Client> client, const Statement& statement,
                    Parameters parameters) {
  auto rows = co_await Client::call(std::move(client), statement, std::move(parameters));
  if (!rows) co_return std::unexpected(std::move(rows.error()));
  co_return Result<>();
}

std::optional<Bytes> value_of(const Rows& rows) {
  if (rows.count() == 0) return std::nullopt;
  return to_bytes(as_bytes(rows.bytes(0, 0)));
}

// One row more than the page has says that there are more.
template <class Page>
Page page_of(const Rows& rows, std::vector<std::string> Page::* items, std::size_t most) {
  Page page;
  for (int i = 0; i < rows.count(); ++i) {
    if ((page.*items).size() == most) {
      page.next = (page.*items).back();
      break;
    }
    (page.*items).emplace_back(rows.bytes(i, 0));
  }
  return page;
}

// The statement changes no row where the value is no number or becomes too large: then it is read,
// for the same words as everywhere. Somebody may have changed it meanwhile.
Task<Result<std::uint64_t>> increment_by(std::shared_ptr<Client> client, std::string bucket,
                                         std::string key, std::uint64_t delta) {
  const StoredKey stored(key);
  for (int attempt = 0; attempt < 10; ++attempt) {
    Parameters add, read;
    add_key(add.add(bucket), stored, key).add(std::to_string(delta));
    auto rows = co_await Client::call(client, client->statements().increment, std::move(add));
    if (!rows) co_return std::unexpected(std::move(rows.error()));
    if (rows->count() == 1) {
      std::string_view text = rows->bytes(0, 0);
      std::uint64_t sum = 0;
      auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), sum);
      if (error == std::errc() && end == text.data() + text.size()) co_return sum;
      co_return std::unexpected(kv_postgres::unexpected_result(client->options().shown));
    }
    read.add(bucket).add(stored.key);
    auto found = co_await Client::call(client, client->statements().get, std::move(read));
    if (!found) co_return std::unexpected(std::move(found.error()));
    auto value = value_of(*found);
    auto refused = contracts::add_to_number(
        key, value ? std::optional<ByteView>(*value) : std::nullopt, delta);
    if (!refused) co_return refused;
    if (value && value->size() > 1024) {
      co_return fail(ErrorCode::InvalidArgument, "the value has {} digits, too many for a number",
                     value->size());
    }
  }
  co_return fail(ErrorCode::Unavailable, "others change the value all the time");
}

Task<Result<std::vector<std::optional<Bytes>>>> get_all(std::shared_ptr<Client> client,
                                                        Parameters parameters, std::size_t count) {
  const std::string server = client->options().shown;
  const Statement& statement = client->statements().get_many;
  auto rows = co_await Client::call(std::move(client), statement, std::move(parameters));
  if (!rows) co_return std::unexpected(std::move(rows.error()));
  std::vector<std::optional<Bytes>> values(count);
  for (int i = 0; i < rows->count(); ++i) {
    auto place = static_cast<std::size_t>(rows->number(i, 0));
    if (place == 0) {
      auto fits = contracts::check_answer(static_cast<std::size_t>(rows->number(i, 2)));
      if (!fits) co_return std::unexpected(std::move(fits.error()));
    } else if (place <= count) {
      values[place - 1] = to_bytes(as_bytes(rows->bytes(i, 1)));
    } else {
      co_return std::unexpected(kv_postgres::unexpected_result(server));
    }
  }
  co_return values;
}

Task<Result<std::unique_ptr<KeyWatch>>> watch_bucket(std::shared_ptr<Client> client,
                                                     std::optional<std::string> bucket,
                                                     contracts::OnKeyChange changed) {
  auto stands = co_await Client::listen(client);
  if (!stands) co_return std::unexpected(std::move(stands.error()));
  co_return client->watchers().add(bucket, std::move(changed));
}

class KvPostgres final : public KeyValue {
 public:
  explicit KvPostgres(std::shared_ptr<Client> client)
      : client_(std::move(client)), statements_(client_->statements()) {}

  std::string_view name() const override { return "postgres"; }

  Reply<Result<std::optional<Bytes>>> get(std::string_view bucket, std::string_view key) override {
    if (auto ok = contracts::check_key(bucket, key); !ok)
      return std::unexpected(std::move(ok.error()));
    Parameters parameters;
    parameters.add(bucket).add(StoredKey(key).key);
    return ask<std::optional<Bytes>>(client_, statements_.get, std::move(parameters), value_of);
  }

  Reply<Result<bool>> exists(std::string_view bucket, std::string_view key) override {
    if (auto ok = contracts::check_key(bucket, key); !ok)
      return std::unexpected(std::move(ok.error()));
    Parameters parameters;
    parameters.add(bucket).add(StoredKey(key).key);
    return ask<bool>(client_, statements_.exists, std::move(parameters),
                     [](const Rows& rows) { return rows.count() > 0; });
  }

  Reply<Result<KeyPage>> list_keys(std::string_view bucket,
                                   std::optional<std::string_view> cursor) override {
    if (auto ok = contracts::check_cursor(bucket, cursor); !ok)
      return std::unexpected(std::move(ok.error()));
    constexpr std::size_t kMost = KeyValueLimits::kPageKeys;
    Parameters parameters;
    parameters.add(bucket);
    if (cursor) parameters.add(StoredKey(*cursor).key);
    parameters.add_number(kMost + 1);
    return ask<KeyPage>(client_, cursor ? statements_.list_next : statements_.list_first,
                        std::move(parameters),
                        [](const Rows& rows) { return page_of(rows, &KeyPage::keys, kMost); });
  }

  Reply<Result<BucketPage>> list_buckets(std::optional<std::string_view> cursor) override {
    if (auto ok = contracts::check_bucket_cursor(cursor); !ok)
      return std::unexpected(std::move(ok.error()));
    constexpr std::size_t kMost = KeyValueLimits::kPageBuckets;
    Parameters parameters;
    if (cursor) parameters.add(*cursor);
    parameters.add_number(kMost + 1);
    return ask<BucketPage>(client_, cursor ? statements_.buckets_next : statements_.buckets_first,
                           std::move(parameters), [](const Rows& rows) {
                             return page_of(rows, &BucketPage::buckets, kMost);
                           });
  }

  Reply<Result<std::vector<std::optional<Bytes>>>> get_many(
      std::string_view bucket, std::span<const std::string_view> keys) override {
    if (auto ok = contracts::check_keys(bucket, keys); !ok)
      return std::unexpected(std::move(ok.error()));
    if (keys.empty()) return Result<std::vector<std::optional<Bytes>>>();
    ByteArray wanted;
    for (std::string_view key : keys) wanted.add(StoredKey(key).key);
    Parameters parameters;
    parameters.add(bucket).add(std::move(wanted).take()).add_number(KeyValueLimits::kBatch);
    return get_all(client_, std::move(parameters), keys.size());
  }

  Reply<Result<>> set(std::string_view bucket, std::string_view key, ByteView value) override {
    if (auto ok = contracts::check_pair(bucket, key, value); !ok)
      return std::unexpected(std::move(ok.error()));
    Parameters parameters;
    add_key(parameters.add(bucket), StoredKey(key), key).add(value);
    return tell(client_, statements_.set, std::move(parameters));
  }

  Reply<Result<>> remove(std::string_view bucket, std::string_view key) override {
    if (auto ok = contracts::check_key(bucket, key); !ok)
      return std::unexpected(std::move(ok.error()));
    Parameters parameters;
    add_key(parameters.add(bucket), StoredKey(key), key);
    return tell(client_, statements_.remove, std::move(parameters));
  }

  Reply<Result<std::uint64_t>> increment(std::string_view bucket, std::string_view key,
                                         std::uint64_t delta) override {
    if (auto ok = contracts::check_key(bucket, key); !ok)
      return std::unexpected(std::move(ok.error()));
    return increment_by(client_, std::string(bucket), std::string(key), delta);
  }

  Reply<Result<bool>> compare_and_set(std::string_view bucket, std::string_view key,
                                      std::optional<ByteView> expected, ByteView value) override {
    if (auto ok = contracts::check_pair(bucket, key, value); !ok)
      return std::unexpected(std::move(ok.error()));
    Parameters parameters;
    add_key(parameters.add(bucket), StoredKey(key), key).add(as_text(value));
    if (expected) {
      parameters.add(as_text(*expected));
    } else {
      parameters.add_null();
    }
    return ask<bool>(client_, statements_.compare_and_set, std::move(parameters),
                     [](const Rows& rows) { return rows.count() == 1; });
  }

  // In the order of the keys, so that two calls at once do not wait for each other in a circle; of
  // pairs with the same key the last, since a statement changes a row once.
  Reply<Result<>> set_many(std::string_view bucket, std::span<const KeyValuePair> pairs) override {
    if (auto ok = contracts::check_pairs(bucket, pairs); !ok || pairs.empty()) return ok;
    std::map<std::string, const KeyValuePair*> last;
    for (const KeyValuePair& pair : pairs) last[StoredKey(pair.first).key] = &pair;
    ByteArray keys, long_keys, values;
    for (const auto& [key, pair] : last) {
      keys.add(key);
      if (StoredKey(pair->first).is_long()) {
        long_keys.add(pair->first);
      } else {
        long_keys.add_null();
      }
      values.add(as_text(pair->second));
    }
    Parameters parameters;
    parameters.add(bucket).add(std::move(keys).take());
    parameters.add(std::move(long_keys).take()).add(std::move(values).take());
    return tell(client_, statements_.set_many, std::move(parameters));
  }

  Reply<Result<>> remove_many(std::string_view bucket,
                              std::span<const std::string_view> keys) override {
    if (auto ok = contracts::check_keys(bucket, keys); !ok || keys.empty()) return ok;
    ByteArray gone;
    for (std::string_view key : keys) gone.add(StoredKey(key).key);
    Parameters parameters;
    parameters.add(bucket).add(std::move(gone).take());
    return tell(client_, statements_.remove_many, std::move(parameters));
  }

  Reply<Result<std::unique_ptr<KeyWatch>>> watch(std::optional<std::string_view> bucket,
                                                 contracts::OnKeyChange changed) override {
    if (auto ok = contracts::check_bucket(bucket.value_or("")); !ok)
      return std::unexpected(std::move(ok.error()));
    return watch_bucket(client_, std::optional<std::string>(bucket), std::move(changed));
  }

 private:
  const std::shared_ptr<Client> client_;
  const kv_postgres::Statements& statements_;  // the client's
};

}  // namespace

Result<std::shared_ptr<KeyValue>> make_kv_postgres(const KvPostgresOptions& options, Log& log,
                                                   BlockingPool& blocking) {
  UNBOLT_ASSIGN(const postgres::Library* library, postgres::Library::load());
  // Its own message would show what it could not read, a password too.
  PQconninfoOption* read = library->PQconninfoParse(options.uri.c_str(), nullptr);
  if (!read) {
    return std::unexpected(Error{
        ErrorCode::InvalidArgument,
        fmt::format("the URL of {} has an option or a part that PostgreSQL does not know",
                    options.shown),
        "write postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=require, with % and @ in a "
        "password as %25 and %40"});
  }
  library->PQconninfoFree(read);
  UNBOLT_ASSIGN(auto client, Client::open(options, log, blocking));
  return std::make_shared<KvPostgres>(std::move(client));
}

Result<std::shared_ptr<KeyValue>> open_kv_postgres(const contracts::ProviderUrl& url,
                                                   const contracts::ProviderContext& context) {
  UNBOLT_ASSIGN(KvPostgresOptions options, KvPostgresOptions::of(url));
  return make_kv_postgres(options, context.log, context.blocking);
}

}  // namespace unbolt::providers
