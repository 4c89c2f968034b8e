// The canonical ABI by C++ type (CanonicalABI.md, "Loading", "Storing", "Flat Lifting", "Flat
// Lowering").
//
//   WIT                         C++, coming in             C++, going out
//   bool, s8…u64, f32, f64      bool, intN_t, float, …     the same
//   char                        char32_t                   the same
//   string                      std::string_view           std::string_view, std::string
//   list<u8>, list<number>      std::span<const T>         std::span<const T>, std::vector<T>
//   list<T>                     std::vector<T>             std::vector<T>
//   option<T>                   std::optional<T>           the same
//   result<T, E>                std::expected<T, E>        the same (void: no payload;
//   std::monostate for E: none) tuple<…>                    std::tuple<…>              the same
//   record                      an aggregate, field by field
//   variant                     std::variant<…>            the same (std::monostate: no payload)
//   enum, flags                 an enum class with kEnumCases / kFlagBits
//   own<T>, borrow<T>           Own<T>, Borrow<T>          Own<T>
//
// Views end at the next call into the guest or wait.
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

#include <boost/pfr/core.hpp>
#include <boost/pfr/tuple_size.hpp>

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
  float f32() { return (next_++)->f32; }
  double f64() { return (next_++)->f64; }
  void skip(std::size_t count) { next_ += count; }

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
      if (bits >= 0x110000 || (bits >= 0xd800 && bits <= 0xdfff)) return cx.fail("invalid char");
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
    std::uint32_t pointer = 0, length = 0;
    if (!Self::to(cx, value, pointer, length)) return false;
    cx.store(at, pointer);
    cx.store(at + 4, length);
    return true;
  }
  static bool lower(LiftLowerContext& cx, FlatWriter& out, const T& value) {
    std::uint32_t pointer = 0, length = 0;
    if (!Self::to(cx, value, pointer, length)) return false;
    out.u32(pointer);
    out.u32(length);
    return true;
  }
};

template <>
struct Abi<std::string_view> : ThroughMemory<Abi<std::string_view>, std::string_view> {
  static bool from(LiftLowerContext& cx, std::uint32_t pointer, std::uint32_t length,
                   std::string_view& out) {
    return cx.lift_string(pointer, length, out);
  }
  static bool to(LiftLowerContext& cx, std::string_view value, std::uint32_t& pointer,
                 std::uint32_t& length) {
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
  static bool to(LiftLowerContext& cx, const std::string& value, std::uint32_t& pointer,
                 std::uint32_t& length) {
    return cx.lower_string(value, pointer, length);
  }
  static bool matches(const Type* type, const ResourceIds&) {
    return type && type->kind == TypeKind::String;
  }
};

// Numbers whose bytes in memory are the same on both sides (bool and char have to be checked).
template <class T>
concept Plain = Number<T> && !std::same_as<T, bool> && !std::same_as<T, char32_t>;

template <class T>
bool matches_list(const Type* type, const ResourceIds& ids) {
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
  static bool to(LiftLowerContext& cx, std::span<const T> value, std::uint32_t& pointer,
                 std::uint32_t& length) {
    if (value.size_bytes() >= (1u << 31)) return cx.fail("a list is too long for the guest");
    length = static_cast<std::uint32_t>(value.size());
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
  static bool to(LiftLowerContext& cx, const std::vector<T>& value, std::uint32_t& pointer,
                 std::uint32_t& length) {
    if (value.size() >= (1u << 31) / Abi<T>::kSize)
      return cx.fail("a list is too long for the guest");
    length = static_cast<std::uint32_t>(value.size());
    if (!cx.allocate(length * Abi<T>::kSize, Abi<T>::kAlign, pointer)) return false;
    if constexpr (Plain<T>) {
      if (length) std::memcpy(cx.at(pointer), value.data(), std::size_t{length} * sizeof(T));
    } else {
      for (std::uint32_t i = 0; i < length; ++i) {
        // Lowering takes owned handles out of the value, which is ours.
        if (!Abi<T>::store(cx, pointer + i * Abi<T>::kSize, const_cast<T&>(value[i]))) return false;
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

// ---- Records and tuples: fields one after the other

template <class... Fields>
struct FieldsAbi {
  static constexpr std::size_t kCount = sizeof...(Fields);
  static constexpr std::uint32_t kAlign = [] {
    std::uint32_t align = 1;
    ((align = align > Abi<Fields>::kAlign ? align : Abi<Fields>::kAlign), ...);
    return align;
  }();
  static constexpr std::array<std::uint32_t, kCount + 1> kOffsets = [] {
    std::array<std::uint32_t, kCount + 1> offsets{};
    std::uint32_t at = 0;
    std::size_t i = 0;
    ((at = align_to(at, Abi<Fields>::kAlign), offsets[i++] = at, at += Abi<Fields>::kSize), ...);
    offsets[kCount] = align_to(at, kAlign);
    return offsets;
  }();
  static constexpr std::uint32_t kSize = kOffsets[kCount];
  static constexpr std::size_t kFlat = (Abi<Fields>::kFlat + ... + 0);

  template <std::size_t... I>
  static bool load(LiftLowerContext& cx, std::uint32_t at, std::index_sequence<I...>,
                   Fields&... out) {
    return (Abi<Fields>::load(cx, at + kOffsets[I], out) && ...);
  }
  static bool lift(LiftLowerContext& cx, FlatReader& in, Fields&... out) {
    return (Abi<Fields>::lift(cx, in, out) && ...);
  }
  template <std::size_t... I>
  static bool store(LiftLowerContext& cx, std::uint32_t at, std::index_sequence<I...>,
                    Fields&... value) {
    return (Abi<Fields>::store(cx, at + kOffsets[I], value) && ...);
  }
  static bool lower(LiftLowerContext& cx, FlatWriter& out, Fields&... value) {
    return (Abi<Fields>::lower(cx, out, value) && ...);
  }
  static bool matches(const Type* type, TypeKind kind, const ResourceIds& ids) {
    if (!type || type->kind != kind || type->children.size() != kCount) return false;
    std::size_t i = 0;
    return (Abi<Fields>::matches(type->children[i++], ids) && ...);
  }
};

template <class... Elements>
struct Abi<std::tuple<Elements...>> {
  using Fields = FieldsAbi<Elements...>;
  using Value = std::tuple<Elements...>;
  static constexpr auto kIndices = std::index_sequence_for<Elements...>{};
  static constexpr std::uint32_t kSize = Fields::kSize, kAlign = Fields::kAlign;
  static constexpr std::size_t kFlat = Fields::kFlat;
  static bool load(LiftLowerContext& cx, std::uint32_t at, Value& out) {
    return std::apply([&](auto&... e) { return Fields::load(cx, at, kIndices, e...); }, out);
  }
  static bool lift(LiftLowerContext& cx, FlatReader& in, Value& out) {
    return std::apply([&](auto&... e) { return Fields::lift(cx, in, e...); }, out);
  }
  static bool store(LiftLowerContext& cx, std::uint32_t at, Value& value) {
    return std::apply([&](auto&... e) { return Fields::store(cx, at, kIndices, e...); }, value);
  }
  static bool lower(LiftLowerContext& cx, FlatWriter& out, Value& value) {
    return std::apply([&](auto&... e) { return Fields::lower(cx, out, e...); }, value);
  }
  static bool matches(const Type* type, const ResourceIds& ids) {
    return Fields::matches(type, TypeKind::Tuple, ids);
  }
};

template <class T>
concept RecordType = std::is_aggregate_v<T> && std::is_class_v<T> && !std::is_array_v<T> &&
                     !requires(T t) { t.object; } && !requires { typename T::value_type; };

template <RecordType T>
struct Abi<T> {
  template <std::size_t... I>
  static auto fields_of(std::index_sequence<I...>)
      -> FieldsAbi<boost::pfr::tuple_element_t<I, T>...>;
  static constexpr auto kIndices = std::make_index_sequence<boost::pfr::tuple_size_v<T>>{};
  using Fields = decltype(fields_of(kIndices));
  static constexpr std::uint32_t kSize = Fields::kSize, kAlign = Fields::kAlign;
  static constexpr std::size_t kFlat = Fields::kFlat;

  template <class F, std::size_t... I>
  static bool apply(T& value, std::index_sequence<I...>, F f) {
    return f(boost::pfr::get<I>(value)...);
  }
  static bool load(LiftLowerContext& cx, std::uint32_t at, T& out) {
    return apply(out, kIndices, [&](auto&... f) { return Fields::load(cx, at, kIndices, f...); });
  }
  static bool lift(LiftLowerContext& cx, FlatReader& in, T& out) {
    return apply(out, kIndices, [&](auto&... f) { return Fields::lift(cx, in, f...); });
  }
  static bool store(LiftLowerContext& cx, std::uint32_t at, T& value) {
    return apply(value, kIndices,
                 [&](auto&... f) { return Fields::store(cx, at, kIndices, f...); });
  }
  static bool lower(LiftLowerContext& cx, FlatWriter& out, T& value) {
    return apply(value, kIndices, [&](auto&... f) { return Fields::lower(cx, out, f...); });
  }
  static bool matches(const Type* type, const ResourceIds& ids) {
    return Fields::matches(type, TypeKind::Record, ids);
  }
};

// ---- Variants: a discriminant and the payload of one case

template <class T>
struct PayloadAbi {
  static constexpr std::uint32_t kSize = Abi<T>::kSize, kAlign = Abi<T>::kAlign;
  static constexpr std::size_t kFlat = Abi<T>::kFlat;
  static bool matches(const Type* type, const ResourceIds& ids) {
    return Abi<T>::matches(type, ids);
  }
};
template <class T>
  requires kNoPayload<T>
struct PayloadAbi<T> {
  static constexpr std::uint32_t kSize = 0, kAlign = 1;
  static constexpr std::size_t kFlat = 0;
  static bool matches(const Type* type, const ResourceIds&) { return type == nullptr; }
};

template <class... Cases>
struct CasesAbi {
  static constexpr std::size_t kCount = sizeof...(Cases);
  using Discriminant = std::conditional_t<kCount <= 256, std::uint8_t, std::uint16_t>;
  static constexpr std::uint32_t kPayloadAlign = [] {
    std::uint32_t align = 1;
    ((align = align > PayloadAbi<Cases>::kAlign ? align : PayloadAbi<Cases>::kAlign), ...);
    return align;
  }();
  static constexpr std::uint32_t kPayloadSize = [] {
    std::uint32_t size = 0;
    ((size = size > PayloadAbi<Cases>::kSize ? size : PayloadAbi<Cases>::kSize), ...);
    return size;
  }();
  static constexpr std::size_t kPayloadFlat = [] {
    std::size_t flat = 0;
    ((flat = flat > PayloadAbi<Cases>::kFlat ? flat : PayloadAbi<Cases>::kFlat), ...);
    return flat;
  }();
  static constexpr std::uint32_t kOffset = align_to(sizeof(Discriminant), kPayloadAlign);
  static constexpr std::uint32_t kAlign = kPayloadAlign > sizeof(Discriminant)
                                              ? kPayloadAlign
                                              : sizeof(Discriminant);
  static constexpr std::uint32_t kSize = align_to(kOffset + kPayloadSize, kAlign);
  static constexpr std::size_t kFlat = 1 + kPayloadFlat;

  static bool discriminant(LiftLowerContext& cx, std::uint32_t value) {
    return value < kCount ? true : cx.fail("invalid variant discriminant");
  }
  // The payload of case T, which starts at `at` + kOffset or is next in the flat values; the rest
  // of those is passed over.
  template <class T>
  static bool load(LiftLowerContext& cx, std::uint32_t at, T& out) {
    return Abi<T>::load(cx, at + kOffset, out);
  }
  template <class T>
  static bool lift(LiftLowerContext& cx, FlatReader& in, T& out) {
    if (!Abi<T>::lift(cx, in, out)) return false;
    in.skip(kPayloadFlat - Abi<T>::kFlat);
    return true;
  }
  template <class T>
  static bool store(LiftLowerContext& cx, std::uint32_t at, std::uint32_t index, T& value) {
    cx.store(at, static_cast<Discriminant>(index));
    return Abi<T>::store(cx, at + kOffset, value);
  }
  static bool store(LiftLowerContext& cx, std::uint32_t at, std::uint32_t index) {
    cx.store(at, static_cast<Discriminant>(index));
    return true;
  }
  template <class T>
  static bool lower(LiftLowerContext& cx, FlatWriter& out, std::uint32_t index, T& value) {
    out.u32(index);
    if (!Abi<T>::lower(cx, out, value)) return false;
    out.zeros(kPayloadFlat - Abi<T>::kFlat);
    return true;
  }
  static bool lower(LiftLowerContext&, FlatWriter& out, std::uint32_t index) {
    out.u32(index);
    out.zeros(kPayloadFlat);
    return true;
  }
  static bool matches(const Type* type, TypeKind kind, const ResourceIds& ids) {
    if (!type || type->kind != kind || type->children.size() != kCount) return false;
    std::size_t i = 0;
    return (PayloadAbi<Cases>::matches(type->children[i++], ids) && ...);
  }
};

template <class T>
struct Abi<std::optional<T>> : CasesAbi<void, T> {
  using Cases = CasesAbi<void, T>;
  static bool load(LiftLowerContext& cx, std::uint32_t at, std::optional<T>& out) {
    const std::uint32_t index = cx.load<std::uint8_t>(at);
    if (!Cases::discriminant(cx, index)) return false;
    return index == 0 || Cases::load(cx, at, out.emplace());
  }
  static bool lift(LiftLowerContext& cx, FlatReader& in, std::optional<T>& out) {
    const std::uint32_t index = in.u32();
    if (!Cases::discriminant(cx, index)) return false;
    if (index == 1) return Cases::lift(cx, in, out.emplace());
    in.skip(Cases::kPayloadFlat);
    return true;
  }
  static bool store(LiftLowerContext& cx, std::uint32_t at, std::optional<T>& value) {
    return value ? Cases::store(cx, at, 1, *value) : Cases::store(cx, at, 0);
  }
  static bool lower(LiftLowerContext& cx, FlatWriter& out, std::optional<T>& value) {
    return value ? Cases::lower(cx, out, 1, *value) : Cases::lower(cx, out, 0);
  }
  static bool matches(const Type* type, const ResourceIds& ids) {
    return Cases::matches(type, TypeKind::Option, ids);
  }
};

template <class T, class E>
struct Abi<std::expected<T, E>> : CasesAbi<T, E> {
  using Cases = CasesAbi<T, E>;
  using Value = std::expected<T, E>;
  template <class Load, class Pass>
  static bool from(LiftLowerContext& cx, std::uint32_t index, Value& out, Load load, Pass pass) {
    if (!Cases::discriminant(cx, index)) return false;
    if (index == 0) {
      if constexpr (kNoPayload<T>) {
        out = Value();
        pass();
        return true;
      } else {
        T value{};
        if (!load(value)) return false;
        out = std::move(value);
        return true;
      }
    }
    if constexpr (kNoPayload<E>) {
      out = std::unexpected(E{});
      pass();
      return true;
    } else {
      E error{};
      if (!load(error)) return false;
      out = std::unexpected(std::move(error));
      return true;
    }
  }
  static bool load(LiftLowerContext& cx, std::uint32_t at, Value& out) {
    return from(
        cx, cx.load<std::uint8_t>(at), out, [&](auto& v) { return Cases::load(cx, at, v); }, [] {});
  }
  static bool lift(LiftLowerContext& cx, FlatReader& in, Value& out) {
    return from(
        cx, in.u32(), out, [&](auto& v) { return Cases::lift(cx, in, v); },
        [&] { in.skip(Cases::kPayloadFlat); });
  }
  template <class WithPayload, class Without>
  static bool to(Value& value, WithPayload with, Without without) {
    if (value) {
      if constexpr (kNoPayload<T>)
        return without(0);
      else
        return with(0, *value);
    }
    if constexpr (kNoPayload<E>)
      return without(1);
    else
      return with(1, value.error());
  }
  static bool store(LiftLowerContext& cx, std::uint32_t at, Value& value) {
    return to(
        value, [&](std::uint32_t i, auto& v) { return Cases::store(cx, at, i, v); },
        [&](std::uint32_t i) { return Cases::store(cx, at, i); });
  }
  static bool lower(LiftLowerContext& cx, FlatWriter& out, Value& value) {
    return to(
        value, [&](std::uint32_t i, auto& v) { return Cases::lower(cx, out, i, v); },
        [&](std::uint32_t i) { return Cases::lower(cx, out, i); });
  }
  static bool matches(const Type* type, const ResourceIds& ids) {
    return Cases::matches(type, TypeKind::Result, ids);
  }
};

template <class... Alternatives>
struct Abi<std::variant<Alternatives...>> : CasesAbi<Alternatives...> {
  using Cases = CasesAbi<Alternatives...>;
  using Value = std::variant<Alternatives...>;

  // Calls `f(index_constant)` for the case that was chosen.
  template <class F, std::size_t... I>
  static bool select(std::uint32_t index, F f, std::index_sequence<I...>) {
    bool ok = false;
    (void)((index == I && (ok = f(std::integral_constant<std::size_t, I>{}), true)) || ...);
    return ok;
  }
  static constexpr auto kIndices = std::index_sequence_for<Alternatives...>{};

  static bool load(LiftLowerContext& cx, std::uint32_t at, Value& out) {
    const std::uint32_t index = cx.load<typename Cases::Discriminant>(at);
    return Cases::discriminant(cx, index) &&
           select(
               index,
               [&](auto i) {
                 auto& value = out.template emplace<i>();
                 if constexpr (kNoPayload<std::remove_reference_t<decltype(value)>>)
                   return true;
                 else
                   return Cases::load(cx, at, value);
               },
               kIndices);
  }
  static bool lift(LiftLowerContext& cx, FlatReader& in, Value& out) {
    const std::uint32_t index = in.u32();
    return Cases::discriminant(cx, index) &&
           select(
               index,
               [&](auto i) {
                 auto& value = out.template emplace<i>();
                 if constexpr (kNoPayload<std::remove_reference_t<decltype(value)>>) {
                   in.skip(Cases::kPayloadFlat);
                   return true;
                 } else {
                   return Cases::lift(cx, in, value);
                 }
               },
               kIndices);
  }
  static bool store(LiftLowerContext& cx, std::uint32_t at, Value& value) {
    const auto index = static_cast<std::uint32_t>(value.index());
    return select(
        index,
        [&](auto i) {
          auto& payload = std::get<i>(value);
          if constexpr (kNoPayload<std::remove_reference_t<decltype(payload)>>)
            return Cases::store(cx, at, index);
          else
            return Cases::store(cx, at, index, payload);
        },
        kIndices);
  }
  static bool lower(LiftLowerContext& cx, FlatWriter& out, Value& value) {
    const auto index = static_cast<std::uint32_t>(value.index());
    return select(
        index,
        [&](auto i) {
          auto& payload = std::get<i>(value);
          if constexpr (kNoPayload<std::remove_reference_t<decltype(payload)>>)
            return Cases::lower(cx, out, index);
          else
            return Cases::lower(cx, out, index, payload);
        },
        kIndices);
  }
  static bool matches(const Type* type, const ResourceIds& ids) {
    return Cases::matches(type, TypeKind::Variant, ids);
  }
};

}  // namespace unbolt::component
