// wasi:keyvalue@0.2.0-draft2 onto KeyValue: cursors are text, numbers have a sign, and a key can be
// compared and swapped. All else is as in the first draft.
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "unbolt/contracts/held_bytes.h"
#include "unbolt/contracts/interfaces.h"
#include "unbolt/contracts/key_value_functions.h"
#include "unbolt/contracts/text.h"

namespace unbolt::contracts {
namespace {

using namespace key_value_functions;

template <class T>
using Later = Reply<StoreResult<T>>;

StoreError other(std::string message) {
  return StoreError(std::in_place_index<2>, std::move(message));
}

// ---- store

struct KeyResponse {
  std::vector<std::string> keys;
  std::optional<std::string> cursor;
};

StoreResult<KeyResponse> to_key_response(Result<KeyPage> page) {
  if (!page) return std::unexpected(to_store_error(page.error()));
  return KeyResponse{std::move(page->keys), std::move(page->next)};
}
Later<KeyResponse> list_keys(Call& call, Borrow<Bucket> bucket,
                             std::optional<std::string_view> cursor) {
  const auto& store = provider_of(call.host<Guest>(), Choosable::KeyValueStore, bucket->name);
  if (!store) return std::unexpected(no_such_store());
  return convert<StoreResult<KeyResponse>, Result<KeyPage>>(store->list_keys(bucket->name, cursor),
                                                            &to_key_response);
}

// ---- increment

constexpr int kAttempts = 1000;

std::optional<ByteView> view(const std::optional<Bytes>& value) {
  if (!value) return std::nullopt;
  return ByteView(*value);
}

StoreResult<std::int64_t> add_signed(std::string_view key, const std::optional<Bytes>& value,
                                     std::int64_t delta) {
  if (!value) return delta;
  const std::string_view text = as_text(*value);
  std::int64_t number = 0, sum = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::unexpected(other(fmt::format("the value of '{}' is not a number of 64 bits: '{}'",
                                             printable(key, 64), printable(text, 32))));
  }
  if (__builtin_add_overflow(number, delta, &sum)) {
    return std::unexpected(other(
        fmt::format("{} + {} in '{}' does not fit in 64 bits", number, delta, printable(key, 64))));
  }
  return sum;
}

// For what a provider's own increment, without a sign, does not do.
Task<StoreResult<std::int64_t>> add_by_comparing(std::shared_ptr<KeyValue> store,
                                                 std::string bucket, std::string key,
                                                 std::int64_t delta) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto found = co_await store->get(bucket, key).wait();
    if (!found) co_return std::unexpected(to_store_error(found.error()));
    auto sum = add_signed(key, *found, delta);
    if (!sum) co_return sum;
    const fmt::format_int text(*sum);
    auto stored = co_await store
                      ->compare_and_set(bucket, key, view(*found),
                                        as_bytes(std::string_view(text.data(), text.size())))
                      .wait();
    if (!stored) co_return std::unexpected(to_store_error(stored.error()));
    if (*stored) co_return sum;
  }
  co_return std::unexpected(other("others change the value all the time"));
}

// The first attempt is the provider's own. What it stored was a number without a sign before.
bool is_final(const Result<std::uint64_t>& sum) {
  return sum || sum.error().code != ErrorCode::InvalidArgument;
}
StoreResult<std::int64_t> to_signed(Result<std::uint64_t> sum) {
  if (!sum) return std::unexpected(to_store_error(sum.error()));
  if (*sum > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return std::unexpected(other(fmt::format("the sum is {}, more than this draft can say", *sum)));
  return static_cast<std::int64_t>(*sum);
}
Task<StoreResult<std::int64_t>> add_later(std::shared_ptr<KeyValue> store, std::string bucket,
                                          std::string key, std::int64_t delta,
                                          Task<Result<std::uint64_t>> first) {
  auto sum = co_await std::move(first);
  if (is_final(sum)) co_return to_signed(std::move(sum));
  co_return co_await add_by_comparing(std::move(store), std::move(bucket), std::move(key), delta);
}
Later<std::int64_t> increment(Call& call, Borrow<Bucket> bucket, std::string_view key,
                              std::int64_t delta) {
  const auto& store = provider_of(call.host<Guest>(), Choosable::KeyValueAtomics, bucket->name);
  if (!store) return std::unexpected(no_such_store());
  if (delta >= 0) {
    auto first = store->increment(bucket->name, key, static_cast<std::uint64_t>(delta));
    if (!first.ready())
      return add_later(store, bucket->name, std::string(key), delta, std::move(first).task());
    auto sum = std::move(first).take();
    if (is_final(sum)) return to_signed(std::move(sum));
  }
  return add_by_comparing(store, bucket->name, std::string(key), delta);
}

// ---- compare and swap

// The value that the key had when this was made; a swap succeeds while it still has it.
struct Cas : Guarded {  // by its bucket
  std::string key;
  HeldBytes held;
  std::optional<Bytes> value = std::nullopt;
};
// variant cas-error { store-error(error), cas-failed(cas) }
using CasError = std::variant<StoreError, Own<Cas>>;
using Swapped = std::expected<void, CasError>;

StoreResult<Own<Cas>> with_value(Own<Cas> cas, Result<std::optional<Bytes>> found) {
  if (!found) return std::unexpected(to_store_error(found.error()));
  const std::size_t names = cas->name.size() + cas->key.size();
  if (!cas->held.resize(sizeof(Cas) + names + (*found ? (*found)->size() : 0))) {
    return std::unexpected(
        other(fmt::format("the handles of this instance take more than {} bytes together, with the "
                          "values they remember: drop some",
                          kMaxHeldBytes)));
  }
  cas->value = std::move(*found);
  return cas;
}
Task<StoreResult<Own<Cas>>> with_value_later(Own<Cas> cas,
                                             Task<Result<std::optional<Bytes>>> found) {
  co_return with_value(std::move(cas), co_await std::move(found));
}
Later<Own<Cas>> make_cas(Call& call, Borrow<Bucket> bucket, std::string_view key) {
  Guest& guest = call.host<Guest>();
  const auto& store = provider_of(guest, Choosable::KeyValueAtomics, bucket->name);
  if (!store) return std::unexpected(no_such_store());
  auto found = store->get(bucket->name, key);
  Own<Cas> cas(new Cas{{bucket->name}, std::string(key), HeldBytes(guest.held_bytes)});
  if (found.ready()) return with_value(std::move(cas), std::move(found).take());
  return with_value_later(std::move(cas), std::move(found).task());
}
StoreResult<std::optional<Bytes>> current(Call&, Borrow<Cas> cas) { return cas->value; }

Swapped failed(StoreError error) {
  return std::unexpected(CasError(std::in_place_index<0>, std::move(error)));
}
// The handle comes back with what is there now.
Task<Swapped> retried(std::shared_ptr<KeyValue> store, Own<Cas> cas) {
  auto found = co_await store->get(cas->name, cas->key).wait();
  auto latest = with_value(std::move(cas), std::move(found));
  if (!latest) co_return failed(std::move(latest.error()));
  co_return std::unexpected(CasError(std::in_place_index<1>, std::move(*latest)));
}
Task<Swapped> swap_later(std::shared_ptr<KeyValue> store, Own<Cas> cas, Task<Result<bool>> stored) {
  auto done = co_await std::move(stored);
  if (!done) co_return failed(to_store_error(done.error()));
  if (*done) co_return Swapped();
  co_return co_await retried(std::move(store), std::move(cas));
}
Reply<Swapped> swap(Call& call, Own<Cas> cas, ByteView value) {
  const auto& store = provider_of(call.host<Guest>(), Choosable::KeyValueAtomics, cas->name);
  if (!store) return failed(no_such_store());
  auto stored = store->compare_and_set(cas->name, cas->key, view(cas->value), value);
  if (!stored.ready()) return swap_later(store, std::move(cas), std::move(stored).task());
  auto done = std::move(stored).take();
  if (!done) return failed(to_store_error(done.error()));
  if (*done) return Swapped();
  return retried(store, std::move(cas));
}

}  // namespace

void add_key_value_draft2(component::HostInterfaces& host) {
  host.add("wasi:keyvalue/store@0.2.0-draft2")
      .resource<Bucket>("bucket")
      .func<&open>("open")
      .func<&get>("[method]bucket.get")
      .func<&set>("[method]bucket.set")
      .func<&remove>("[method]bucket.delete")
      .func<&exists>("[method]bucket.exists")
      .func<&list_keys>("[method]bucket.list-keys");
  host.add("wasi:keyvalue/atomics@0.2.0-draft2")
      .resource<Cas>("cas")
      .func<&make_cas>("[static]cas.new")
      .func<&current>("[method]cas.current")
      .func<&increment>("increment")
      .func<&swap>("swap");
  host.add("wasi:keyvalue/batch@0.2.0-draft2")
      .func<&get_many>("get-many")
      .func<&set_many>("set-many")
      .func<&delete_many>("delete-many");
}

}  // namespace unbolt::contracts
