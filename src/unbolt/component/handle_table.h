// The handles of one component instance (CanonicalABI.md, "Table State" and "Resource State").
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/base/reply.h"

namespace unbolt::component {

// A resource whose representation is an object of the host's. One tag a C++ class; its address is
// the type's identity.
struct ResourceTag {
  void (*destroy)(void*) noexcept;
  // Whether resources made from it still live, so that the guest may not drop it yet. Null: it has
  // no such children.
  bool (*has_children)(void*) noexcept = nullptr;
  // In the place of `destroy` where a guest drops its handle, on the guest's fiber: takes the
  // object, and may wait. An Error makes the guest trap. Null: `destroy` does.
  Reply<Result<>> (*drop)(void*) = nullptr;
  // The part of the object that says what it was opened as, for who guards the calls on it. Null:
  // it has none.
  void* (*guarded)(void*) noexcept = nullptr;
};
// A class whose contract speaks of child resources has `bool has_children() const`, one whose calls
// are guarded names its base class for that, `GuardedPart`.
template <class T>
constexpr ResourceTag make_resource_tag() {
  ResourceTag tag{[](void* object) noexcept { delete static_cast<T*>(object); }};
  if constexpr (requires(const T& t) { t.has_children(); }) {
    tag.has_children = [](void* object) noexcept {
      return static_cast<T*>(object)->has_children();
    };
  }
  if constexpr (requires { typename T::GuardedPart; }) {
    tag.guarded = [](void* object) noexcept -> void* {
      return static_cast<typename T::GuardedPart*>(static_cast<T*>(object));
    };
  }
  return tag;
}
template <class T>
inline constexpr ResourceTag kResourceTag = make_resource_tag<T>();

// What tells resource types apart at run time: a host class's ResourceTag, or a component's own
// ResourceType.
using ResourceId = const void*;

struct HandleEntry {
  ResourceId type = nullptr;  // null: free
  std::uint64_t rep = 0;      // an object's address, or the guest's i32; next free index where free
  std::uint32_t lends = 0;    // borrows of an own handle that are under way
  bool own = true;
  bool host = false;  // `type` is a ResourceTag and `rep` an object
};

// What a trap says of a handle that is not there, or is of another type than the one that is asked
// for.
std::string unknown_handle(std::uint32_t index);
std::string wrong_handle(std::uint32_t index, const HandleEntry& found, bool host_expected);

// Indices start at 1 and are reused. Belongs to its instance, on its loop. Destroys the host's
// objects it still owns.
class HandleTable {
 public:
  static constexpr std::uint32_t kMaxHandles = 1u << 20;

  HandleTable() : entries_(1) {}
  ~HandleTable() { clear(); }
  HandleTable(const HandleTable&) = delete;
  HandleTable& operator=(const HandleTable&) = delete;

  // 0 where the table is full.
  std::uint32_t add(const HandleEntry& entry) {
    ++live_;
    if (free_ != 0) {
      const std::uint32_t index = free_;
      free_ = static_cast<std::uint32_t>(entries_[index].rep);
      entries_[index] = entry;
      return index;
    }
    if (entries_.size() >= kMaxHandles) {
      --live_;
      return 0;
    }
    entries_.push_back(entry);
    return static_cast<std::uint32_t>(entries_.size() - 1);
  }
  // Null where there is no such handle.
  HandleEntry* find(std::uint32_t index) {
    if (index == 0 || index >= entries_.size() || entries_[index].type == nullptr) return nullptr;
    return &entries_[index];
  }
  // Forgets the handle without destroying what it stands for.
  void remove(std::uint32_t index) {
    entries_[index] = HandleEntry{.rep = free_};
    free_ = index;
    --live_;
  }
  std::uint32_t live() const { return live_; }

  // Newest first: children before their parents.
  void clear() {
    for (std::size_t i = entries_.size(); i-- > 1;) {
      const HandleEntry entry = std::exchange(entries_[i], {});
      if (entry.type && entry.own && entry.host) {
        static_cast<const ResourceTag*>(entry.type)->destroy(reinterpret_cast<void*>(entry.rep));
      }
    }
    entries_.resize(1);
    free_ = 0;
    live_ = 0;
  }

 private:
  std::vector<HandleEntry> entries_;
  std::uint32_t free_ = 0;
  std::uint32_t live_ = 0;
};

}  // namespace unbolt::component
