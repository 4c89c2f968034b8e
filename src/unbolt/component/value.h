// Values of interface types that are known only at run time, and how they cross the canonical ABI:
// the second user of the rules that abi.h applies to C++ types.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/component/abi_values.h"
#include "unbolt/component/instance.h"

namespace unbolt::component {

struct Value;
using Values = std::vector<Value>;

// One of a variant's, enum's, option's (none, some) or result's (ok, error) cases.
struct CaseValue {
  std::uint32_t index = 0;
  std::unique_ptr<Value> payload;  // null: the case has none
};
struct FlagsValue {
  std::uint32_t bits = 0;  // by label, the first is the lowest
};

// A resource of the host's that changes hands (CanonicalABI.md, "own"). Destroys the object unless
// it is taken out or a guest gets it. Empty only where it was moved from.
class OwnValue {
 public:
  OwnValue(const ResourceTag& tag, void* object) : tag_(&tag), object_(object) {}
  template <class T>
  explicit OwnValue(Own<T> object) : OwnValue(kResourceTag<T>, object.release()) {}
  OwnValue(OwnValue&& other) noexcept
      : tag_(other.tag_), object_(std::exchange(other.object_, nullptr)) {}
  OwnValue& operator=(OwnValue&& other) noexcept {
    std::swap(tag_, other.tag_);
    std::swap(object_, other.object_);
    return *this;
  }
  ~OwnValue() {
    if (object_) tag_->destroy(object_);
  }

  const ResourceTag& tag() const { return *tag_; }
  void* object() const { return object_; }
  void* release() { return std::exchange(object_, nullptr); }
  // Null where it is of another class.
  template <class T>
  Own<T> take() {
    return Own<T>(tag_ == &kResourceTag<T> ? static_cast<T*>(release()) : nullptr);
  }

 private:
  const ResourceTag* tag_;
  void* object_;
};
// One that is lent for the duration of a call (CanonicalABI.md, "borrow").
struct BorrowValue {
  const ResourceTag* tag;
  void* object;
  template <class T>
  T* get() const {
    return tag == &kResourceTag<T> ? static_cast<T*>(object) : nullptr;
  }
};

// A resource that a component of the instance defines, by what represents it there: owned where the
// type says so, and then given back to the guest sometime, or gone with its instance (its
// destructor is the guest's to run).
struct GuestResource {
  ResourceId type;
  std::uint32_t rep;
  bool operator==(const GuestResource&) const = default;
};

// A tree; only together with its type does it mean something. What stands for which type:
//   bool; signed and unsigned integers as 64 bits; f32; f64; char; string
//   list<u8>                                    Bytes
//   other lists, fixed ones, tuples, records    Values
//   map                                         Values, each Values{key, value}
//   variant, enum, option, result               CaseValue
//   flags                                       FlagsValue
//   own, borrow of the host's resources         OwnValue, BorrowValue
//   own, borrow of a guest's                    GuestResource
struct Value {
  std::variant<bool, std::int64_t, std::uint64_t, float, double, char32_t, std::string, Bytes,
               Values, CaseValue, FlagsValue, OwnValue, BorrowValue, GuestResource>
      of;
};

// Whether `value` is what stands for a value of the type: every part of it there, no case beyond
// the last, handles of the class that `ids` names. Lowering takes it for granted.
bool has_shape(const Type& type, const Value& value, const ResourceIds& ids);

// Lifting and lowering by type. Each returns false where it has set the context's trap. Lowering
// takes owned resources out of the value.
bool store_value(LiftLowerContext& cx, const Type& type, std::uint64_t at, Value& value);
bool load_value(LiftLowerContext& cx, const Type& type, std::uint64_t at, Value& out);
bool lower_value(LiftLowerContext& cx, const Type& type, FlatWriter& out, Value& value);
bool lift_value(LiftLowerContext& cx, const Type& type, FlatReader& in, Value& out);

}  // namespace unbolt::component
