// The canonical ABI of records and tuples. Include abi.h.
#pragma once

#include <array>
#include <boost/pfr/core.hpp>
#include <boost/pfr/tuple_size.hpp>
#include <tuple>
#include <type_traits>
#include <utility>

#include "unbolt/component/abi_values.h"

namespace unbolt::component {

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

// ---- Lists of fixed length: element after element, where they are

template <class T, std::size_t N>
struct Abi<std::array<T, N>> {
  using Value = std::array<T, N>;
  static_assert(N > 0);
  static constexpr std::uint32_t kSize = N * Abi<T>::kSize, kAlign = Abi<T>::kAlign;
  static constexpr std::size_t kFlat = N * Abi<T>::kFlat;
  static bool load(LiftLowerContext& cx, std::uint32_t at, Value& out) {
    return each(out, [&](T& element, std::uint32_t i) {
      return Abi<T>::load(cx, at + i * Abi<T>::kSize, element);
    });
  }
  static bool lift(LiftLowerContext& cx, FlatReader& in, Value& out) {
    return each(out, [&](T& element, std::uint32_t) { return Abi<T>::lift(cx, in, element); });
  }
  static bool store(LiftLowerContext& cx, std::uint32_t at, Value& value) {
    return each(value, [&](T& element, std::uint32_t i) {
      return Abi<T>::store(cx, at + i * Abi<T>::kSize, element);
    });
  }
  static bool lower(LiftLowerContext& cx, FlatWriter& out, Value& value) {
    return each(value, [&](T& element, std::uint32_t) { return Abi<T>::lower(cx, out, element); });
  }
  static bool matches(const Type* type, const ResourceIds& ids) {
    return type && type->kind == TypeKind::List && type->length == N &&
           Abi<T>::matches(type->children[0], ids);
  }

 private:
  template <class F>
  static bool each(Value& value, F visit) {
    for (std::uint32_t i = 0; i < N; ++i) {
      if (!visit(value[i], i)) return false;
    }
    return true;
  }
};

// ---- Maps: a list of pairs (CanonicalABI.md, "Despecialization")

template <class K, class V>
struct Abi<std::pair<K, V>> {
  using Fields = FieldsAbi<K, V>;
  static constexpr auto kIndices = std::index_sequence_for<K, V>{};
  static constexpr std::uint32_t kSize = Fields::kSize, kAlign = Fields::kAlign;
  static bool load(LiftLowerContext& cx, std::uint32_t at, std::pair<K, V>& out) {
    return Fields::load(cx, at, kIndices, out.first, out.second);
  }
  static bool store(LiftLowerContext& cx, std::uint32_t at, std::pair<K, V>& value) {
    return Fields::store(cx, at, kIndices, value.first, value.second);
  }
};
template <class K, class V>
bool matches_map(const Type* type, const ResourceIds& ids) {
  return type && type->kind == TypeKind::Map && Abi<K>::matches(type->children[0], ids) &&
         Abi<V>::matches(type->children[1], ids);
}

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

}  // namespace unbolt::component
