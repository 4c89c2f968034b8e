#include "unbolt/component/types.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "unbolt/component/names.h"

namespace unbolt::component {
namespace {

constexpr std::uint64_t kTooLarge = 1u << 30;
// No less than the reference validator's limits, whose depth does not count the pairs of maps.
constexpr std::uint32_t kMaxDepth = 256;
constexpr std::uint64_t kMaxParts = 1'000'000;

bool measure(Type& type) {
  std::uint64_t parts = 1;
  for (const Type* child : type.children) {
    if (!child) continue;
    type.depth = std::max(type.depth, child->depth + 1);
    parts += child->parts;
  }
  type.parts = static_cast<std::uint32_t>(std::min(parts, kMaxParts + 1));
  return type.depth <= kMaxDepth && parts <= kMaxParts;
}

void append_flat(std::vector<CoreType>& out, const std::vector<CoreType>& more) {
  for (const CoreType type : more) {
    if (out.size() > kMaxFlatParams) return;
    out.push_back(type);
  }
}

// A record, a tuple, the parameters of a function: one after the other.
template <class Parts, class TypeOf>
std::optional<Layout> lay_out_parts(const Parts& parts, Width width, TypeOf type_of) {
  Layout layout;
  std::uint64_t size = 0;
  for (const auto& part : parts) {
    const Layout& field = type_of(part)->in(width);
    size = (size + field.alignment - 1) / field.alignment * field.alignment + field.size;
    layout.alignment = std::max(layout.alignment, field.alignment);
    append_flat(layout.flat, field.flat);
    if (size > kTooLarge) return std::nullopt;
  }
  layout.size = align_to(static_cast<std::uint32_t>(size), layout.alignment);
  return layout;
}

std::optional<Layout> lay_out_variant(const Type& type, Width width) {
  const std::uint32_t discriminant = discriminant_size(type.children.size());
  Layout payload;
  for (const Type* item : type.children) {
    if (!item) continue;
    const Layout& of = item->in(width);
    payload.alignment = std::max(payload.alignment, of.alignment);
    payload.size = std::max(payload.size, of.size);
    for (std::size_t i = 0; i < of.flat.size(); ++i) {
      if (i < payload.flat.size()) {
        payload.flat[i] = join(payload.flat[i], of.flat[i]);
      } else {
        payload.flat.push_back(of.flat[i]);
      }
    }
  }
  if (payload.size > kTooLarge) return std::nullopt;
  Layout layout{
      .size = 0, .alignment = std::max(discriminant, payload.alignment), .flat = {CoreType::I32}};
  layout.size =
      align_to(align_to(discriminant, payload.alignment) + payload.size, layout.alignment);
  append_flat(layout.flat, payload.flat);
  return layout;
}

std::optional<Layout> lay_out_fixed_list(const Type& type, Width width) {
  const Layout& element = type.children[0]->in(width);
  const std::uint64_t size = std::uint64_t{*type.length} * element.size;
  if (size > kTooLarge) return std::nullopt;
  Layout layout{
      .size = static_cast<std::uint32_t>(size), .alignment = element.alignment, .flat = {}};
  for (std::uint32_t i = 0;
       i < *type.length && !element.flat.empty() && layout.flat.size() <= kMaxFlatParams; ++i)
    append_flat(layout.flat, element.flat);
  return layout;
}

Layout scalar(std::uint32_t size, CoreType core) { return {size, size, {core}}; }

std::optional<Layout> lay_out(const Type& type, Width width) {
  using enum TypeKind;
  switch (type.kind) {
    case Bool:
    case S8:
    case U8: return scalar(1, CoreType::I32);
    case S16:
    case U16: return scalar(2, CoreType::I32);
    case S32:
    case U32:
    case Char:
    case Own:
    case Borrow:
    case Stream:
    case Future:
    case ErrorContext: return scalar(4, CoreType::I32);
    case S64:
    case U64: return scalar(8, CoreType::I64);
    case F32: return scalar(4, CoreType::F32);
    case F64: return scalar(8, CoreType::F64);
    case List:
      if (type.length) return lay_out_fixed_list(type, width);
      [[fallthrough]];
    case String:
    case Map:
      return Layout{
          2 * pointer_size(width), pointer_size(width), {pointer_type(width), pointer_type(width)}};
    case Record:
    case Tuple: return lay_out_parts(type.children, width, [](const Type* child) { return child; });
    case Variant:
    case Option:
    case Result:
    case Enum: return lay_out_variant(type, width);
    case Flags: {
      const std::size_t bits = type.labels.size();
      if (bits == 0 || bits > 32) return std::nullopt;
      return scalar(bits <= 8 ? 1 : bits <= 16 ? 2 : 4, CoreType::I32);
    }
  }
  return std::nullopt;
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

const Type* find_part(const Type* type, const std::function<bool(const Type&)>& wanted,
                      std::set<const Type*>& seen) {
  if (!type || wanted(*type)) return type;
  if (type->children.empty() || !seen.insert(type).second) return nullptr;
  for (const Type* child : type->children) {
    if (const Type* found = find_part(child, wanted, seen)) return found;
  }
  return nullptr;
}

}  // namespace

std::uint32_t discriminant_size(std::size_t cases) {
  return cases <= 256 ? 1 : cases <= 65'536 ? 2 : 4;
}

std::uint32_t payload_offset(const Type& variant, Width width) {
  std::uint32_t alignment = 1;
  for (const Type* item : variant.children) {
    if (item) alignment = std::max(alignment, item->in(width).alignment);
  }
  return align_to(discriminant_size(variant.children.size()), alignment);
}

CoreType join(CoreType a, CoreType b) {
  if (a == b) return a;
  const auto is32 = [](CoreType t) { return t == CoreType::I32 || t == CoreType::F32; };
  return is32(a) && is32(b) ? CoreType::I32 : CoreType::I64;
}

const Type* TypeArena::add(Type type) {
  if (!measure(type)) return nullptr;
  auto narrow = lay_out(type, Width::W32);
  auto wide = lay_out(type, Width::W64);
  if (!narrow || !wide) return nullptr;
  type.narrow = std::move(*narrow);
  type.wide = std::move(*wide);
  using enum TypeKind;
  type.holds_async = type.kind == Stream || type.kind == Future ||
                     std::any_of(type.children.begin(), type.children.end(),
                                 [](const Type* child) { return child && child->holds_async; });
  type.holds_handle = type.kind == Own || type.kind == Borrow ||
                      std::any_of(type.children.begin(), type.children.end(),
                                  [](const Type* child) { return child && child->holds_handle; });
  return &types_.emplace_back(std::move(type));
}

const FuncType* TypeArena::add(FuncType type) {
  const auto param_type = [](const Param& param) { return param.type; };
  auto narrow = lay_out_parts(type.params, Width::W32, param_type);
  auto wide = lay_out_parts(type.params, Width::W64, param_type);
  if (!narrow || !wide) return nullptr;
  type.narrow = std::move(*narrow);
  type.wide = std::move(*wide);
  return &funcs_.emplace_back(std::move(type));
}

FlatSignature flatten(const FuncType& type, Context context, Width width) {
  FlatSignature out;
  std::vector<CoreType> params;
  for (const Param& param : type.params) append_flat(params, param.type->in(width).flat);
  const bool async_lower = context == Context::AsyncLower;
  if (params.size() > (async_lower ? kMaxFlatAsyncParams : kMaxFlatParams)) {
    out.params_in_memory = true;
    params = {pointer_type(width)};
  }
  out.core.params = std::move(params);
  switch (context) {
    case Context::Lift:
    case Context::Lower:
      if (!type.result) break;
      if (const auto& flat = type.result->in(width).flat; flat.size() <= kMaxFlatResults) {
        out.core.results = flat;
        break;
      }
      out.result_in_memory = true;
      (context == Context::Lower ? out.core.params : out.core.results)
          .push_back(pointer_type(width));
      break;
    case Context::AsyncLift: break;
    case Context::AsyncCallbackLift: out.core.results = {CoreType::I32}; break;
    case Context::AsyncLower:
      if (type.result) {
        out.result_in_memory = true;
        out.core.params.push_back(pointer_type(width));
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

const Type* find_part(const FuncType& type, const std::function<bool(const Type&)>& wanted) {
  std::set<const Type*> seen;
  for (const Param& param : type.params) {
    if (const Type* found = find_part(param.type, wanted, seen)) return found;
  }
  return find_part(type.result, wanted, seen);
}

bool same_resource(const ResourceType& a, const ResourceType& b) {
  return &a == &b || (a.name == b.name && track_of(a.interface_name) == track_of(b.interface_name));
}

bool equal_shape(const Type* a, const Type* b, const SameResource& same, unsigned depth) {
  if (a == b) return true;
  if (!a || !b || depth == 0) return false;
  if (a->kind != b->kind || a->labels != b->labels || a->length != b->length ||
      a->children.size() != b->children.size()) {
    return false;
  }
  if ((a->resource || b->resource) &&
      !(a->resource && b->resource && same(*a->resource, *b->resource)))
    return false;
  for (std::size_t i = 0; i < a->children.size(); ++i) {
    if (!equal_shape(a->children[i], b->children[i], same, depth - 1)) return false;
  }
  return true;
}

bool equal_shape(const FuncType& a, const FuncType& b, const SameResource& same) {
  if (a.params.size() != b.params.size() || a.async != b.async) return false;
  for (std::size_t i = 0; i < a.params.size(); ++i) {
    if (a.params[i].name != b.params[i].name ||
        !equal_shape(a.params[i].type, b.params[i].type, same))
      return false;
  }
  return equal_shape(a.result, b.result, same);
}

}  // namespace unbolt::component
