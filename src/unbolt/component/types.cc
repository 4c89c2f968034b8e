#include "unbolt/component/types.h"

#include <algorithm>

#include <fmt/format.h>

#include "unbolt/component/names.h"

namespace unbolt::component {
namespace {

constexpr std::uint64_t kTooLarge = 1u << 30;

void append_flat(std::vector<CoreType>& out, const std::vector<CoreType>& more) {
  for (const CoreType type : more) {
    if (out.size() > kMaxFlatParams) return;
    out.push_back(type);
  }
}

bool lay_out_record(Type& type) {
  std::uint64_t size = 0;
  for (const Type* field : type.children) {
    size = (size + field->alignment - 1) / field->alignment * field->alignment + field->size;
    type.alignment = std::max(type.alignment, field->alignment);
    append_flat(type.flat, field->flat);
    if (size > kTooLarge) return false;
  }
  type.size = align_to(static_cast<std::uint32_t>(size), type.alignment);
  return true;
}

bool lay_out_variant(Type& type) {
  const std::uint32_t discriminant = discriminant_size(type.children.size());
  std::uint32_t payload_alignment = 1;
  std::uint64_t payload_size = 0;
  std::vector<CoreType> payload;
  for (const Type* item : type.children) {
    if (!item) continue;
    payload_alignment = std::max(payload_alignment, item->alignment);
    payload_size = std::max<std::uint64_t>(payload_size, item->size);
    for (std::size_t i = 0; i < item->flat.size(); ++i) {
      if (i < payload.size()) {
        payload[i] = join(payload[i], item->flat[i]);
      } else {
        payload.push_back(item->flat[i]);
      }
    }
  }
  type.alignment = std::max(discriminant, payload_alignment);
  type.size =
      align_to(align_to(discriminant, payload_alignment) + static_cast<std::uint32_t>(payload_size),
               type.alignment);
  type.flat.push_back(CoreType::I32);
  append_flat(type.flat, payload);
  return payload_size <= kTooLarge;
}

void scalar(Type& type, std::uint32_t size, CoreType core) {
  type.size = type.alignment = size;
  type.flat = {core};
}

bool lay_out(Type& type) {
  using enum TypeKind;
  switch (type.kind) {
    case Bool:
    case S8:
    case U8: scalar(type, 1, CoreType::I32); return true;
    case S16:
    case U16: scalar(type, 2, CoreType::I32); return true;
    case S32:
    case U32:
    case Char: scalar(type, 4, CoreType::I32); return true;
    case S64:
    case U64: scalar(type, 8, CoreType::I64); return true;
    case F32: scalar(type, 4, CoreType::F32); return true;
    case F64: scalar(type, 8, CoreType::F64); return true;
    case Own:
    case Borrow:
    case Stream:
    case Future:
    case ErrorContext: scalar(type, 4, CoreType::I32); return true;
    case String:
    case Map:
      type.size = 8;
      type.alignment = 4;
      type.flat = {CoreType::I32, CoreType::I32};
      return true;
    case List:
      if (!type.length) {
        type.size = 8;
        type.alignment = 4;
        type.flat = {CoreType::I32, CoreType::I32};
        return true;
      } else {
        const Type& element = *type.children[0];
        const std::uint64_t size = std::uint64_t{*type.length} * element.size;
        if (size > kTooLarge) return false;
        type.size = static_cast<std::uint32_t>(size);
        type.alignment = element.alignment;
        for (std::uint32_t i = 0; i < *type.length && type.flat.size() <= kMaxFlatParams; ++i) {
          append_flat(type.flat, element.flat);
        }
        return true;
      }
    case Record:
    case Tuple: return lay_out_record(type);
    case Variant:
    case Option:
    case Result:
    case Enum: return lay_out_variant(type);
    case Flags: {
      const std::uint32_t bits = static_cast<std::uint32_t>(type.labels.size());
      scalar(type, bits <= 8 ? 1 : bits <= 16 ? 2 : 4, CoreType::I32);
      return bits > 0 && bits <= 32;
    }
  }
  return false;
}

std::string_view primitive_name(TypeKind kind) {
  using enum TypeKind;
  switch (kind) {
    case Bool: return "bool";
    case S8: return "s8";
    case U8: return "u8";
    case S16: return "s16";
    case U16: return "u16";
    case S32: return "s32";
    case U32: return "u32";
    case S64: return "s64";
    case U64: return "u64";
    case F32: return "f32";
    case F64: return "f64";
    case Char: return "char";
    case String: return "string";
    case ErrorContext: return "error-context";
    default: return {};
  }
}

std::string labelled(const Type& type, unsigned depth) {
  std::string out;
  for (std::size_t i = 0; i < type.labels.size(); ++i) {
    if (i) out += ", ";
    out += type.labels[i];
    if (type.kind == TypeKind::Record) out += ": " + to_wit(type.children[i], depth - 1);
    if (type.kind == TypeKind::Variant && type.children[i])
      out += "(" + to_wit(type.children[i], depth - 1) + ")";
  }
  return out;
}

bool same_resource(const ResourceType* a, const ResourceType* b) {
  return a == b || (a && b && a->name == b->name &&
                    track_of(a->interface_name) == track_of(b->interface_name));
}

}  // namespace

std::uint32_t discriminant_size(std::size_t cases) {
  return cases <= 256 ? 1 : cases <= 65'536 ? 2 : 4;
}

std::uint32_t payload_offset(const Type& variant) {
  std::uint32_t alignment = 1;
  for (const Type* item : variant.children) {
    if (item) alignment = std::max(alignment, item->alignment);
  }
  return align_to(discriminant_size(variant.children.size()), alignment);
}

CoreType join(CoreType a, CoreType b) {
  if (a == b) return a;
  const auto is32 = [](CoreType t) { return t == CoreType::I32 || t == CoreType::F32; };
  return is32(a) && is32(b) ? CoreType::I32 : CoreType::I64;
}

const Type* TypeArena::add(Type type) {
  if (!lay_out(type)) return nullptr;
  using enum TypeKind;
  type.holds_async = type.kind == Stream || type.kind == Future || type.kind == ErrorContext ||
                     std::any_of(type.children.begin(), type.children.end(),
                                 [](const Type* child) { return child && child->holds_async; });
  return &types_.emplace_back(std::move(type));
}

const FuncType* TypeArena::add(FuncType type) {
  std::uint64_t size = 0;
  for (const Param& param : type.params) {
    const std::uint64_t alignment = param.type->alignment;
    size = (size + alignment - 1) / alignment * alignment + param.type->size;
    type.params_alignment = std::max(type.params_alignment, param.type->alignment);
    if (size > kTooLarge) return nullptr;
  }
  type.params_size = align_to(static_cast<std::uint32_t>(size), type.params_alignment);
  return &funcs_.emplace_back(std::move(type));
}

FlatSignature flatten(const FuncType& type, Context context) {
  FlatSignature out;
  std::vector<CoreType> params;
  for (const Param& param : type.params) append_flat(params, param.type->flat);
  const bool async_lower = context == Context::AsyncLower;
  if (params.size() > (async_lower ? kMaxFlatAsyncParams : kMaxFlatParams)) {
    out.params_in_memory = true;
    params = {CoreType::I32};
  }
  out.core.params = std::move(params);
  switch (context) {
    case Context::Lift:
    case Context::Lower:
      if (!type.result) break;
      if (type.result->flat.size() <= kMaxFlatResults) {
        out.core.results = type.result->flat;
        break;
      }
      out.result_in_memory = true;
      (context == Context::Lower ? out.core.params : out.core.results).push_back(CoreType::I32);
      break;
    case Context::AsyncLift: break;
    case Context::AsyncCallbackLift: out.core.results = {CoreType::I32}; break;
    case Context::AsyncLower:
      if (type.result) {
        out.result_in_memory = true;
        out.core.params.push_back(CoreType::I32);
      }
      out.core.results = {CoreType::I32};
      break;
  }
  return out;
}

std::string to_wit(const Type* type, unsigned depth) {
  if (!type) return "_";
  if (const auto name = primitive_name(type->kind); !name.empty()) return std::string(name);
  if (depth == 0) return "…";
  const auto child = [&](std::size_t i) { return to_wit(type->children[i], depth - 1); };
  using enum TypeKind;
  switch (type->kind) {
    case Record: return "record { " + labelled(*type, depth) + " }";
    case Variant: return "variant { " + labelled(*type, depth) + " }";
    case Enum: return "enum { " + labelled(*type, depth) + " }";
    case Flags: return "flags { " + labelled(*type, depth) + " }";
    case List:
      return type->length ? fmt::format("list<{}, {}>", child(0), *type->length)
                          : fmt::format("list<{}>", child(0));
    case Map: return fmt::format("map<{}, {}>", child(0), child(1));
    case Option: return fmt::format("option<{}>", child(1));
    case Result:
      if (!type->children[0] && !type->children[1]) return "result";
      return type->children[1] ? fmt::format("result<{}, {}>", child(0), child(1))
                               : fmt::format("result<{}>", child(0));
    case Tuple: {
      std::string out = "tuple<";
      for (std::size_t i = 0; i < type->children.size(); ++i) out += (i ? ", " : "") + child(i);
      return out + ">";
    }
    case Own: return type->resource->name;
    case Borrow: return fmt::format("borrow<{}>", type->resource->name);
    case Stream: return type->children[0] ? fmt::format("stream<{}>", child(0)) : "stream";
    case Future: return type->children[0] ? fmt::format("future<{}>", child(0)) : "future";
    default: return "?";
  }
}

std::string to_wit(const FuncType& type) {
  std::string out = type.async ? "async func(" : "func(";
  for (std::size_t i = 0; i < type.params.size(); ++i) {
    out += fmt::format("{}{}: {}", i ? ", " : "", type.params[i].name, to_wit(type.params[i].type));
  }
  out += ")";
  if (type.result) out += " -> " + to_wit(type.result);
  return out;
}

bool equal_shape(const Type* a, const Type* b, unsigned depth) {
  if (a == b) return true;
  if (!a || !b || depth == 0) return false;
  if (a->kind != b->kind || a->labels != b->labels || a->length != b->length ||
      a->children.size() != b->children.size()) {
    return false;
  }
  if ((a->resource || b->resource) && !same_resource(a->resource, b->resource)) return false;
  for (std::size_t i = 0; i < a->children.size(); ++i) {
    if (!equal_shape(a->children[i], b->children[i], depth - 1)) return false;
  }
  return true;
}

bool equal_shape(const FuncType& a, const FuncType& b) {
  if (a.params.size() != b.params.size() || a.async != b.async) return false;
  for (std::size_t i = 0; i < a.params.size(); ++i) {
    if (a.params[i].name != b.params[i].name || !equal_shape(a.params[i].type, b.params[i].type))
      return false;
  }
  return equal_shape(a.result, b.result);
}

}  // namespace unbolt::component
