// The canonical ABI of variants, options and results. Include abi.h.
#pragma once

#include <expected>
#include <optional>
#include <utility>
#include <variant>

#include "unbolt/component/abi_values.h"

namespace unbolt::component {

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
