#include "unbolt/component/transfer.h"

#include "unbolt/component/error_context.h"
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
  FromMemory(LiftLowerContext& cx, std::uint64_t at) : cx_(cx), at_(at) {}
  Width width() const { return cx_.width(); }
  std::uint64_t scalar(const Type& type) {
    const std::uint32_t size = type.narrow.size;
    return size == 8 ? cx_.load<std::uint64_t>(at_) : load_sized(cx_, at_, size);
  }
  std::uint32_t discriminant(const Type& type) {
    return load_sized(cx_, at_, discriminant_size(type.children.size()));
  }
  std::pair<std::uint64_t, std::uint64_t> span() {
    return {cx_.load_pointer(at_), cx_.load_pointer(at_ + pointer_size(width()))};
  }
  FromMemory part(std::uint32_t offset) const { return {cx_, at_ + offset}; }
  void end_case(const Type&, const Type*) {}

 private:
  LiftLowerContext& cx_;
  std::uint64_t at_;
};

class ToMemory {
 public:
  ToMemory(LiftLowerContext& cx, std::uint64_t at) : cx_(cx), at_(at) {}
  Width width() const { return cx_.width(); }
  void scalar(const Type& type, std::uint64_t bits) {
    const std::uint32_t size = type.narrow.size;
    if (size == 8) {
      cx_.store(at_, bits);
    } else {
      store_sized(cx_, at_, size, static_cast<std::uint32_t>(bits));
    }
  }
  void discriminant(const Type& type, std::uint32_t index) {
    store_sized(cx_, at_, discriminant_size(type.children.size()), index);
  }
  void span(std::uint64_t pointer, std::uint64_t length) {
    cx_.store_pointer(at_, pointer);
    cx_.store_pointer(at_ + pointer_size(width()), length);
  }
  ToMemory part(std::uint32_t offset) const { return {cx_, at_ + offset}; }
  void end_case(const Type&, const Type*) {}

 private:
  LiftLowerContext& cx_;
  std::uint64_t at_;
};

class FromFlat {
 public:
  FromFlat(Width width, const engine::Raw* raw) : width_(width), in_(raw) {}
  Width width() const { return width_; }
  std::uint64_t scalar(const Type& type) { return type.narrow.size == 8 ? in_.u64() : in_.u32(); }
  std::uint32_t discriminant(const Type&) { return in_.u32(); }
  std::pair<std::uint64_t, std::uint64_t> span() {
    const auto pointer = in_.pointer(width_);
    return {pointer, in_.pointer(width_)};
  }
  FromFlat& part(std::uint32_t) { return *this; }
  void end_case(const Type& type, const Type* payload) {
    in_.skip(unused_values(type, payload, width_));
  }

 private:
  Width width_;
  FlatReader in_;
};

class ToFlat {
 public:
  ToFlat(Width width, engine::Raw* raw) : width_(width), out_(raw) {}
  Width width() const { return width_; }
  void scalar(const Type&, std::uint64_t bits) { out_.u64(bits); }
  void discriminant(const Type&, std::uint32_t index) { out_.u32(index); }
  void span(std::uint64_t pointer, std::uint64_t length) {
    out_.u64(pointer);
    out_.u64(length);
  }
  ToFlat& part(std::uint32_t) { return *this; }
  void end_case(const Type& type, const Type* payload) {
    out_.zeros(unused_values(type, payload, width_));
  }

 private:
  Width width_;
  FlatWriter out_;
};

// The parts of a value, each at its offset on either side.
class Offsets {
 public:
  Offsets(Width from, Width to) : from_width_(from), to_width_(to) {}
  void next(const Type& part) {
    from = align_to(from_end_, part.in(from_width_).alignment);
    to = align_to(to_end_, part.in(to_width_).alignment);
    from_end_ = from + part.in(from_width_).size;
    to_end_ = to + part.in(to_width_).size;
  }
  std::uint32_t from = 0, to = 0;

 private:
  Width from_width_, to_width_;
  std::uint32_t from_end_ = 0, to_end_ = 0;
};

}  // namespace

// ---- What lies elsewhere: strings, lists, handles

bool Transfer::list(const Type& element, std::uint64_t pointer, std::uint64_t length,
                    std::uint64_t& to_pointer) {
  const Layout& inside = element.in(from_.width());
  const Layout& outside = element.in(to_.width());
  if (!from_.check_list(pointer, length, inside.size, inside.alignment)) return false;
  // Lists may overlap: what is looked at is bounded, not only what there is.
  const std::uint64_t size = length * outside.size;
  if (!from_.charge_scan(size)) return false;
  if (size > kMaxListBytes) return to_.fail("list content out-of-bounds");
  if (!to_.allocate(static_cast<std::uint32_t>(size), outside.alignment, to_pointer,
                    LiftLowerContext::Content::List))
    return false;
  if (is_plain(element.kind)) {
    if (size) std::memcpy(to_.at(to_pointer), from_.at(pointer), size);
    return true;
  }
  for (std::uint64_t i = 0; i < length; ++i) {
    FromMemory from(from_, pointer + i * inside.size);
    ToMemory to(to_, to_pointer + i * outside.size);
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

bool Transfer::error_context(std::uint32_t from, std::uint32_t& to) {
  const auto* context = find_error_context(from_.state().handles, from);
  if (!context) return from_.fail(unknown_handle(from));
  to = add_error_context(to_.state().handles, *context);
  return to != 0 || to_.fail("too many handles");
}

template <class From, class To>
bool Transfer::span(const Type& type, From& from, To& to) {
  const auto [pointer, length] = from.span();
  std::uint64_t to_pointer, to_length = length;
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
  Offsets at(from.width(), to.width());
  for (std::size_t i = 0; i < count; ++i) {
    const Type& field = *type.children[type.length ? 0 : i];
    at.next(field);
    auto&& from_field = from.part(at.from);
    auto&& to_field = to.part(at.to);
    if (!value(field, from_field, to_field)) return false;
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
    auto&& from_payload = from.part(payload_offset(type, from.width()));
    auto&& to_payload = to.part(payload_offset(type, to.width()));
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
    case TypeKind::ErrorContext: {
      std::uint32_t index;
      if (!error_context(static_cast<std::uint32_t>(from.scalar(type)), index)) return false;
      to.scalar(type, index);
      return true;
    }
    case Stream:
    case Future: return from_.fail("this type cannot be passed between components yet");
    default: to.scalar(type, extended(type, from.scalar(type))); return true;
  }
}

// ---- Parameters and results

template <class Pass>
bool Transfer::between(Side from, Side to, const Layout& from_layout, const Layout& to_layout,
                       Pass pass) {
  const auto there = [](LiftLowerContext& cx, const Side& side, const Layout& layout) {
    const auto* memory = std::get_if<InMemory>(&side);
    return !memory ||
           (cx.aligned(memory->at, layout.alignment) && cx.in_bounds(memory->at, layout.size));
  };
  if (!there(from_, from, from_layout) || !there(to_, to, to_layout)) return false;
  const auto with_source = [&](auto source) {
    if (const auto* flat = std::get_if<FlatValues>(&to))
      return pass(source, ToFlat(to_.width(), flat->raw));
    return pass(source, ToMemory(to_, std::get<InMemory>(to).at));
  };
  if (const auto* flat = std::get_if<FlatValues>(&from))
    return with_source(FromFlat(from_.width(), flat->raw));
  return with_source(FromMemory(from_, std::get<InMemory>(from).at));
}

bool Transfer::params(const FuncType& type, Side from, Side to) {
  return between(from, to, type.params_in(from_.width()), type.params_in(to_.width()),
                 [&](auto source, auto target) {
                   Offsets at(source.width(), target.width());
                   for (const Param& param : type.params) {
                     at.next(*param.type);
                     auto&& from_param = source.part(at.from);
                     auto&& to_param = target.part(at.to);
                     if (!value(*param.type, from_param, to_param)) return false;
                   }
                   return true;
                 });
}

bool Transfer::result(const Type& type, Side from, Side to) {
  return between(from, to, type.in(from_.width()), type.in(to_.width()),
                 [&](auto source, auto target) { return value(type, source, target); });
}

}  // namespace unbolt::component
