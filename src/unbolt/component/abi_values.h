// The canonical ABI of values that hold no other values but lists: scalars, enums, flags, strings,
// lists and handles. Include abi.h.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "unbolt/component/lift_lower.h"

namespace unbolt::component {

// Specialise for an enum class that stands for a WIT enum (its number of cases) or flags (its
// number of bits).
template <class E>
inline constexpr std::size_t kEnumCases = 0;
template <class E>
inline constexpr std::size_t kFlagBits = 0;

// A resource that changes hands. Null only where it was moved from.
template <class T>
using Own = std::unique_ptr<T>;
// A resource that is lent for the duration of the call.
template <class T>
struct Borrow {
  T* object = nullptr;
  T* operator->() const { return object; }
  T& operator*() const { return *object; }
};

// Core values as they are passed: read and written one after the other. Every slot is used as 64
// bits of which the type takes what it needs, which is also how joined variants are passed on a
// little-endian machine.
class FlatReader {
 public:
  explicit FlatReader(const engine::Raw* values) : next_(values) {}
  std::uint32_t u32() { return static_cast<std::uint32_t>((next_++)->i32); }
  std::uint64_t u64() { return static_cast<std::uint64_t>((next_++)->i64); }
  std::uint64_t pointer(Width width) { return width == Width::W32 ? u32() : u64(); }
  float f32() { return (next_++)->f32; }
  double f64() { return (next_++)->f64; }
  void skip(std::size_t count) { next_ += count; }
  const engine::Raw* rest() const { return next_; }

 private:
  const engine::Raw* next_;
};
class FlatWriter {
 public:
  explicit FlatWriter(engine::Raw* values) : next_(values) {}
  void u32(std::uint32_t v) { u64(v); }
  void u64(std::uint64_t v) { (next_++)->i64 = static_cast<std::int64_t>(v); }
  void f32(float v) {
    next_->i64 = 0;
    (next_++)->f32 = v;
  }
  void f64(double v) { (next_++)->f64 = v; }
  void zeros(std::size_t count) {
    for (; count > 0; --count) u64(0);
  }

 private:
  engine::Raw* next_;
};

// Abi<T> has: kSize, kAlign, kFlat; load/store at a checked offset, lift/lower with flat values;
// matches.
template <class T>
struct Abi;

template <class T>
concept Number = std::integral<T> || std::floating_point<T>;
template <class T>
inline constexpr bool kNoPayload = std::is_void_v<T> || std::same_as<T, std::monostate>;

// ---- Scalars

template <class T>
constexpr TypeKind number_kind() {
  using enum TypeKind;
  if constexpr (std::same_as<T, bool>)
    return Bool;
  else if constexpr (std::same_as<T, char32_t>)
    return Char;
  else if constexpr (std::same_as<T, float>)
    return F32;
  else if constexpr (std::same_as<T, double>)
    return F64;
  else if constexpr (sizeof(T) == 1)
    return std::is_signed_v<T> ? S8 : U8;
  else if constexpr (sizeof(T) == 2)
    return std::is_signed_v<T> ? S16 : U16;
  else if constexpr (sizeof(T) == 4)
    return std::is_signed_v<T> ? S32 : U32;
  else
    return std::is_signed_v<T> ? S64 : U64;
}

template <Number T>
struct Abi<T> {
  static constexpr std::uint32_t kSize = std::same_as<T, bool> ? 1 : sizeof(T);
  static constexpr std::uint32_t kAlign = kSize;
  static constexpr std::size_t kFlat = 1;

  static bool check(LiftLowerContext& cx, std::uint32_t bits, T& out) {
    if constexpr (std::same_as<T, bool>) {
      out = bits != 0;
    } else if constexpr (std::same_as<T, char32_t>) {
      if (bits >= 0x110000 || (bits >= 0xd800 && bits <= 0xdfff))
        return cx.fail("invalid `char` bit pattern");
      out = static_cast<char32_t>(bits);
    } else {
      out = static_cast<T>(bits);
    }
    return true;
  }
  static bool load(LiftLowerContext& cx, std::uint32_t at, T& out) {
    if constexpr (std::same_as<T, bool>) {
      out = cx.load<std::uint8_t>(at) != 0;
    } else if constexpr (std::same_as<T, char32_t>) {
      return check(cx, cx.load<std::uint32_t>(at), out);
    } else {
      out = cx.load<T>(at);
    }
    return true;
  }
  static bool lift(LiftLowerContext& cx, FlatReader& in, T& out) {
    if constexpr (std::same_as<T, float>) {
      out = in.f32();
      return true;
    } else if constexpr (std::same_as<T, double>) {
      out = in.f64();
      return true;
    } else if constexpr (sizeof(T) == 8) {
      out = static_cast<T>(in.u64());
      return true;
    } else {
      return check(cx, in.u32(), out);
    }
  }
  static bool store(LiftLowerContext& cx, std::uint32_t at, T value) {
    if constexpr (std::same_as<T, bool>) {
      cx.store<std::uint8_t>(at, value ? 1 : 0);
    } else {
      cx.store<T>(at, value);
    }
    return true;
  }
  static bool lower(LiftLowerContext&, FlatWriter& out, T value) {
    if constexpr (std::same_as<T, float>) {
      out.f32(value);
    } else if constexpr (std::same_as<T, double>) {
      out.f64(value);
    } else if constexpr (sizeof(T) == 8) {
      out.u64(static_cast<std::uint64_t>(value));
    } else if constexpr (std::is_signed_v<T>) {
      out.u32(static_cast<std::uint32_t>(static_cast<std::int32_t>(value)));
    } else {
      out.u32(static_cast<std::uint32_t>(value));
    }
    return true;
  }
  static bool matches(const Type* type, const ResourceIds&) {
    return type && type->kind == number_kind<T>();
  }
};

// ---- Enums and flags

template <class T>
  requires(std::is_enum_v<T> && kEnumCases<T> > 0)
struct Abi<T> {
  static constexpr std::uint32_t kSize = kEnumCases<T> <= 256 ? 1 : 2;
  static constexpr std::uint32_t kAlign = kSize;
  static constexpr std::size_t kFlat = 1;
  static bool check(LiftLowerContext& cx, std::uint32_t value, T& out) {
    if (value >= kEnumCases<T>) return cx.fail("invalid enum value");
    out = static_cast<T>(value);
    return true;
  }
  static bool load(LiftLowerContext& cx, std::uint32_t at, T& out) {
    return check(cx, kSize == 1 ? cx.load<std::uint8_t>(at) : cx.load<std::uint16_t>(at), out);
  }
  static bool lift(LiftLowerContext& cx, FlatReader& in, T& out) {
    return check(cx, in.u32(), out);
  }
  static bool store(LiftLowerContext& cx, std::uint32_t at, T value) {
    if constexpr (kSize == 1) {
      cx.store(at, static_cast<std::uint8_t>(value));
    } else {
      cx.store(at, static_cast<std::uint16_t>(value));
    }
    return true;
  }
  static bool lower(LiftLowerContext&, FlatWriter& out, T value) {
    out.u32(static_cast<std::uint32_t>(value));
    return true;
  }
  static bool matches(const Type* type, const ResourceIds&) {
    return type && type->kind == TypeKind::Enum && type->labels.size() == kEnumCases<T>;
  }
};

template <class T>
  requires(std::is_enum_v<T> && kFlagBits<T> > 0)
struct Abi<T> {
  static constexpr std::uint32_t kSize = kFlagBits<T> <= 8 ? 1 : kFlagBits<T> <= 16 ? 2 : 4;
  static constexpr std::uint32_t kAlign = kSize;
  static constexpr std::size_t kFlat = 1;
  // CanonicalABI.md: bits beyond the labels are ignored.
  static constexpr std::uint32_t kMask = kFlagBits<T> == 32 ? ~0u : (1u << kFlagBits<T>)-1;
  using Word = std::conditional_t<kSize == 1, std::uint8_t,
                                  std::conditional_t<kSize == 2, std::uint16_t, std::uint32_t>>;
  static bool load(LiftLowerContext& cx, std::uint32_t at, T& out) {
    out = static_cast<T>(cx.load<Word>(at) & kMask);
    return true;
  }
  static bool lift(LiftLowerContext&, FlatReader& in, T& out) {
    out = static_cast<T>(in.u32() & kMask);
    return true;
  }
  static bool store(LiftLowerContext& cx, std::uint32_t at, T value) {
    cx.store(at, static_cast<Word>(value));
    return true;
  }
  static bool lower(LiftLowerContext&, FlatWriter& out, T value) {
    out.u32(static_cast<std::uint32_t>(value));
    return true;
  }
  static bool matches(const Type* type, const ResourceIds&) {
    return type && type->kind == TypeKind::Flags && type->labels.size() == kFlagBits<T>;
  }
};

// ---- Strings and lists: a pointer and a length

struct PointerAndLength {
  static constexpr std::uint32_t kSize = 8;
  static constexpr std::uint32_t kAlign = 4;
  static constexpr std::size_t kFlat = 2;
};

// Adds load/lift/store/lower to a type that has `from(cx, pointer, length, out)` and `to(cx, value,
// pointer, length)`.
template <class Self, class T>
struct ThroughMemory : PointerAndLength {
  static bool load(LiftLowerContext& cx, std::uint32_t at, T& out) {
    return Self::from(cx, cx.load<std::uint32_t>(at), cx.load<std::uint32_t>(at + 4), out);
  }
  static bool lift(LiftLowerContext& cx, FlatReader& in, T& out) {
    const std::uint32_t pointer = in.u32();
    return Self::from(cx, pointer, in.u32(), out);
  }
  static bool store(LiftLowerContext& cx, std::uint32_t at, const T& value) {
    std::uint64_t pointer = 0, length = 0;
    if (!Self::to(cx, value, pointer, length)) return false;
    cx.store(at, static_cast<std::uint32_t>(pointer));
    cx.store(at + 4, static_cast<std::uint32_t>(length));
    return true;
  }
  static bool lower(LiftLowerContext& cx, FlatWriter& out, const T& value) {
    std::uint64_t pointer = 0, length = 0;
    if (!Self::to(cx, value, pointer, length)) return false;
    out.u32(static_cast<std::uint32_t>(pointer));
    out.u32(static_cast<std::uint32_t>(length));
    return true;
  }
};

template <>
struct Abi<std::string_view> : ThroughMemory<Abi<std::string_view>, std::string_view> {
  static bool from(LiftLowerContext& cx, std::uint32_t pointer, std::uint32_t length,
                   std::string_view& out) {
    return cx.lift_string(pointer, length, out);
  }
  static bool to(LiftLowerContext& cx, std::string_view value, std::uint64_t& pointer,
                 std::uint64_t& length) {
    return cx.lower_string(value, pointer, length);
  }
  static bool matches(const Type* type, const ResourceIds&) {
    return type && type->kind == TypeKind::String;
  }
};
template <>
struct Abi<std::string> : ThroughMemory<Abi<std::string>, std::string> {
  static bool from(LiftLowerContext& cx, std::uint32_t pointer, std::uint32_t length,
                   std::string& out) {
    std::string_view view;
    if (!cx.lift_string(pointer, length, view) || !cx.charge(view.size())) return false;
    out = view;
    return true;
  }
  static bool to(LiftLowerContext& cx, const std::string& value, std::uint64_t& pointer,
                 std::uint64_t& length) {
    return cx.lower_string(value, pointer, length);
  }
  static bool matches(const Type* type, const ResourceIds&) {
    return type && type->kind == TypeKind::String;
  }
};

// Numbers whose bytes in memory are the same on both sides (bool and char have to be checked).
template <class T>
concept Plain = Number<T> && !std::same_as<T, bool> && !std::same_as<T, char32_t>;

// A list of pairs is a map (abi_records.h).
template <class T>
inline constexpr bool kIsPair = false;
template <class K, class V>
inline constexpr bool kIsPair<std::pair<K, V>> = true;
template <class K, class V>
bool matches_map(const Type* type, const ResourceIds& ids);

template <class T>
bool matches_list(const Type* type, const ResourceIds& ids) {
  if constexpr (kIsPair<T>)
    return matches_map<typename T::first_type, typename T::second_type>(type, ids);
  else
    return type && type->kind == TypeKind::List && !type->length &&
           Abi<T>::matches(type->children[0], ids);
}

template <Plain T>
struct Abi<std::span<const T>> : ThroughMemory<Abi<std::span<const T>>, std::span<const T>> {
  static bool from(LiftLowerContext& cx, std::uint32_t pointer, std::uint32_t length,
                   std::span<const T>& out) {
    if (!cx.check_list(pointer, length, sizeof(T), sizeof(T))) return false;
    out = {reinterpret_cast<const T*>(cx.at(pointer)), length};
    return true;
  }
  static bool to(LiftLowerContext& cx, std::span<const T> value, std::uint64_t& pointer,
                 std::uint64_t& length) {
    if (value.size_bytes() >= (1u << 31)) return cx.fail("a list is too long for the guest");
    length = value.size();
    if (!cx.allocate(static_cast<std::uint32_t>(value.size_bytes()), sizeof(T), pointer))
      return false;
    if (length) std::memcpy(cx.at(pointer), value.data(), value.size_bytes());
    return true;
  }
  static bool matches(const Type* type, const ResourceIds& ids) {
    return matches_list<T>(type, ids);
  }
};

template <class T>
struct Abi<std::vector<T>> : ThroughMemory<Abi<std::vector<T>>, std::vector<T>> {
  static bool from(LiftLowerContext& cx, std::uint32_t pointer, std::uint32_t length,
                   std::vector<T>& out) {
    if (!cx.check_list(pointer, length, Abi<T>::kSize, Abi<T>::kAlign) ||
        !cx.charge(std::uint64_t{length} * sizeof(T))) {
      return false;
    }
    out.resize(length);
    if constexpr (Plain<T>) {
      if (length) std::memcpy(out.data(), cx.at(pointer), std::size_t{length} * sizeof(T));
    } else {
      for (std::uint32_t i = 0; i < length; ++i) {
        if (!Abi<T>::load(cx, pointer + i * Abi<T>::kSize, out[i])) return false;
      }
    }
    return true;
  }
  static bool to(LiftLowerContext& cx, const std::vector<T>& value, std::uint64_t& pointer,
                 std::uint64_t& length) {
    if (value.size() >= (1u << 31) / Abi<T>::kSize)
      return cx.fail("a list is too long for the guest");
    length = value.size();
    if (!cx.allocate(static_cast<std::uint32_t>(length * Abi<T>::kSize), Abi<T>::kAlign, pointer))
      return false;
    if constexpr (Plain<T>) {
      if (length) std::memcpy(cx.at(pointer), value.data(), std::size_t{length} * sizeof(T));
    } else {
      for (std::size_t i = 0; i < length; ++i) {
        // Lowering takes owned handles out of the value, which is ours.
        if (!Abi<T>::store(cx, static_cast<std::uint32_t>(pointer + i * Abi<T>::kSize),
                           const_cast<T&>(value[i])))
          return false;
      }
    }
    return true;
  }
  static bool matches(const Type* type, const ResourceIds& ids) {
    return matches_list<T>(type, ids);
  }
};

// ---- Handles

template <class T>
struct Abi<Own<T>> {
  static constexpr std::uint32_t kSize = 4, kAlign = 4;
  static constexpr std::size_t kFlat = 1;
  static bool from(LiftLowerContext& cx, std::uint32_t handle, Own<T>& out) {
    std::uint64_t rep;
    if (!cx.lift_own(handle, &kResourceTag<T>, rep)) return false;
    out.reset(reinterpret_cast<T*>(rep));
    return true;
  }
  static bool to(LiftLowerContext& cx, Own<T>& value, std::uint32_t& handle) {
    return cx.lower_own({.type = &kResourceTag<T>,
                         .rep = reinterpret_cast<std::uint64_t>(value.release()),
                         .host = true},
                        handle);
  }
  static bool load(LiftLowerContext& cx, std::uint32_t at, Own<T>& out) {
    return from(cx, cx.load<std::uint32_t>(at), out);
  }
  static bool lift(LiftLowerContext& cx, FlatReader& in, Own<T>& out) {
    return from(cx, in.u32(), out);
  }
  static bool store(LiftLowerContext& cx, std::uint32_t at, Own<T>& value) {
    std::uint32_t handle;
    if (!to(cx, value, handle)) return false;
    cx.store(at, handle);
    return true;
  }
  static bool lower(LiftLowerContext& cx, FlatWriter& out, Own<T>& value) {
    std::uint32_t handle;
    if (!to(cx, value, handle)) return false;
    out.u32(handle);
    return true;
  }
  static bool matches(const Type* type, const ResourceIds& ids) {
    return type && type->kind == TypeKind::Own && ids[type->resource->index] == &kResourceTag<T>;
  }
};

template <class T>
struct Abi<Borrow<T>> {
  static constexpr std::uint32_t kSize = 4, kAlign = 4;
  static constexpr std::size_t kFlat = 1;
  static bool from(LiftLowerContext& cx, std::uint32_t handle, Borrow<T>& out) {
    std::uint64_t rep;
    if (!cx.lift_borrow(handle, &kResourceTag<T>, rep)) return false;
    out.object = reinterpret_cast<T*>(rep);
    return true;
  }
  static bool load(LiftLowerContext& cx, std::uint32_t at, Borrow<T>& out) {
    return from(cx, cx.load<std::uint32_t>(at), out);
  }
  static bool lift(LiftLowerContext& cx, FlatReader& in, Borrow<T>& out) {
    return from(cx, in.u32(), out);
  }
  static bool matches(const Type* type, const ResourceIds& ids) {
    return type && type->kind == TypeKind::Borrow && ids[type->resource->index] == &kResourceTag<T>;
  }
};

}  // namespace unbolt::component
