// The keys that were written while a store is being copied, and so must be copied again; and their
// values, where the writes told them: then nobody has to read them.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "unbolt/base/bytes.h"

namespace unbolt::contracts {

// A set of places (bucket and key), bounded in memory. Every function is thread-safe; `start`,
// `stop` and `take` belong to the one who copies.
class ChangedKeys {
 public:
  // The effect of a write that failed, or was cancelled, may still come.
  enum class Effect : std::uint8_t { Done, Unsure };
  enum class Round : std::uint8_t { Next, Last };

  // From now on changes are kept, starting with none, of at most about so many bytes.
  void start(std::size_t max_bytes);
  // Changes are forgotten.
  void stop();

  // A write that is on its way. Zero: it is not known of.
  using Write = std::uint64_t;
  // One value a key, none where it is gone; empty where the write does not tell them.
  using Values = std::vector<std::optional<Bytes>>;
  // Values larger than this are read from the store.
  static constexpr std::size_t kMostValue = 4096;

  // Before a write is made, so that one which overlaps with others on its key is known: its value
  // may not be the last. Zero, and cheap, while nobody copies.
  Write begin(std::string_view bucket, std::span<const std::string_view> keys) noexcept;
  // Before it is answered. `values`: what the keys hold then.
  void end(Write write, std::string_view bucket, std::span<const std::string_view> keys,
           Effect effect, Values values = {}) noexcept;
  // One whose begin and values nobody told.
  void note(std::string_view bucket, std::span<const std::string_view> keys,
            Effect effect) noexcept {
    end(0, bucket, keys, effect);
  }

  using ByBucket = std::map<std::string, std::vector<std::string>>;
  struct Told {
    std::vector<std::string> keys;
    Values values;  // of each
  };
  struct Taken {
    ByBucket keys;                     // to be read
    std::map<std::string, Told> told;  // and the others
    // There were too many: what changed is not known, and all must be copied again. Changes after
    // this answer are kept.
    bool overflowed = false;
  };
  // Those that changed since they were taken last. The unsure ones come once more in the last
  // round.
  Taken take(Round round);

 private:
  struct Place {
    std::string bucket, key;
  };
  struct PlaceView {
    std::string_view bucket, key;
    PlaceView(std::string_view b, std::string_view k) : bucket(b), key(k) {}
    PlaceView(const Place& place) : bucket(place.bucket), key(place.key) {}
    bool operator==(const PlaceView&) const = default;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const PlaceView& place) const {
      const std::hash<std::string_view> hash;
      return hash(place.bucket) * 31 + hash(place.key);
    }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const PlaceView& a, const PlaceView& b) const { return a == b; }
  };
  struct Change {
    bool changed = false, unsure = false;
    bool overlapped = false;  // writes on their way, or who began when nobody recorded
    std::uint32_t writing = 0;
    bool told = false;  // the value is what the last write left
    std::optional<Bytes> value;
  };
  struct Shard {
    std::mutex mutex;
    std::unordered_map<Place, Change, Hash, Equal> places;
  };

  static std::size_t cost(const PlaceView& place) {
    return place.bucket.size() + place.key.size() + 160;
  }
  static std::size_t size_of(const Change& change) {
    return change.value ? change.value->size() : 0;
  }
  void clear();
  // With the shard locked. Null: it does not fit.
  Change* place(Shard& shard, const PlaceView& view);
  void set_value(Change& change, bool told, std::optional<Bytes> value);

  // Counts what `clear` forgot: a write that began before it is not known of.
  std::atomic<Write> era_ = 1;
  std::atomic<bool> recording_ = false, overflowed_ = false;
  std::atomic<std::size_t> max_bytes_ = 0, bytes_ = 0;
  std::array<Shard, 16> shards_;
};

}  // namespace unbolt::contracts
