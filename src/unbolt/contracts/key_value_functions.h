// The functions that the drafts of wasi:keyvalue have in common (key_value_glue.cc).
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "unbolt/component/bind.h"
#include "unbolt/contracts/bucket.h"
#include "unbolt/contracts/guest.h"

namespace unbolt::contracts::key_value_functions {

using component::Borrow;
using component::Call;
using component::Own;

// variant error { no-such-store, access-denied, other(string) }
using StoreError = std::variant<std::monostate, std::monostate, std::string>;
template <class T = void>
using StoreResult = std::expected<T, StoreError>;

StoreError to_store_error(const Error& error);
inline StoreError no_such_store() { return StoreError(std::in_place_index<0>); }

// Where calls of `interface` for this bucket go. Null where no link leads there.
inline const std::shared_ptr<KeyValue>& provider_of(const Guest& guest, Choosable interface,
                                                    std::string_view bucket) {
  return guest.links->key_value.find(guest.chosen.find(interface), bucket);
}

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

// store
StoreResult<Own<Bucket>> open(Call& call, std::string_view identifier);
Reply<StoreResult<std::optional<Bytes>>> get(Call& call, Borrow<Bucket> bucket,
                                             std::string_view key);
Reply<StoreResult<>> set(Call& call, Borrow<Bucket> bucket, std::string_view key, ByteView value);
Reply<StoreResult<>> remove(Call& call, Borrow<Bucket> bucket, std::string_view key);
Reply<StoreResult<bool>> exists(Call& call, Borrow<Bucket> bucket, std::string_view key);

// batch
using Pairs = std::vector<std::optional<std::tuple<std::string, Bytes>>>;
Reply<StoreResult<Pairs>> get_many(Call& call, Borrow<Bucket> bucket,
                                   std::vector<std::string_view> keys);
Reply<StoreResult<>> set_many(Call& call, Borrow<Bucket> bucket,
                              std::vector<std::tuple<std::string_view, ByteView>> entries);
Reply<StoreResult<>> delete_many(Call& call, Borrow<Bucket> bucket,
                                 std::vector<std::string_view> keys);

}  // namespace unbolt::contracts::key_value_functions
