// wasi:keyvalue@0.2.0-draft onto KeyValue. Every function answers at once where the provider does,
// and parks the guest where it does not.
#include "unbolt/contracts/interfaces.h"
#include "unbolt/contracts/key_value_functions.h"

namespace unbolt::contracts {
namespace key_value_functions {

StoreError to_store_error(const Error& error) {
  switch (error.code) {
    case ErrorCode::NotFound: return no_such_store();
    case ErrorCode::Denied: return StoreError(std::in_place_index<1>);
    default: return StoreError(std::in_place_index<2>, error.message);
  }
}

namespace {

const std::shared_ptr<KeyValue>& store_of(Call& call, const Bucket& bucket) {
  return provider_of(call.host<Guest>(), Choosable::KeyValueStore, bucket.name);
}
const std::shared_ptr<KeyValue>& batch_of(Call& call, const Bucket& bucket) {
  return provider_of(call.host<Guest>(), Choosable::KeyValueBatch, bucket.name);
}

}  // namespace

// ---- store

// The identifier is the name of a link, or of a bucket behind the link that has no name.
StoreResult<Own<Bucket>> open(Call& call, std::string_view identifier) {
  if (auto ok = check_bucket(identifier); !ok) return std::unexpected(to_store_error(ok.error()));
  if (!provider_of(call.host<Guest>(), Choosable::KeyValueStore, identifier))
    return std::unexpected(no_such_store());
  return std::make_unique<Bucket>(Bucket{{std::string(identifier)}, {}});
}
Reply<StoreResult<std::optional<Bytes>>> get(Call& call, Borrow<Bucket> bucket,
                                             std::string_view key) {
  const auto& store = store_of(call, *bucket);
  if (!store) return std::unexpected(no_such_store());
  return answer(store->get(bucket->name, key));
}
Reply<StoreResult<>> set(Call& call, Borrow<Bucket> bucket, std::string_view key, ByteView value) {
  const auto& store = store_of(call, *bucket);
  if (!store) return std::unexpected(no_such_store());
  return answer(store->set(bucket->name, key, value));
}
Reply<StoreResult<>> remove(Call& call, Borrow<Bucket> bucket, std::string_view key) {
  const auto& store = store_of(call, *bucket);
  if (!store) return std::unexpected(no_such_store());
  return answer(store->remove(bucket->name, key));
}
Reply<StoreResult<bool>> exists(Call& call, Borrow<Bucket> bucket, std::string_view key) {
  const auto& store = store_of(call, *bucket);
  if (!store) return std::unexpected(no_such_store());
  return answer(store->exists(bucket->name, key));
}

namespace {

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
  const auto& store = store_of(call, *bucket);
  if (!store) return std::unexpected(no_such_store());
  std::optional<std::string_view> from;
  if (cursor && *cursor > 0) {
    const auto known = bucket->cursors.find(*cursor);
    if (known == bucket->cursors.end()) {
      return walk_to(store, bucket.object, *cursor);
    }
    from = known->second;
  }
  auto page = store->list_keys(bucket->name, from);
  if (page.ready()) return to_key_response(*bucket, cursor.value_or(0), std::move(page).take());
  return list_keys_later(bucket.object, cursor.value_or(0), std::move(page).task());
}

// ---- atomics

Reply<StoreResult<std::uint64_t>> increment(Call& call, Borrow<Bucket> bucket, std::string_view key,
                                            std::uint64_t delta) {
  const auto& store = provider_of(call.host<Guest>(), Choosable::KeyValueAtomics, bucket->name);
  if (!store) return std::unexpected(no_such_store());
  return answer(store->increment(bucket->name, key, delta));
}

// ---- batch

using Found = std::vector<std::optional<Bytes>>;

StoreResult<Pairs> with_keys(std::vector<std::string> keys, Result<Found> found) {
  if (!found) return std::unexpected(to_store_error(found.error()));
  Pairs pairs;
  pairs.reserve(keys.size());
  for (std::size_t i = 0; i < keys.size() && i < found->size(); ++i) {
    if ((*found)[i]) {
      pairs.emplace_back(std::tuple(std::move(keys[i]), std::move(*(*found)[i])));
    } else {
      pairs.emplace_back(std::nullopt);
    }
  }
  return pairs;
}
Task<StoreResult<Pairs>> with_keys_later(std::vector<std::string> keys, Task<Result<Found>> found) {
  co_return with_keys(std::move(keys), co_await std::move(found));
}
}  // namespace

Reply<StoreResult<Pairs>> get_many(Call& call, Borrow<Bucket> bucket,
                                   std::vector<std::string_view> keys) {
  const auto& store = batch_of(call, *bucket);
  if (!store) return std::unexpected(no_such_store());
  auto found = store->get_many(bucket->name, keys);
  std::vector<std::string> names(keys.begin(), keys.end());
  if (found.ready()) return with_keys(std::move(names), std::move(found).take());
  return with_keys_later(std::move(names), std::move(found).task());
}
Reply<StoreResult<>> set_many(Call& call, Borrow<Bucket> bucket,
                              std::vector<std::tuple<std::string_view, ByteView>> entries) {
  const auto& store = batch_of(call, *bucket);
  if (!store) return std::unexpected(no_such_store());
  std::vector<KeyValuePair> pairs;
  pairs.reserve(entries.size());
  for (const auto& [key, value] : entries) pairs.emplace_back(key, value);
  return answer(store->set_many(bucket->name, pairs));
}
Reply<StoreResult<>> delete_many(Call& call, Borrow<Bucket> bucket,
                                 std::vector<std::string_view> keys) {
  const auto& store = batch_of(call, *bucket);
  if (!store) return std::unexpected(no_such_store());
  return answer(store->remove_many(bucket->name, keys));
}

}  // namespace key_value_functions

void add_key_value(component::HostInterfaces& host) {
  using namespace key_value_functions;
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
