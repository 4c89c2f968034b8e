#include "unbolt/providers/kv_redis/kv_redis.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "unbolt/providers/kv_redis/client.h"
#include "unbolt/providers/kv_redis/names.h"
#include "unbolt/providers/kv_redis/scripts.h"

namespace unbolt::providers {
namespace {

using contracts::BucketPage;
using contracts::KeyPage;
using contracts::KeyValue;
using contracts::KeyValueLimits;
using contracts::KeyValuePair;
using contracts::KeyWatch;
using redis::Client;
using redis::Command;
using redis::Names;
using redis::ReplyView;
using redis::Script;

// What `convert` (`std::optional<T>(ReplyView)`) makes of the reply; nothing for one that is not
// what was asked for.
template <class T, class Convert>
Task<Result<T>> ask(std::shared_ptr<Client> client, Command command, Convert convert) {
  const std::string server = client->options().shown();
  auto reply = co_await Client::call(std::move(client), std::move(command));
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  std::optional<T> answer = convert(ReplyView(reply->get()));
  if (!answer) co_return std::unexpected(redis::unexpected_reply(server));
  co_return std::move(*answer);
}

Task<Result<>> tell(std::shared_ptr<Client> client, Command command) {
  auto reply = co_await Client::call(std::move(client), std::move(command));
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  co_return Result<>();
}

// A value or nothing.
std::optional<std::optional<Bytes>> value_of(ReplyView reply) {
  if (reply.is_nil()) return std::optional<Bytes>();
  if (!reply.is_text()) return std::nullopt;
  return to_bytes(as_bytes(reply.text()));
}

using Texts = std::pair<std::vector<std::string>, std::optional<std::string>>;

// One text more than the page has says that there are more.
std::optional<Texts> page_of(ReplyView reply, std::size_t most) {
  if (!reply.is_array()) return std::nullopt;
  Texts page;
  for (std::size_t i = 0; i < std::min(reply.size(), most); ++i) {
    if (!reply[i].is_text()) return std::nullopt;
    page.first.emplace_back(reply[i].text());
  }
  if (reply.size() > most) page.second = page.first.back();
  return page;
}

Command page_command(const std::string& set, std::optional<std::string_view> cursor,
                     std::size_t most) {
  Command command("ZRANGEBYLEX");
  command.add(set).add(cursor ? std::string("(").append(*cursor) : "-").add("+");
  command.add("LIMIT").add("0").add(std::to_string(most + 1));
  return command;
}

Task<Result<std::uint64_t>> increment_by(std::shared_ptr<Client> client, Command command,
                                         std::string key, std::uint64_t delta) {
  const std::string server = client->options().shown();
  auto reply = co_await Client::call(std::move(client), std::move(command));
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  ReplyView view(reply->get());
  if (view.size() != 2 || !view[0].is_number() || !view[1].is_text())
    co_return std::unexpected(redis::unexpected_reply(server));
  std::string_view text = view[1].text();
  if (view[0].number() == 0) {
    // The same words as everywhere.
    auto refused = contracts::add_to_number(key, as_bytes(text), delta);
    if (!refused) co_return refused;
    co_return fail(ErrorCode::InvalidArgument, "the value is not a number of 64 bits");
  }
  std::uint64_t sum = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), sum);
  if (error != std::errc() || end != text.data() + text.size())
    co_return std::unexpected(redis::unexpected_reply(server));
  co_return sum;
}

Task<Result<bool>> stored(std::shared_ptr<Client> client, Command command) {
  const std::string server = client->options().shown();
  auto reply = co_await Client::call(std::move(client), std::move(command));
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  const ReplyView view(reply->get());
  if (!view.is_number()) co_return std::unexpected(redis::unexpected_reply(server));
  co_return view.number() == 1;
}

Task<Result<std::vector<std::optional<Bytes>>>> get_all(std::shared_ptr<Client> client,
                                                        Command command, std::size_t count) {
  const std::string server = client->options().shown();
  auto reply = co_await Client::call(std::move(client), std::move(command));
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  ReplyView view(reply->get());
  if (view.is_number()) {
    auto too_many = contracts::check_answer(static_cast<std::size_t>(view.number()));
    if (!too_many) co_return std::unexpected(std::move(too_many.error()));
  }
  if (view.size() != count) co_return std::unexpected(redis::unexpected_reply(server));
  std::vector<std::optional<Bytes>> values;
  values.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    auto value = value_of(view[i]);
    if (!value) co_return std::unexpected(redis::unexpected_reply(server));
    values.push_back(std::move(*value));
  }
  co_return values;
}

Task<Result<std::unique_ptr<KeyWatch>>> watch_bucket(std::shared_ptr<Client> client,
                                                     std::optional<std::string> bucket,
                                                     contracts::OnKeyChange changed) {
  auto stands = co_await Client::subscribe(client);
  if (!stands) co_return std::unexpected(std::move(stands.error()));
  co_return client->watchers().add(bucket, std::move(changed));
}

class KvRedis final : public KeyValue {
 public:
  explicit KvRedis(std::shared_ptr<Client> client)
      : client_(std::move(client)), names_(client_->options()) {}

  std::string_view name() const override { return "redis"; }

  Reply<Result<std::optional<Bytes>>> get(std::string_view bucket, std::string_view key) override {
    if (auto ok = contracts::check_key(bucket, key); !ok)
      return std::unexpected(std::move(ok.error()));
    Command command("HGET");
    command.add(names_.values(bucket)).add(key);
    return ask<std::optional<Bytes>>(client_, std::move(command), value_of);
  }

  Reply<Result<bool>> exists(std::string_view bucket, std::string_view key) override {
    if (auto ok = contracts::check_key(bucket, key); !ok)
      return std::unexpected(std::move(ok.error()));
    Command command("HEXISTS");
    command.add(names_.values(bucket)).add(key);
    return ask<bool>(client_, std::move(command), [](ReplyView reply) {
      return reply.is_number() ? std::optional(reply.number() == 1) : std::nullopt;
    });
  }

  Reply<Result<KeyPage>> list_keys(std::string_view bucket,
                                   std::optional<std::string_view> cursor) override {
    if (auto ok = contracts::check_cursor(bucket, cursor); !ok)
      return std::unexpected(std::move(ok.error()));
    constexpr std::size_t kMost = KeyValueLimits::kPageKeys;
    return ask<KeyPage>(client_, page_command(names_.keys(bucket), cursor, kMost),
                        [](ReplyView reply) -> std::optional<KeyPage> {
                          auto page = page_of(reply, kMost);
                          if (!page) return std::nullopt;
                          return KeyPage{std::move(page->first), std::move(page->second)};
                        });
  }

  Reply<Result<BucketPage>> list_buckets(std::optional<std::string_view> cursor) override {
    if (auto ok = contracts::check_bucket_cursor(cursor); !ok)
      return std::unexpected(std::move(ok.error()));
    constexpr std::size_t kMost = KeyValueLimits::kPageBuckets;
    return ask<BucketPage>(client_, page_command(names_.buckets(), cursor, kMost),
                           [](ReplyView reply) -> std::optional<BucketPage> {
                             auto page = page_of(reply, kMost);
                             if (!page) return std::nullopt;
                             return BucketPage{std::move(page->first), std::move(page->second)};
                           });
  }

  Reply<Result<std::vector<std::optional<Bytes>>>> get_many(
      std::string_view bucket, std::span<const std::string_view> keys) override {
    if (auto ok = contracts::check_keys(bucket, keys); !ok)
      return std::unexpected(std::move(ok.error()));
    if (keys.empty()) return Result<std::vector<std::optional<Bytes>>>();
    Command command(client_->scripts().get_many, 1);
    command.add(names_.values(bucket)).add(std::to_string(KeyValueLimits::kBatch));
    for (std::string_view key : keys) command.add(key);
    return get_all(client_, std::move(command), keys.size());
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
    Command command = write_command(client_->scripts().increment, bucket);
    command.add(key).add(std::to_string(delta));
    return increment_by(client_, std::move(command), std::string(key), delta);
  }

  Reply<Result<bool>> compare_and_set(std::string_view bucket, std::string_view key,
                                      std::optional<ByteView> expected, ByteView value) override {
    if (auto ok = contracts::check_pair(bucket, key, value); !ok)
      return std::unexpected(std::move(ok.error()));
    Command command = write_command(client_->scripts().compare_and_set, bucket);
    command.reserve(key.size() + value.size() + (expected ? expected->size() : 0) + 128);
    command.add(key).add(expected ? "1" : "0").add(expected.value_or(ByteView())).add(value);
    return stored(client_, std::move(command));
  }

  Reply<Result<>> set_many(std::string_view bucket, std::span<const KeyValuePair> pairs) override {
    if (auto ok = contracts::check_pairs(bucket, pairs); !ok || pairs.empty()) return ok;
    Command command = write_command(client_->scripts().set, bucket);
    std::size_t bytes = 0;
    for (const auto& [key, value] : pairs) bytes += key.size() + value.size() + 32;
    command.reserve(bytes);
    for (const auto& [key, value] : pairs) command.add(key).add(value);
    return tell(client_, std::move(command));
  }

  Reply<Result<>> remove_many(std::string_view bucket,
                              std::span<const std::string_view> keys) override {
    if (auto ok = contracts::check_keys(bucket, keys); !ok || keys.empty()) return ok;
    Command command = write_command(client_->scripts().remove, bucket);
    for (std::string_view key : keys) command.add(key);
    return tell(client_, std::move(command));
  }

  Reply<Result<std::unique_ptr<KeyWatch>>> watch(std::optional<std::string_view> bucket,
                                                 contracts::OnKeyChange changed) override {
    if (auto ok = contracts::check_bucket(bucket.value_or("")); !ok)
      return std::unexpected(std::move(ok.error()));
    return watch_bucket(client_, std::optional<std::string>(bucket), std::move(changed));
  }

 private:
  Command write_command(const Script& script, std::string_view bucket) const {
    Command command(script, 3);
    command.add(names_.values(bucket)).add(names_.keys(bucket)).add(names_.buckets());
    command.add(names_.channel()).add(bucket);
    return command;
  }

  const std::shared_ptr<Client> client_;
  const Names names_;
};

}  // namespace

Result<std::shared_ptr<KeyValue>> make_kv_redis(const KvRedisOptions& options, Log& log,
                                                BlockingPool& blocking) {
  UNBOLT_ASSIGN(auto client, Client::open(options, log, blocking));
  return std::make_shared<KvRedis>(std::move(client));
}

Result<std::shared_ptr<KeyValue>> open_kv_redis(const contracts::ProviderUrl& url,
                                                const contracts::ProviderContext& context) {
  static constexpr std::string_view kOptions[] = {"timeout", "prefix", "connections"};
  static constexpr std::string_view kTlsOptions[] = {"timeout", "prefix", "connections", "ca"};
  KvRedisOptions options;
  options.tls = url.scheme == "rediss";
  UNBOLT_TRY(options.tls ? url.only_options(kTlsOptions) : url.only_options(kOptions));
  UNBOLT_ASSIGN(options.server,
                contracts::parse_server_address(
                    url, 6379, fmt::format("{}://:PASSWORD@HOST:6379/0", url.scheme)));
  auto number = [&](std::string_view text, std::string_view what, int most) -> Result<int> {
    int value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error == std::errc() && end == text.data() + text.size() && value >= 0 && value <= most)
      return value;
    return fail(ErrorCode::InvalidArgument, "'{}': {} is a number of at most {}", url.shown(), what,
                most);
  };
  if (!options.server.path.empty()) {
    UNBOLT_ASSIGN(options.database, number(options.server.path, "the database", 1'000'000));
  }
  UNBOLT_ASSIGN(std::uint64_t timeout, url.milliseconds_option("timeout", 5000));
  options.timeout = std::chrono::milliseconds(std::clamp<std::uint64_t>(timeout, 10, 600'000));
  if (auto found = url.query.find("prefix"); found != url.query.end()) {
    options.prefix = found->second;
  }
  if (auto found = url.query.find("ca"); found != url.query.end()) options.ca_file = found->second;
  if (auto found = url.query.find("connections"); found != url.query.end()) {
    UNBOLT_ASSIGN(int connections, number(found->second, "connections", 64));
    options.connections = static_cast<std::size_t>(std::max(connections, 1));
  }
  return make_kv_redis(options, context.log, context.blocking);
}

}  // namespace unbolt::providers
