#include "unbolt/contracts/key_value_handover.h"

#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "unbolt/contracts/handed_listing.h"
#include "unbolt/contracts/key_value_handover_state.h"

namespace unbolt::contracts {
namespace {

using Effect = ChangedKeys::Effect;
using Keys = std::span<const std::string_view>;
using Pass = HandoverGate::Pass;
using State = KeyValueHandover::State;
using StatePtr = std::shared_ptr<State>;
using Way = HandoverGate::Way;

// ---- writes

using Values = ChangedKeys::Values;

// One that was answered at once. It ends in any way, before it is counted no longer.
struct WriteNow {
  State& state;
  Pass pass;
  std::string_view bucket;
  Keys keys;
  ChangedKeys::Write write = state.changed.begin(bucket, keys);
  Effect effect = Effect::Unsure;
  Values values = {};  // what the keys hold then, where that is known
  bool later = false;
  ~WriteNow() {
    if (!later) state.changed.end(write, bucket, keys, effect, std::move(values));
  }
};

// One that is answered later; in the frame of its task, which may be dropped at any time.
struct WriteLater {
  WriteLater(StatePtr shared, WriteNow&& now)
      : state(std::move(shared)),
        bucket(now.bucket),
        keys(now.keys.begin(), now.keys.end()),
        views(keys.begin(), keys.end()),
        write(now.write),
        values(std::move(now.values)) {
    pass = std::move(now.pass);
    now.later = true;
  }
  WriteLater(WriteLater&&) = default;
  ~WriteLater() { end(Effect::Unsure); }
  void end(Effect effect) noexcept {
    if (!state) return;
    state->changed.end(write, bucket, views, effect, std::move(values));
    pass.leave();
    state = nullptr;
  }

  StatePtr state;
  Pass pass;
  std::string bucket;
  std::vector<std::string> keys;
  std::vector<std::string_view> views;  // of them
  ChangedKeys::Write write;
  Values values;
};

// A sum is told by its answer, and so is whether a comparison stored its value.
template <class T, class Write>
void ended(Write& write, const Result<T>& result) {
  if constexpr (std::is_same_v<T, bool>) {
    if (!result || !*result) write.values.clear();
  }
  if constexpr (std::is_same_v<T, std::uint64_t>) {
    if (result && write.write != 0) write.values = {to_bytes(as_bytes(std::to_string(*result)))};
  }
}

template <class T>
Effect effect_of(const Result<T>& result) {
  return result ? Effect::Done : Effect::Unsure;
}

template <class T>
Task<Result<T>> answer_later(WriteLater write, Task<Result<T>> task) {
  Result<T> result = co_await std::move(task);
  ended(write, result);
  write.end(effect_of(result));
  co_return result;
}

Values not_told() { return {}; }

// `call(store)` makes the write; it has a pass. `told()`: the values that it leaves, or none where
// they are not known.
template <class T, class Call, class Told>
Reply<Result<T>> write_to_old(const StatePtr& state, Pass pass, std::string_view bucket, Keys keys,
                              Call& call, Told told) {
  WriteNow write{*state, std::move(pass), bucket, keys};
  if (write.write != 0) write.values = told();
  Reply<Result<T>> reply = call(*state->old);
  if (!reply.ready())
    return answer_later<T>(WriteLater(state, std::move(write)), std::move(reply).task());
  Result<T> result = std::move(reply).take();
  ended(write, result);
  write.effect = effect_of(result);
  return result;
}

// `later()` is the task of a write that is held; it owns what it needs.
template <class T, class Call, class Later, class Told = Values (*)()>
Reply<Result<T>> write(const StatePtr& state, std::string_view bucket, Keys keys, Call call,
                       Later later, Told told = not_told) {
  Pass pass;
  switch (state->gate.enter(pass)) {
    case Way::Old:
      return write_to_old<T>(state, std::move(pass), bucket, keys, call, std::move(told));
    case Way::New: return call(*state->next);
    case Way::Closed: break;
  }
  return later();
}

// `call(store)` with arguments that the frame owns.
template <class T, class Call>
Task<Result<T>> held_write(StatePtr state, std::string bucket, std::vector<std::string> keys,
                           Call call) {
  const std::vector<std::string_view> views(keys.begin(), keys.end());
  auto make = [&](KeyValue& store) -> Reply<Result<T>> { return call(store, bucket, views); };
  while (true) {
    co_await state->gate.opened();
    Pass pass;
    const Way way = state->gate.enter(pass);
    if (way == Way::Closed) continue;
    if (way == Way::New) co_return co_await make(*state->next).wait();
    co_return co_await write_to_old<T>(state, std::move(pass), bucket, views, make, not_told)
        .wait();
  }
}

Values told_by(std::span<const KeyValuePair> pairs) {
  Values values;
  for (const auto& [key, value] : pairs) {
    if (value.size() > ChangedKeys::kMostValue) return {};
    values.emplace_back(to_bytes(value));
  }
  return values;
}

std::vector<std::string> copies_of(Keys keys) { return {keys.begin(), keys.end()}; }

// ---- watches

Task<Result<std::unique_ptr<KeyWatch>>> watch_later(StatePtr state,
                                                    std::optional<std::string> bucket,
                                                    OnKeyChange changed) {
  // Counted as a write: a watch begins before the cut-over and moves with it, or after it.
  while (true) {
    Pass pass;
    switch (state->gate.enter(pass)) {
      case Way::Old:
        co_return co_await state->watches.watch(state->old, std::move(bucket), std::move(changed));
      case Way::New: co_return co_await state->next->watch(bucket, std::move(changed)).wait();
      case Way::Closed: break;
    }
    co_await state->gate.opened();
  }
}

}  // namespace

KeyValueHandover::KeyValueHandover(std::shared_ptr<KeyValue> old, std::shared_ptr<KeyValue> next)
    : state_(std::make_shared<State>(std::move(old), std::move(next))) {}
KeyValueHandover::~KeyValueHandover() = default;

Task<Result<CopyReport>> KeyValueHandover::copy(HandoverOptions options) {
  return hand_over(state_, options);
}

CopyReport KeyValueHandover::report() const {
  const std::lock_guard lock(state_->mutex);
  return state_->report;
}

bool KeyValueHandover::handed_over() const { return state_->gate.handed_over(); }

std::string_view KeyValueHandover::name() const { return state_->to_read().name(); }

Reply<Result<std::optional<Bytes>>> KeyValueHandover::get(std::string_view bucket,
                                                          std::string_view key) {
  return state_->to_read().get(bucket, key);
}

Reply<Result<bool>> KeyValueHandover::exists(std::string_view bucket, std::string_view key) {
  return state_->to_read().exists(bucket, key);
}

Reply<Result<std::vector<std::optional<Bytes>>>> KeyValueHandover::get_many(std::string_view bucket,
                                                                            Keys keys) {
  return state_->to_read().get_many(bucket, keys);
}

Reply<Result<KeyPage>> KeyValueHandover::list_keys(std::string_view bucket,
                                                   std::optional<std::string_view> cursor) {
  const HandedListing listing = listing_of(state_->gate, cursor);
  return tagged<KeyPage>(state_->at(listing.way).list_keys(bucket, listing.cursor), listing.tag);
}

Reply<Result<BucketPage>> KeyValueHandover::list_buckets(std::optional<std::string_view> cursor) {
  const HandedListing listing = listing_of(state_->gate, cursor);
  return tagged<BucketPage>(state_->at(listing.way).list_buckets(listing.cursor), listing.tag);
}

Reply<Result<>> KeyValueHandover::set(std::string_view bucket, std::string_view key,
                                      ByteView value) {
  if (auto ok = check_pair(bucket, key, value); !ok) return ok;
  return write<void>(
      state_, bucket, {&key, 1}, [&](KeyValue& store) { return store.set(bucket, key, value); },
      [&] {
        return held_write<void>(
            state_, std::string(bucket), {std::string(key)},
            [value = to_bytes(value)](KeyValue& store, std::string_view in, Keys keys) {
              return store.set(in, keys.front(), value);
            });
      },
      [&] {
        const KeyValuePair pair(key, value);
        return told_by({&pair, 1});
      });
}

Reply<Result<>> KeyValueHandover::remove(std::string_view bucket, std::string_view key) {
  if (auto ok = check_key(bucket, key); !ok) return ok;
  return write<void>(
      state_, bucket, {&key, 1}, [&](KeyValue& store) { return store.remove(bucket, key); },
      [&] {
        return held_write<void>(state_, std::string(bucket), {std::string(key)},
                                [](KeyValue& store, std::string_view in, Keys keys) {
                                  return store.remove(in, keys.front());
                                });
      },
      [] { return Values(1); });
}

Reply<Result<std::uint64_t>> KeyValueHandover::increment(std::string_view bucket,
                                                         std::string_view key,
                                                         std::uint64_t delta) {
  if (auto ok = check_key(bucket, key); !ok) return std::unexpected(std::move(ok.error()));
  return write<std::uint64_t>(
      state_, bucket, {&key, 1},
      [&](KeyValue& store) { return store.increment(bucket, key, delta); },
      [&] {
        return held_write<std::uint64_t>(state_, std::string(bucket), {std::string(key)},
                                         [delta](KeyValue& store, std::string_view in, Keys keys) {
                                           return store.increment(in, keys.front(), delta);
                                         });
      });
}

Reply<Result<bool>> KeyValueHandover::compare_and_set(std::string_view bucket, std::string_view key,
                                                      std::optional<ByteView> expected,
                                                      ByteView value) {
  if (auto ok = check_pair(bucket, key, value); !ok) return std::unexpected(std::move(ok.error()));
  return write<bool>(
      state_, bucket, {&key, 1},
      [&](KeyValue& store) { return store.compare_and_set(bucket, key, expected, value); },
      [&] {
        std::optional<Bytes> before;
        if (expected) before = to_bytes(*expected);
        return held_write<bool>(state_, std::string(bucket), {std::string(key)},
                                [before = std::move(before), value = to_bytes(value)](
                                    KeyValue& store, std::string_view in, Keys keys) {
                                  return store.compare_and_set(
                                      in, keys.front(),
                                      before ? std::optional<ByteView>(*before) : std::nullopt,
                                      value);
                                });
      },
      [&] {
        const KeyValuePair pair(key, value);
        return told_by({&pair, 1});
      });
}

Reply<Result<>> KeyValueHandover::set_many(std::string_view bucket,
                                           std::span<const KeyValuePair> pairs) {
  if (auto ok = check_pairs(bucket, pairs); !ok) return ok;
  std::vector<std::string_view> keys;
  keys.reserve(pairs.size());
  for (const auto& [key, value] : pairs) keys.push_back(key);
  return write<void>(
      state_, bucket, keys, [&](KeyValue& store) { return store.set_many(bucket, pairs); },
      [&] {
        std::vector<Bytes> values;
        for (const auto& [key, value] : pairs) values.push_back(to_bytes(value));
        return held_write<void>(
            state_, std::string(bucket), copies_of(keys),
            [values = std::move(values)](KeyValue& store, std::string_view in, Keys names) {
              std::vector<KeyValuePair> owned;
              for (std::size_t i = 0; i < names.size(); ++i)
                owned.emplace_back(names[i], values[i]);
              return store.set_many(in, owned);
            });
      },
      [&] { return told_by(pairs); });
}

Reply<Result<>> KeyValueHandover::remove_many(std::string_view bucket, Keys keys) {
  if (auto ok = check_keys(bucket, keys); !ok) return ok;
  return write<void>(
      state_, bucket, keys, [&](KeyValue& store) { return store.remove_many(bucket, keys); },
      [&] {
        return held_write<void>(state_, std::string(bucket), copies_of(keys),
                                [](KeyValue& store, std::string_view in, Keys names) {
                                  return store.remove_many(in, names);
                                });
      },
      [&] { return Values(keys.size()); });
}

Reply<Result<std::unique_ptr<KeyWatch>>> KeyValueHandover::watch(
    std::optional<std::string_view> bucket, OnKeyChange changed) {
  if (auto ok = check_bucket(bucket.value_or("")); !ok)
    return std::unexpected(std::move(ok.error()));
  if (handed_over()) return state_->next->watch(bucket, std::move(changed));
  return watch_later(state_, std::optional<std::string>(bucket), std::move(changed));
}

}  // namespace unbolt::contracts
