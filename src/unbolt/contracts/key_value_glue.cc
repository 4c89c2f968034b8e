// wasi:keyvalue@0.2.0-draft onto KeyValue. Every function answers at once where the provider does,
// and parks the guest where it does not.
#include <map>

#include "unbolt/component/bind.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/contracts/interfaces.h"

namespace unbolt::contracts {
namespace {

using component::Borrow;
using component::Call;
using component::Own;

// variant error { no-such-store, access-denied, other(string) }
using StoreError = std::variant<std::monostate, std::monostate, std::string>;
template <class T = void>
using StoreResult = std::expected<T, StoreError>;

StoreError to_store_error(const Error& error) {
  switch (error.code) {
    case ErrorCode::NotFound: return StoreError(std::in_place_index<0>);
    case ErrorCode::Denied: return StoreError(std::in_place_index<1>);
    default: return StoreError(std::in_place_index<2>, error.message);
  }
}

// A handle names its bucket; the provider is looked up for each operation, so that a swapped one is
// met at once.
struct Bucket {
  static constexpr std::size_t kMaxCursors = 64;
  std::string name;
  std::map<std::uint64_t, std::string> cursors;  // of listings through this handle
};

KeyValue& provider(Call& call) { return *call.host<Guest>().links->key_value; }

template <class T>
StoreResult<T> to_store(Result<T> result) {
  if (!result) return std::unexpected(to_store_error(result.error()));
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return std::move(*result);
}

// Converts a provider's answer, now or when it comes.
template <class To, class From>
Task<To> convert_later(Task<From> task, To (*convert)(From)) {
  co_return convert(co_await std::move(task));
}
template <class To, class From>
Reply<To> convert(Reply<From> reply, To (*convert)(From)) {
  if (reply.ready()) return convert(std::move(reply).take());
  return convert_later<To, From>(std::move(reply).task(), convert);
}
template <class T>
Reply<StoreResult<T>> answer(Reply<Result<T>> reply) {
  return convert<StoreResult<T>, Result<T>>(std::move(reply), &to_store<T>);
}

// ---- store

StoreResult<Own<Bucket>> open(Call&, std::string_view identifier) {
  return std::make_unique<Bucket>(Bucket{std::string(identifier), {}});
}
Reply<StoreResult<std::optional<Bytes>>> get(Call& call, Borrow<Bucket> bucket,
                                             std::string_view key) {
  return answer(provider(call).get(bucket->name, key));
}
Reply<StoreResult<>> set(Call& call, Borrow<Bucket> bucket, std::string_view key, ByteView value) {
  return answer(provider(call).set(bucket->name, key, value));
}
Reply<StoreResult<>> remove(Call& call, Borrow<Bucket> bucket, std::string_view key) {
  return answer(provider(call).remove(bucket->name, key));
}
Reply<StoreResult<bool>> exists(Call& call, Borrow<Bucket> bucket, std::string_view key) {
  return answer(provider(call).exists(bucket->name, key));
}

struct KeyResponse {
  std::vector<std::string> keys;
  std::optional<std::uint64_t> cursor;
};

// The draft's cursor is a number, a provider's is text. The number is how many keys came before:
// the handle remembers the text that goes with it, and where it does not (another handle, another
// request) the pages before are walked again.
StoreResult<KeyResponse> to_key_response(Bucket& bucket, std::uint64_t before,
                                         Result<KeyPage> page) {
  if (!page) return std::unexpected(to_store_error(page.error()));
  KeyResponse response{std::move(page->keys), std::nullopt};
  if (page->next) {
    response.cursor = before + response.keys.size();
    bucket.cursors.insert_or_assign(*response.cursor, std::move(*page->next));
    if (bucket.cursors.size() > Bucket::kMaxCursors) bucket.cursors.erase(bucket.cursors.begin());
  }
  return response;
}
Task<StoreResult<KeyResponse>> list_keys_later(Bucket* bucket, std::uint64_t before,
                                               Task<Result<KeyPage>> page) {
  co_return to_key_response(*bucket, before, co_await std::move(page));
}
Task<StoreResult<KeyResponse>> walk_to(std::shared_ptr<KeyValue> store, Bucket* bucket,
                                       std::uint64_t before) {
  std::optional<std::string> from;
  for (std::uint64_t passed = 0;;) {
    auto page = co_await store->list_keys(bucket->name, from).wait();
    if (!page) co_return std::unexpected(to_store_error(page.error()));
    if (passed + page->keys.size() > before) {
      page->keys.erase(page->keys.begin(),
                       page->keys.begin() + static_cast<std::ptrdiff_t>(before - passed));
      co_return to_key_response(*bucket, before, std::move(page));
    }
    passed += page->keys.size();
    if (!page->next) co_return KeyResponse{};
    from = std::move(page->next);
  }
}
Reply<StoreResult<KeyResponse>> list_keys(Call& call, Borrow<Bucket> bucket,
                                          std::optional<std::uint64_t> cursor) {
  std::optional<std::string_view> from;
  if (cursor && *cursor > 0) {
    const auto known = bucket->cursors.find(*cursor);
    if (known == bucket->cursors.end()) {
      return walk_to(call.host<Guest>().links->key_value, bucket.object, *cursor);
    }
    from = known->second;
  }
  auto page = provider(call).list_keys(bucket->name, from);
  if (page.ready()) return to_key_response(*bucket, cursor.value_or(0), std::move(page).take());
  return list_keys_later(bucket.object, cursor.value_or(0), std::move(page).task());
}

// ---- atomics

Reply<StoreResult<std::uint64_t>> increment(Call& call, Borrow<Bucket> bucket, std::string_view key,
                                            std::uint64_t delta) {
  return answer(provider(call).increment(bucket->name, key, delta));
}

// ---- batch

using Found = std::vector<std::optional<Bytes>>;
using Pair = std::tuple<std::string, Bytes>;
using Pairs = std::vector<std::optional<Pair>>;

StoreResult<Pairs> with_keys(std::vector<std::string> keys, Result<Found> found) {
  if (!found) return std::unexpected(to_store_error(found.error()));
  Pairs pairs;
  pairs.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size() && i < found->size(); ++i) {
    if ((*found)[i]) {
      pairs.emplace_back(Pair(std::move(keys[i]), std::move(*(*found)[i])));
    } else {
      pairs.emplace_back(std::nullopt);
    }
  }
  return pairs;
}
Task<StoreResult<Pairs>> with_keys_later(std::vector<std::string> keys, Task<Result<Found>> found) {
  co_return with_keys(std::move(keys), co_await std::move(found));
}
Reply<StoreResult<Pairs>> get_many(Call& call, Borrow<Bucket> bucket,
                                   std::vector<std::string_view> keys) {
  auto found = provider(call).get_many(bucket->name, keys);
  std::vector<std::string> names(keys.begin(), keys.end());
  if (found.ready()) return with_keys(std::move(names), std::move(found).take());
  return with_keys_later(std::move(names), std::move(found).task());
}
Reply<StoreResult<>> set_many(Call& call, Borrow<Bucket> bucket,
                              std::vector<std::tuple<std::string_view, ByteView>> entries) {
  std::vector<KeyValuePair> pairs;
  pairs.reserve(entries.size());
  for (const auto& [key, value] : entries) pairs.emplace_back(key, value);
  return answer(provider(call).set_many(bucket->name, pairs));
}
Reply<StoreResult<>> delete_many(Call& call, Borrow<Bucket> bucket,
                                 std::vector<std::string_view> keys) {
  return answer(provider(call).remove_many(bucket->name, keys));
}

}  // namespace

void add_key_value(component::HostInterfaces& host) {
  host.add("wasi:keyvalue/store@0.2.0-draft")
      .resource<Bucket>("bucket")
      .func<&open>("open")
      .func<&get>("[method]bucket.get")
      .func<&set>("[method]bucket.set")
      .func<&remove>("[method]bucket.delete")
      .func<&exists>("[method]bucket.exists")
      .func<&list_keys>("[method]bucket.list-keys");
  host.add("wasi:keyvalue/atomics@0.2.0-draft").func<&increment>("increment");
  host.add("wasi:keyvalue/batch@0.2.0-draft")
      .func<&get_many>("get-many")
      .func<&set_many>("set-many")
      .func<&delete_many>("delete-many");
}

}  // namespace unbolt::contracts
