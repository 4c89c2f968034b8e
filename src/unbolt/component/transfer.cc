#include "unbolt/component/transfer.h"

#include "unbolt/component/type_rules.h"

namespace unbolt::component {
namespace {

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

// A small integer, as far as its type goes.
std::uint32_t narrowed(TypeKind kind, std::uint32_t bits) {
  using enum TypeKind;
  switch (kind) {
    case Bool: return bits != 0;
    case S8:
      return static_cast<std::uint32_t>(static_cast<std::int32_t>(static_cast<std::int8_t>(bits)));
    case U8: return static_cast<std::uint8_t>(bits);
    case S16:
      return static_cast<std::uint32_t>(static_cast<std::int32_t>(static_cast<std::int16_t>(bits)));
    case U16: return static_cast<std::uint16_t>(bits);
    default: return bits;
  }
}

}  // namespace

bool Transfer::string(std::uint32_t pointer, std::uint32_t length, std::uint32_t& to_pointer,
                      std::uint32_t& to_length) {
  std::string_view text;
  return from_.lift_string(pointer, length, text) && to_.lower_string(text, to_pointer, to_length);
}

bool Transfer::list(const Type& element, std::uint32_t pointer, std::uint32_t length,
                    std::uint32_t& to_pointer) {
  if (!from_.check_list(pointer, length, element.size, element.alignment)) return false;
  const std::uint64_t size = std::uint64_t{length} * element.size;
  if (size >= (1u << 31)) return from_.fail("a list is too long to be passed on");
  if (!to_.allocate(static_cast<std::uint32_t>(size), element.alignment, to_pointer)) return false;
  if (is_plain(element.kind)) {
    if (size) std::memcpy(to_.at(to_pointer), from_.at(pointer), size);
    return true;
  }
  for (std::uint32_t i = 0; i < length; ++i) {
    if (!memory(element, pointer + i * element.size, to_pointer + i * element.size)) return false;
  }
  return true;
}

bool Transfer::handle(const Type& type, std::uint32_t from, std::uint32_t& to) {
  const ResourceId id = id_of(type);
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

bool Transfer::memory(const Type& type, std::uint32_t from, std::uint32_t to) {
  using enum TypeKind;
  if (is_plain(type.kind)) {
    std::memcpy(to_.at(to), from_.at(from), type.size);
    return true;
  }
  switch (type.kind) {
    case Bool: to_.store<std::uint8_t>(to, from_.load<std::uint8_t>(from) != 0); return true;
    case Char: {
      const auto c = from_.load<std::uint32_t>(from);
      if (!valid_char(c)) return from_.fail("invalid char");
      to_.store(to, c);
      return true;
    }
    case Flags:
      store_sized(to_, to, type.size, load_sized(from_, from, type.size) & flag_mask(type));
      return true;
    case String: {
      std::uint32_t pointer, length;
      if (!string(from_.load<std::uint32_t>(from), from_.load<std::uint32_t>(from + 4), pointer,
                  length))
        return false;
      to_.store(to, pointer);
      to_.store(to + 4, length);
      return true;
    }
    case List: {
      const Type& element = *type.children[0];
      if (type.length) {
        for (std::uint32_t i = 0; i < *type.length; ++i) {
          if (!memory(element, from + i * element.size, to + i * element.size)) return false;
        }
        return true;
      }
      const auto length = from_.load<std::uint32_t>(from + 4);
      std::uint32_t pointer;
      if (!list(element, from_.load<std::uint32_t>(from), length, pointer)) return false;
      to_.store(to, pointer);
      to_.store(to + 4, length);
      return true;
    }
    case Map: {
      const auto length = from_.load<std::uint32_t>(from + 4);
      std::uint32_t pointer;
      if (!list(*type.children[2], from_.load<std::uint32_t>(from), length, pointer)) return false;
      to_.store(to, pointer);
      to_.store(to + 4, length);
      return true;
    }
    case Record:
    case Tuple: {
      std::uint32_t offset = 0;
      for (const Type* field : type.children) {
        offset = align_to(offset, field->alignment);
        if (!memory(*field, from + offset, to + offset)) return false;
        offset += field->size;
      }
      return true;
    }
    case Variant:
    case Enum:
    case Option:
    case Result: {
      const std::uint32_t size = discriminant_size(type.children.size());
      const std::uint32_t index = load_sized(from_, from, size);
      if (index >= type.children.size()) return from_.fail("invalid variant discriminant");
      store_sized(to_, to, size, index);
      const Type* payload = type.children[index];
      const std::uint32_t offset = payload_offset(type);
      return !payload || memory(*payload, from + offset, to + offset);
    }
    case Own:
    case Borrow: {
      std::uint32_t index;
      if (!handle(type, from_.load<std::uint32_t>(from), index)) return false;
      to_.store(to, index);
      return true;
    }
    default: return from_.fail("this type cannot be passed between components yet");
  }
}

bool Transfer::flat_variant(const Type& type, FlatReader& from, FlatWriter& to) {
  const std::uint32_t index = from.u32();
  if (index >= type.children.size()) return from_.fail("invalid variant discriminant");
  to.u32(index);
  const Type* payload = type.children[index];
  const std::size_t used = payload ? payload->flat.size() : 0;
  if (payload && !flat(*payload, from, to)) return false;
  from.skip(type.flat.size() - 1 - used);
  to.zeros(type.flat.size() - 1 - used);
  return true;
}

bool Transfer::flat(const Type& type, FlatReader& from, FlatWriter& to) {
  using enum TypeKind;
  switch (type.kind) {
    case Bool:
    case S8:
    case U8:
    case S16:
    case U16:
    case S32:
    case U32: to.u32(narrowed(type.kind, from.u32())); return true;
    case S64:
    case U64: to.u64(from.u64()); return true;
    case F32: to.f32(from.f32()); return true;
    case F64: to.f64(from.f64()); return true;
    case Char: {
      const auto c = from.u32();
      if (!valid_char(c)) return from_.fail("invalid char");
      to.u32(c);
      return true;
    }
    case Flags: to.u32(from.u32() & flag_mask(type)); return true;
    case String: {
      const auto pointer = from.u32();
      const auto length = from.u32();
      std::uint32_t to_pointer, to_length;
      if (!string(pointer, length, to_pointer, to_length)) return false;
      to.u32(to_pointer);
      to.u32(to_length);
      return true;
    }
    case List: {
      if (type.length) {
        for (std::uint32_t i = 0; i < *type.length; ++i) {
          if (!flat(*type.children[0], from, to)) return false;
        }
        return true;
      }
      const auto pointer = from.u32();
      const auto length = from.u32();
      std::uint32_t to_pointer;
      if (!list(*type.children[0], pointer, length, to_pointer)) return false;
      to.u32(to_pointer);
      to.u32(length);
      return true;
    }
    case Map: {
      const auto pointer = from.u32();
      const auto length = from.u32();
      std::uint32_t to_pointer;
      if (!list(*type.children[2], pointer, length, to_pointer)) return false;
      to.u32(to_pointer);
      to.u32(length);
      return true;
    }
    case Record:
    case Tuple:
      for (const Type* field : type.children) {
        if (!flat(*field, from, to)) return false;
      }
      return true;
    case Variant:
    case Enum:
    case Option:
    case Result: return flat_variant(type, from, to);
    case Own:
    case Borrow: {
      std::uint32_t index;
      if (!handle(type, from.u32(), index)) return false;
      to.u32(index);
      return true;
    }
    default: return from_.fail("this type cannot be passed between components yet");
  }
}

bool Transfer::params_in_memory(const FuncType& type, std::uint32_t from, std::uint32_t& to) {
  const TupleLayout layout = params_layout(type);
  if (!from_.aligned(from, layout.alignment) || !from_.in_bounds(from, layout.size) ||
      !to_.allocate(layout.size, layout.alignment, to)) {
    return false;
  }
  return each_param(type, [&](const Type& param, std::size_t, std::uint32_t offset) {
    return memory(param, from + offset, to + offset);
  });
}

}  // namespace unbolt::component
