#include "unbolt/contracts/changed_keys.h"

#include <new>
#include <utility>

namespace unbolt::contracts {

void ChangedKeys::clear() {
  ++era_;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [place, change] : shard.places) bytes_ -= cost(place) + size_of(change);
    shard.places.clear();
  }
}

void ChangedKeys::start(std::size_t max_bytes) {
  clear();
  max_bytes_ = max_bytes;
  overflowed_ = false;
  recording_ = true;
}

void ChangedKeys::stop() {
  recording_ = false;
  clear();
}

ChangedKeys::Change* ChangedKeys::place(Shard& shard, const PlaceView& view) {
  if (auto found = shard.places.find(view); found != shard.places.end()) return &found->second;
  if (bytes_.fetch_add(cost(view)) + cost(view) > max_bytes_) {
    bytes_ -= cost(view);
    overflowed_ = true;
    return nullptr;
  }
  return &shard.places.try_emplace(Place{std::string(view.bucket), std::string(view.key)})
              .first->second;
}

void ChangedKeys::set_value(Change& change, bool told, std::optional<Bytes> value) {
  bytes_ -= size_of(change);
  change.told = told;
  change.value = std::move(value);
  // Where there is no room left it is read.
  if (bytes_.fetch_add(size_of(change)) + size_of(change) <= max_bytes_) return;
  bytes_ -= size_of(change);
  change.told = false;
  change.value.reset();
}

ChangedKeys::Write ChangedKeys::begin(std::string_view bucket,
                                      std::span<const std::string_view> keys) noexcept try {
  const Write era = era_;
  for (std::string_view key : keys) {
    if (!recording_ || overflowed_) return 0;
    const PlaceView view(bucket, key);
    Shard& shard = shards_[Hash{}(view) % shards_.size()];
    const std::lock_guard lock(shard.mutex);
    if (era_ != era) return 0;
    Change* change = place(shard, view);
    if (change == nullptr) return 0;
    change->overlapped = change->writing > 0;
    ++change->writing;
  }
  return era;
} catch (const std::bad_alloc&) {
  overflowed_ = true;
  return 0;
}

// A writer that finds nobody recording, or too much recorded already, has had its effect: whoever
// starts to copy after that reads it.
void ChangedKeys::end(Write write, std::string_view bucket, std::span<const std::string_view> keys,
                      Effect effect, Values values) noexcept try {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!recording_ || overflowed_) return;
    const PlaceView view(bucket, keys[i]);
    Shard& shard = shards_[Hash{}(view) % shards_.size()];
    const std::lock_guard lock(shard.mutex);
    Change* change = place(shard, view);
    if (change == nullptr) return;
    const bool known = write != 0 && write == era_;
    if (known)
      --change->writing;
    else if (change->writing > 0)
      change->overlapped = true;
    change->changed = true;
    if (effect == Effect::Unsure) change->unsure = true;
    const bool told = known && !change->overlapped && !change->unsure &&
                      values.size() == keys.size() &&
                      (!values[i] || values[i]->size() <= kMostValue);
    set_value(*change, told, told ? std::move(values[i]) : std::nullopt);
  }
} catch (const std::bad_alloc&) {
  overflowed_ = true;
}

ChangedKeys::Taken ChangedKeys::take(Round round) {
  if (overflowed_) {
    // What is noted until the flag falls is lost, and was written before the next copy begins.
    clear();
    overflowed_ = false;
    return {{}, {}, true};
  }
  Taken taken;
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (auto entry = shard.places.begin(); entry != shard.places.end();) {
      Change& change = entry->second;
      if (change.changed && change.told) {
        Told& told = taken.told[entry->first.bucket];
        told.keys.push_back(entry->first.key);
        bytes_ -= size_of(change);
        told.values.push_back(std::exchange(change.value, std::nullopt));
      } else if (change.changed || (change.unsure && round == Round::Last)) {
        taken.keys[entry->first.bucket].push_back(entry->first.key);
      }
      if (change.writing > 0 || (change.unsure && round == Round::Next)) {
        change.changed = change.told = false;
        ++entry;
      } else {
        bytes_ -= cost(entry->first);
        entry = shard.places.erase(entry);
      }
    }
  }
  // One that overflowed meanwhile is told now: the keys above are not all.
  if (overflowed_) return take(round);
  return taken;
}

}  // namespace unbolt::contracts
