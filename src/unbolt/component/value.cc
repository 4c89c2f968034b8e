#include "unbolt/component/value.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "unbolt/component/type_rules.h"

namespace unbolt::component {
namespace {

using enum TypeKind;

bool is_byte_list(const Type& type) {
  return type.kind == List && !type.length && type.children[0]->kind == U8;
}
bool is_variant(TypeKind kind) {
  return kind == Variant || kind == Enum || kind == Option || kind == Result;
}

// The bits of a number, as many as its type has; the rest is passed over.
std::uint64_t bits_of(const Value& value) {
  if (const auto* v = std::get_if<std::int64_t>(&value.of)) return static_cast<std::uint64_t>(*v);
  if (const auto* v = std::get_if<std::uint64_t>(&value.of)) return *v;
  if (const auto* v = std::get_if<bool>(&value.of)) return *v;
  if (const auto* v = std::get_if<char32_t>(&value.of)) return *v;
  return std::get<FlagsValue>(value.of).bits;
}

// The value of a type that is one 32-bit core value.
bool from_u32(LiftLowerContext& cx, const Type& type, std::uint32_t bits, Value& out) {
  switch (type.kind) {
    case Bool: out.of = bits != 0; return true;
    case S8: out.of = std::int64_t{static_cast<std::int8_t>(bits)}; return true;
    case S16: out.of = std::int64_t{static_cast<std::int16_t>(bits)}; return true;
    case S32: out.of = std::int64_t{static_cast<std::int32_t>(bits)}; return true;
    case U8: out.of = std::uint64_t{static_cast<std::uint8_t>(bits)}; return true;
    case U16: out.of = std::uint64_t{static_cast<std::uint16_t>(bits)}; return true;
    case U32: out.of = std::uint64_t{bits}; return true;
    case Flags: out.of = FlagsValue{bits & flag_mask(type)}; return true;
    case Char:
      if (!valid_char(bits)) return cx.fail("invalid `char` bit pattern");
      out.of = static_cast<char32_t>(bits);
      return true;
    default: return cx.fail("this type has no value here");
  }
}

// ---- Handles

// What stands for the type here; null where an imported one is no class of the host's.
ResourceId id_of(const Type& type, const ResourceIds& ids) { return ids[type.resource->index]; }
ResourceId id_of(const Type& type, LiftLowerContext& cx) {
  return id_of(type, cx.instance().component().resource_ids());
}

// CanonicalABI.md, `lower_borrow`: a component that defines a resource sees what represents it.
bool to_guest_handle(LiftLowerContext& cx, const Type& type, const GuestResource& resource,
                     std::uint32_t& handle) {
  const bool own = type.kind == TypeKind::Own;
  if (!own && &cx.state() == &cx.instance().state(type.resource->instance)) {
    handle = resource.rep;
    return true;
  }
  const HandleEntry entry{.type = resource.type, .rep = resource.rep, .own = own};
  return own ? cx.lower_own(entry, handle) : cx.lower_borrow(entry, handle);
}

bool to_handle(LiftLowerContext& cx, const Type& type, Value& value, std::uint32_t& handle) {
  if (const auto* resource = std::get_if<GuestResource>(&value.of))
    return to_guest_handle(cx, type, *resource, handle);
  if (type.kind == TypeKind::Own) {
    void* object = std::get<OwnValue>(value.of).release();
    return cx.lower_own(
        {.type = id_of(type, cx), .rep = reinterpret_cast<std::uint64_t>(object), .host = true},
        handle);
  }
  const auto& lent = std::get<BorrowValue>(value.of);
  return cx.lower_borrow({.type = lent.tag,
                          .rep = reinterpret_cast<std::uint64_t>(lent.object),
                          .own = false,
                          .host = true},
                         handle);
}
bool from_handle(LiftLowerContext& cx, const Type& type, std::uint32_t handle, Value& out) {
  const ResourceId id = id_of(type, cx);
  std::uint64_t rep;
  if (!(type.kind == TypeKind::Own ? cx.lift_own(handle, id, rep)
                                   : cx.lift_borrow(handle, id, rep)))
    return false;
  if (!type.resource->imported) {
    out.of = GuestResource{id, static_cast<std::uint32_t>(rep)};
    return true;
  }
  const auto* tag = static_cast<const ResourceTag*>(id);
  void* object = reinterpret_cast<void*>(rep);
  if (type.kind == TypeKind::Own) {
    out.of.emplace<OwnValue>(*tag, object);
  } else {
    out.of = BorrowValue{tag, object};
  }
  return true;
}

// ---- Strings, lists and maps

struct Span {
  std::uint64_t pointer = 0, length = 0;
};

bool store_elements(LiftLowerContext& cx, const Type& element, Values& values, Span& out) {
  const Layout& layout = element.in(cx.width());
  if (values.size() > kMaxListBytes || values.size() * layout.size > kMaxListBytes)
    return cx.fail("a list is too long for the guest");
  out.length = values.size();
  if (!cx.allocate(static_cast<std::uint32_t>(values.size() * layout.size), layout.alignment,
                   out.pointer))
    return false;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!store_value(cx, element, out.pointer + i * layout.size, values[i])) return false;
  }
  return true;
}
bool load_elements(LiftLowerContext& cx, const Type& element, Span in, Values& out) {
  const Layout& layout = element.in(cx.width());
  if (!cx.check_list(in.pointer, in.length, layout.size, layout.alignment) ||
      !cx.charge(in.length * sizeof(Value)))
    return false;
  out.resize(in.length);
  for (std::size_t i = 0; i < in.length; ++i) {
    if (!load_value(cx, element, in.pointer + i * layout.size, out[i])) return false;
  }
  return true;
}

bool has_span(const Type& type) {
  return type.kind == String || type.kind == Map || (type.kind == List && !type.length);
}
// A map is a list of pairs (CanonicalABI.md, "despecialize").
const Type& element_of(const Type& type) { return *type.children[type.kind == Map ? 2 : 0]; }
bool to_span(LiftLowerContext& cx, const Type& type, Value& value, Span& out) {
  if (type.kind == String)
    return cx.lower_string(std::get<std::string>(value.of), out.pointer, out.length);
  if (is_byte_list(type)) {
    const auto& bytes = std::get<Bytes>(value.of);
    return Abi<std::span<const std::uint8_t>>::to(cx, bytes, out.pointer, out.length);
  }
  return store_elements(cx, element_of(type), std::get<Values>(value.of), out);
}
bool from_span(LiftLowerContext& cx, const Type& type, Span in, Value& out) {
  if (type.kind == String) {
    std::string_view text;
    if (!cx.lift_string(in.pointer, in.length, text) || !cx.charge(text.size())) return false;
    out.of = std::string(text);
    return true;
  }
  if (is_byte_list(type)) {
    if (!cx.check_list(in.pointer, in.length, 1, 1) || !cx.charge(in.length)) return false;
    const std::uint8_t* begin = cx.at(in.pointer);
    out.of = Bytes(begin, begin + in.length);
    return true;
  }
  return load_elements(cx, element_of(type), in, out.of.emplace<Values>());
}

// The fields of a record or tuple, and the elements of a fixed-length list.
template <class F>
bool each_field(const Type& type, Width width, F visit) {
  const std::size_t count = type.kind == List ? *type.length : type.children.size();
  std::uint32_t offset = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Type& field = *type.children[type.kind == List ? 0 : i];
    offset = align_to(offset, field.in(width).alignment);
    if (!visit(field, i, offset)) return false;
    offset += field.in(width).size;
  }
  return true;
}
bool start_fields(LiftLowerContext& cx, const Type& type, Value& out) {
  const std::size_t count = type.kind == List ? *type.length : type.children.size();
  if (!cx.charge(std::uint64_t{count} * sizeof(Value))) return false;
  out.of.emplace<Values>(count);
  return true;
}

// A variant's case: its payload type, null where it has none.
bool start_case(LiftLowerContext& cx, const Type& type, std::uint32_t index, Value& out,
                const Type*& payload) {
  if (index >= type.children.size()) return cx.fail("invalid variant discriminant");
  payload = type.children[index];
  auto& value = out.of.emplace<CaseValue>();
  value.index = index;
  if (payload) {
    if (!cx.charge(sizeof(Value))) return false;
    value.payload = std::make_unique<Value>();
  }
  return true;
}

template <class T>
bool fits(const Value& value) {
  using Wide = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
  const auto* number = std::get_if<Wide>(&value.of);
  return number && std::in_range<T>(*number);
}

}  // namespace

// ---- Shapes

bool has_shape(const Type& type, const Value& value, const ResourceIds& ids) {
  const auto all_of = [&](const Type& element, const Values& values) {
    return std::all_of(values.begin(), values.end(),
                       [&](const Value& item) { return has_shape(element, item, ids); });
  };
  if (is_variant(type.kind)) {
    const auto* chosen = std::get_if<CaseValue>(&value.of);
    if (!chosen || chosen->index >= type.children.size()) return false;
    const Type* payload = type.children[chosen->index];
    return payload ? chosen->payload && has_shape(*payload, *chosen->payload, ids)
                   : !chosen->payload;
  }
  if (is_byte_list(type)) return std::holds_alternative<Bytes>(value.of);
  switch (type.kind) {
    case Bool: return std::holds_alternative<bool>(value.of);
    case S8: return fits<std::int8_t>(value);
    case U8: return fits<std::uint8_t>(value);
    case S16: return fits<std::int16_t>(value);
    case U16: return fits<std::uint16_t>(value);
    case S32: return fits<std::int32_t>(value);
    case U32: return fits<std::uint32_t>(value);
    case S64: return fits<std::int64_t>(value);
    case U64: return fits<std::uint64_t>(value);
    case F32: return std::holds_alternative<float>(value.of);
    case F64: return std::holds_alternative<double>(value.of);
    case Char: {
      const auto* c = std::get_if<char32_t>(&value.of);
      return c && valid_char(*c);
    }
    case String: return std::holds_alternative<std::string>(value.of);
    case Flags: {
      const auto* flags = std::get_if<FlagsValue>(&value.of);
      return flags && (flags->bits & ~flag_mask(type)) == 0;
    }
    case TypeKind::Own: {
      if (const auto* resource = std::get_if<GuestResource>(&value.of))
        return !type.resource->imported && resource->type == id_of(type, ids);
      const auto* own = std::get_if<OwnValue>(&value.of);
      return own && own->object() && &own->tag() == id_of(type, ids);
    }
    case TypeKind::Borrow: {
      if (const auto* resource = std::get_if<GuestResource>(&value.of))
        return !type.resource->imported && resource->type == id_of(type, ids);
      const auto* lent = std::get_if<BorrowValue>(&value.of);
      return lent && lent->object && lent->tag == id_of(type, ids);
    }
    case List: {
      const auto* values = std::get_if<Values>(&value.of);
      return values && (!type.length || values->size() == *type.length) &&
             all_of(*type.children[0], *values);
    }
    case Map: {
      const auto* values = std::get_if<Values>(&value.of);
      return values && all_of(element_of(type), *values);
    }
    case Record:
    case Tuple: {
      const auto* values = std::get_if<Values>(&value.of);
      return values && values->size() == type.children.size() &&
             each_field(type, Width::W32, [&](const Type& field, std::size_t i, std::uint32_t) {
               return has_shape(field, (*values)[i], ids);
             });
    }
    default: return false;
  }
}

// ---- Memory

bool store_value(LiftLowerContext& cx, const Type& type, std::uint64_t at, Value& value) {
  if (has_span(type)) {
    Span span;
    if (!to_span(cx, type, value, span)) return false;
    cx.store_pointer(at, span.pointer);
    cx.store_pointer(at + pointer_size(cx.width()), span.length);
    return true;
  }
  if (is_variant(type.kind)) {
    auto& chosen = std::get<CaseValue>(value.of);
    store_sized(cx, at, discriminant_size(type.children.size()), chosen.index);
    const Type* payload = type.children[chosen.index];
    return !payload ||
           store_value(cx, *payload, at + payload_offset(type, cx.width()), *chosen.payload);
  }
  switch (type.kind) {
    case F32: cx.store(at, std::get<float>(value.of)); return true;
    case F64: cx.store(at, std::get<double>(value.of)); return true;
    case S64:
    case U64: cx.store(at, bits_of(value)); return true;
    case TypeKind::Own:
    case TypeKind::Borrow: {
      std::uint32_t handle;
      if (!to_handle(cx, type, value, handle)) return false;
      cx.store(at, handle);
      return true;
    }
    case Record:
    case Tuple:
    case List: {
      auto& fields = std::get<Values>(value.of);
      return each_field(type, cx.width(),
                        [&](const Type& field, std::size_t i, std::uint32_t offset) {
                          return store_value(cx, field, at + offset, fields[i]);
                        });
    }
    default:
      store_sized(cx, at, type.narrow.size, static_cast<std::uint32_t>(bits_of(value)));
      return true;
  }
}

bool load_value(LiftLowerContext& cx, const Type& type, std::uint64_t at, Value& out) {
  if (has_span(type))
    return from_span(cx, type,
                     {cx.load_pointer(at), cx.load_pointer(at + pointer_size(cx.width()))}, out);
  if (is_variant(type.kind)) {
    const Type* payload;
    const auto index = load_sized(cx, at, discriminant_size(type.children.size()));
    if (!start_case(cx, type, index, out, payload)) return false;
    return !payload || load_value(cx, *payload, at + payload_offset(type, cx.width()),
                                  *std::get<CaseValue>(out.of).payload);
  }
  switch (type.kind) {
    case F32: out.of = cx.load<float>(at); return true;
    case F64: out.of = cx.load<double>(at); return true;
    case S64: out.of = cx.load<std::int64_t>(at); return true;
    case U64: out.of = cx.load<std::uint64_t>(at); return true;
    case TypeKind::Own:
    case TypeKind::Borrow: return from_handle(cx, type, cx.load<std::uint32_t>(at), out);
    case Record:
    case Tuple:
    case List: {
      if (!start_fields(cx, type, out)) return false;
      auto& fields = std::get<Values>(out.of);
      return each_field(type, cx.width(),
                        [&](const Type& field, std::size_t i, std::uint32_t offset) {
                          return load_value(cx, field, at + offset, fields[i]);
                        });
    }
    default: return from_u32(cx, type, load_sized(cx, at, type.narrow.size), out);
  }
}

// ---- Flat values

bool lower_value(LiftLowerContext& cx, const Type& type, FlatWriter& out, Value& value) {
  if (has_span(type)) {
    Span span;
    if (!to_span(cx, type, value, span)) return false;
    out.u64(span.pointer);
    out.u64(span.length);
    return true;
  }
  if (is_variant(type.kind)) {
    auto& chosen = std::get<CaseValue>(value.of);
    out.u32(chosen.index);
    const Type* payload = type.children[chosen.index];
    if (payload && !lower_value(cx, *payload, out, *chosen.payload)) return false;
    out.zeros(unused_values(type, payload, cx.width()));
    return true;
  }
  switch (type.kind) {
    case F32: out.f32(std::get<float>(value.of)); return true;
    case F64: out.f64(std::get<double>(value.of)); return true;
    case S64:
    case U64: out.u64(bits_of(value)); return true;
    case TypeKind::Own:
    case TypeKind::Borrow: {
      std::uint32_t handle;
      if (!to_handle(cx, type, value, handle)) return false;
      out.u32(handle);
      return true;
    }
    case Record:
    case Tuple:
    case List: {
      auto& fields = std::get<Values>(value.of);
      return each_field(type, cx.width(), [&](const Type& field, std::size_t i, std::uint32_t) {
        return lower_value(cx, field, out, fields[i]);
      });
    }
    default: out.u32(static_cast<std::uint32_t>(bits_of(value))); return true;
  }
}

bool lift_value(LiftLowerContext& cx, const Type& type, FlatReader& in, Value& out) {
  if (has_span(type)) {
    const auto pointer = in.pointer(cx.width());
    return from_span(cx, type, {pointer, in.pointer(cx.width())}, out);
  }
  if (is_variant(type.kind)) {
    const Type* payload;
    if (!start_case(cx, type, in.u32(), out, payload)) return false;
    if (payload && !lift_value(cx, *payload, in, *std::get<CaseValue>(out.of).payload))
      return false;
    in.skip(unused_values(type, payload, cx.width()));
    return true;
  }
  switch (type.kind) {
    case F32: out.of = in.f32(); return true;
    case F64: out.of = in.f64(); return true;
    case S64: out.of = static_cast<std::int64_t>(in.u64()); return true;
    case U64: out.of = in.u64(); return true;
    case TypeKind::Own:
    case TypeKind::Borrow: return from_handle(cx, type, in.u32(), out);
    case Record:
    case Tuple:
    case List: {
      if (!start_fields(cx, type, out)) return false;
      auto& fields = std::get<Values>(out.of);
      return each_field(type, cx.width(), [&](const Type& field, std::size_t i, std::uint32_t) {
        return lift_value(cx, field, in, fields[i]);
      });
    }
    default: return from_u32(cx, type, in.u32(), out);
  }
}

}  // namespace unbolt::component
