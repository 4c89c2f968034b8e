#include "unbolt/component/transfer.h"

#include "unbolt/component/type_rules.h"

namespace unbolt::component {
namespace {

// Whether a value's bytes mean the same everywhere, whatever they are.
bool is_plain(TypeKind kind) {
  using enum TypeKind;
  switch (kind) {
    case S8:
    case U8:
    case S16:
    case U16:
    case S32:
    case U32:
    case S64:
    case U64:
    case F32:
    case F64: return true;
    default: return false;
  }
}

// A small integer, as far as its type goes, extended to 32 bits as it is passed in a core value.
std::uint64_t extended(const Type& type, std::uint64_t bits) {
  using enum TypeKind;
  switch (type.kind) {
    case Bool: return bits != 0;
    case S8: return static_cast<std::uint32_t>(static_cast<std::int8_t>(bits));
    case U8: return static_cast<std::uint8_t>(bits);
    case S16: return static_cast<std::uint32_t>(static_cast<std::int16_t>(bits));
    case U16: return static_cast<std::uint16_t>(bits);
    case Flags: return bits & flag_mask(type);
    default: return bits;
  }
}

// ---- The two ways in which values lie: each reads or writes what comes next. In memory the offset
// has been checked, together with all that lies around it.

class FromMemory {
 public:
  FromMemory(LiftLowerContext& cx, std::uint32_t at) : cx_(cx), at_(at) {}
  std::uint64_t scalar(const Type& type) {
    return type.size == 8 ? cx_.load<std::uint64_t>(at_) : load_sized(cx_, at_, type.size);
  }
  std::uint32_t discriminant(const Type& type) {
    return load_sized(cx_, at_, discriminant_size(type.children.size()));
  }
  std::pair<std::uint32_t, std::uint32_t> span() {
    return {cx_.load<std::uint32_t>(at_), cx_.load<std::uint32_t>(at_ + 4)};
  }
  FromMemory part(std::uint32_t offset) const { return {cx_, at_ + offset}; }
  void end_case(const Type&, const Type*) {}

 private:
  LiftLowerContext& cx_;
  std::uint32_t at_;
};

class ToMemory {
 public:
  ToMemory(LiftLowerContext& cx, std::uint32_t at) : cx_(cx), at_(at) {}
  void scalar(const Type& type, std::uint64_t bits) {
    if (type.size == 8) {
      cx_.store(at_, bits);
    } else {
      store_sized(cx_, at_, type.size, static_cast<std::uint32_t>(bits));
    }
  }
  void discriminant(const Type& type, std::uint32_t index) {
    store_sized(cx_, at_, discriminant_size(type.children.size()), index);
  }
  void span(std::uint32_t pointer, std::uint32_t length) {
    cx_.store(at_, pointer);
    cx_.store(at_ + 4, length);
  }
  ToMemory part(std::uint32_t offset) const { return {cx_, at_ + offset}; }
  void end_case(const Type&, const Type*) {}

 private:
  LiftLowerContext& cx_;
  std::uint32_t at_;
};

// A case's payload takes as many values as the largest.
std::size_t unused_values(const Type& variant, const Type* payload) {
  return variant.flat.size() - 1 - (payload ? payload->flat.size() : 0);
}

class FromFlat {
 public:
  explicit FromFlat(const engine::Raw* raw) : in_(raw) {}
  std::uint64_t scalar(const Type& type) { return type.size == 8 ? in_.u64() : in_.u32(); }
  std::uint32_t discriminant(const Type&) { return in_.u32(); }
  std::pair<std::uint32_t, std::uint32_t> span() {
    const auto pointer = in_.u32();
    return {pointer, in_.u32()};
  }
  FromFlat& part(std::uint32_t) { return *this; }
  void end_case(const Type& type, const Type* payload) { in_.skip(unused_values(type, payload)); }

 private:
  FlatReader in_;
};

class ToFlat {
 public:
  explicit ToFlat(engine::Raw* raw) : out_(raw) {}
  void scalar(const Type&, std::uint64_t bits) { out_.u64(bits); }
  void discriminant(const Type&, std::uint32_t index) { out_.u32(index); }
  void span(std::uint32_t pointer, std::uint32_t length) {
    out_.u32(pointer);
    out_.u32(length);
  }
  ToFlat& part(std::uint32_t) { return *this; }
  void end_case(const Type& type, const Type* payload) { out_.zeros(unused_values(type, payload)); }

 private:
  FlatWriter out_;
};

}  // namespace

// ---- What lies elsewhere: strings, lists, handles

bool Transfer::list(const Type& element, std::uint32_t pointer, std::uint32_t length,
                    std::uint32_t& to_pointer) {
  if (!from_.check_list(pointer, length, element.size, element.alignment)) return false;
  const std::uint32_t size = length * element.size;  // checked with the list
  // Lists may overlap: what is looked at is bounded, not only what there is.
  if (!from_.charge_scan(size) ||
      !to_.allocate(size, element.alignment, to_pointer, LiftLowerContext::Content::List))
    return false;
  if (is_plain(element.kind)) {
    if (size) std::memcpy(to_.at(to_pointer), from_.at(pointer), size);
    return true;
  }
  for (std::uint32_t i = 0; i < length; ++i) {
    FromMemory from(from_, pointer + i * element.size);
    ToMemory to(to_, to_pointer + i * element.size);
    if (!value(element, from, to)) return false;
  }
  return true;
}

bool Transfer::handle(const Type& type, std::uint32_t from, std::uint32_t& to) {
  const ResourceId id = from_.instance().component().resource_ids()[type.resource->index];
  const bool host = type.resource->imported;
  std::uint64_t rep;
  if (type.kind == TypeKind::Own) {
    return from_.lift_own(from, id, rep) &&
           to_.lower_own({.type = id, .rep = rep, .host = host}, to);
  }
  if (!from_.lift_borrow(from, id, rep)) return false;
  if (!host &&
      type.resource->instance == to_instance_) {  // its own resource: the representation itself
    to = static_cast<std::uint32_t>(rep);
    return true;
  }
  return to_.lower_borrow({.type = id, .rep = rep, .own = false, .host = host}, to);
}

template <class From, class To>
bool Transfer::span(const Type& type, From& from, To& to) {
  const auto [pointer, length] = from.span();
  std::uint32_t to_pointer, to_length = length;
  if (type.kind == TypeKind::String) {
    Text text;
    if (!from_.locate_text(pointer, length, text) || !from_.charge_scan(text.units) ||
        !to_.lower_text(text, to_pointer, to_length))
      return false;
  } else {
    // A map is a list of pairs (CanonicalABI.md, "despecialize").
    const Type& element = *type.children[type.kind == TypeKind::Map ? 2 : 0];
    if (!list(element, pointer, length, to_pointer)) return false;
  }
  to.span(to_pointer, to_length);
  return true;
}

// ---- Values that hold others

// Of a record or a tuple, or the elements of a fixed-length list.
template <class From, class To>
bool Transfer::fields(const Type& type, From& from, To& to) {
  const std::size_t count = type.length ? *type.length : type.children.size();
  std::uint32_t offset = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const Type& field = *type.children[type.length ? 0 : i];
    offset = align_to(offset, field.alignment);
    auto&& from_field = from.part(offset);
    auto&& to_field = to.part(offset);
    if (!value(field, from_field, to_field)) return false;
    offset += field.size;
  }
  return true;
}

template <class From, class To>
bool Transfer::variant(const Type& type, From& from, To& to) {
  const std::uint32_t index = from.discriminant(type);
  if (index >= type.children.size()) return from_.fail("invalid variant discriminant");
  to.discriminant(type, index);
  const Type* payload = type.children[index];
  if (payload) {
    const std::uint32_t offset = payload_offset(type);
    auto&& from_payload = from.part(offset);
    auto&& to_payload = to.part(offset);
    if (!value(*payload, from_payload, to_payload)) return false;
  }
  from.end_case(type, payload);
  to.end_case(type, payload);
  return true;
}

template <class From, class To>
bool Transfer::value(const Type& type, From& from, To& to) {
  using enum TypeKind;
  switch (type.kind) {
    case Record:
    case Tuple: return fields(type, from, to);
    case Variant:
    case Enum:
    case Option:
    case Result: return variant(type, from, to);
    case List:
      if (type.length) return fields(type, from, to);
      [[fallthrough]];
    case Map:
    case String: return span(type, from, to);
    case Own:
    case Borrow: {
      std::uint32_t index;
      if (!handle(type, static_cast<std::uint32_t>(from.scalar(type)), index)) return false;
      to.scalar(type, index);
      return true;
    }
    case Char: {
      const std::uint64_t c = from.scalar(type);
      if (!valid_char(static_cast<std::uint32_t>(c)))
        return from_.fail("invalid `char` bit pattern");
      to.scalar(type, c);
      return true;
    }
    case Stream:
    case Future:
    case ErrorContext: return from_.fail("this type cannot be passed between components yet");
    default: to.scalar(type, extended(type, from.scalar(type))); return true;
  }
}

// ---- Parameters and results

template <class Pass>
bool Transfer::between(Side from, Side to, std::uint32_t size, std::uint32_t alignment, Pass pass) {
  const auto there = [&](LiftLowerContext& cx, const Side& side) {
    const auto* memory = std::get_if<InMemory>(&side);
    return !memory || (cx.aligned(memory->at, alignment) && cx.in_bounds(memory->at, size));
  };
  if (!there(from_, from) || !there(to_, to)) return false;
  const auto with_source = [&](auto source) {
    if (const auto* flat = std::get_if<FlatValues>(&to)) return pass(source, ToFlat(flat->raw));
    return pass(source, ToMemory(to_, std::get<InMemory>(to).at));
  };
  if (const auto* flat = std::get_if<FlatValues>(&from)) return with_source(FromFlat(flat->raw));
  return with_source(FromMemory(from_, std::get<InMemory>(from).at));
}

bool Transfer::params(const FuncType& type, Side from, Side to) {
  return between(from, to, type.params_size, type.params_alignment, [&](auto source, auto target) {
    return each_param(type, [&](const Type& param, std::size_t, std::uint32_t offset) {
      auto&& from_param = source.part(offset);
      auto&& to_param = target.part(offset);
      return value(param, from_param, to_param);
    });
  });
}

bool Transfer::result(const Type& type, Side from, Side to) {
  return between(from, to, type.size, type.alignment,
                 [&](auto source, auto target) { return value(type, source, target); });
}

}  // namespace unbolt::component
