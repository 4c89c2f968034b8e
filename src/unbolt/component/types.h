// Interface types with everything resolved: what a value of the Component Model is, and how the
// canonical ABI lays it out.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/engine/module.h"

namespace unbolt::component {

using engine::CoreFuncType;
using engine::CoreType;

enum class TypeKind : std::uint8_t {
  Bool,
  S8,
  U8,
  S16,
  U16,
  S32,
  U32,
  S64,
  U64,
  F32,
  F64,
  Char,
  String,
  ErrorContext,
  Record,
  Variant,
  List,
  Map,
  Tuple,
  Flags,
  Enum,
  Option,
  Result,
  Own,
  Borrow,
  Stream,
  Future,
};

// A resource type by identity: two are the same if they are the same object.
struct ResourceType {
  // Where it comes from, for messages and linking: the import's name ("wasi:io/streams@0.2.0";
  // empty at a world's top level) and its own ("output-stream"). A resource that a component
  // defines has the name it was first exported by.
  std::string interface_name;
  std::string name;
  bool imported = false;
  std::uint32_t index = 0;  // among the component's resource types
  // Defined ones: the component instance that defines it, and its destructor's slot (plan.h).
  std::uint32_t instance = 0;
  std::optional<std::uint32_t> destructor;
};

// CanonicalABI.md: no more core values than these are passed in registers, the rest through memory.
inline constexpr std::size_t kMaxFlatParams = 16;
inline constexpr std::size_t kMaxFlatResults = 1;
inline constexpr std::size_t kMaxFlatAsyncParams = 4;  // of functions that are lowered `async`

// The width of a memory's addresses (CanonicalABI.md, `ptr_type`): strings, lists and maps lie
// differently.
enum class Width : std::uint8_t { W32, W64 };
inline constexpr std::uint32_t pointer_size(Width width) { return width == Width::W32 ? 4 : 8; }
inline constexpr CoreType pointer_type(Width width) {
  return width == Width::W32 ? CoreType::I32 : CoreType::I64;
}

// CanonicalABI.md, "Alignment", "Element Size" and "Flattening". `flat` stops growing when it has
// more than kMaxFlatParams entries: from there on it does not matter how many there are.
struct Layout {
  std::uint32_t size = 0;
  std::uint32_t alignment = 1;
  std::vector<CoreType> flat;
};

// Immutable once made; owned by a `TypeArena`.
struct Type {
  TypeKind kind = TypeKind::Bool;
  std::vector<std::string> labels;  // of fields, cases, flags, enumerators
  // Of fields, cases, elements; null: a case without a payload. Of a map: key, value, and the pair
  // of both.
  std::vector<const Type*> children;
  std::optional<std::uint32_t> length;     // of a fixed-length list
  const ResourceType* resource = nullptr;  // of handles

  Layout narrow, wide;  // in 32-bit memories, and in 64-bit ones
  const Layout& in(Width width) const { return width == Width::W32 ? narrow : wide; }
  // How deeply types are nested in it, itself included, and how many there are: what stands in it
  // twice counts twice. They bound whoever walks it.
  std::uint32_t depth = 1, parts = 1;
  // Whether it is or contains a stream or a future; a handle.
  bool holds_async = false, holds_handle = false;
};

struct Param {
  std::string name;
  const Type* type;
};

struct FuncType {
  std::vector<Param> params;
  const Type* result = nullptr;  // null: none
  bool async = false;
  // Of the parameters as a tuple in memory.
  Layout narrow, wide;
  const Layout& params_in(Width width) const { return width == Width::W32 ? narrow : wide; }
};

// Owns types; addresses are stable.
class TypeArena {
 public:
  // Computes the layout. Nullptr where the type is larger than a memory can hold.
  const Type* add(Type type);
  // Nullptr where the parameters are larger than a memory can hold.
  const FuncType* add(FuncType type);
  ResourceType* add(ResourceType type) {
    type.index = static_cast<std::uint32_t>(resources_.size());
    return &resources_.emplace_back(std::move(type));
  }
  const std::deque<ResourceType>& resources() const { return resources_; }

 private:
  std::deque<Type> types_;
  std::deque<FuncType> funcs_;
  std::deque<ResourceType> resources_;
};

inline constexpr std::uint32_t align_to(std::uint32_t offset, std::uint32_t alignment) {
  return (offset + alignment - 1) & ~(alignment - 1);
}
// Bytes of a variant's discriminant, and where its payload starts.
std::uint32_t discriminant_size(std::size_t cases);
std::uint32_t payload_offset(const Type& variant, Width width);
// The core type that holds either (CanonicalABI.md, "join").
CoreType join(CoreType a, CoreType b);

// The core signature of a function that is lowered (what a guest imports) or lifted (what a guest
// exports); CanonicalABI.md, "flatten_functype".
struct FlatSignature {
  CoreFuncType core;
  bool params_in_memory = false;
  bool result_in_memory = false;
};
enum class Context : std::uint8_t {
  Lift,
  Lower,
  AsyncLift,          // the result goes through `task.return`
  AsyncCallbackLift,  // and the core function returns what is to be done next
  AsyncLower,  // the result goes through memory, the core function returns the subtask's state
};
FlatSignature flatten(const FuncType& type, Context context, Width width = Width::W32);

// As it is written in WIT; `depth` bounds how far into nested types it looks.
std::string to_wit(const Type* type, unsigned depth = 6);
std::string to_wit(const FuncType& type);

// The first of the types that a function's are made of which is `wanted`; null where none is. Looks
// at each once, however often it stands there.
const Type* find_part(const FuncType& type, const std::function<bool(const Type&)>& wanted);

// Whether two resources, each of its own side, stand for the same.
using SameResource = std::function<bool(const ResourceType& a, const ResourceType& b)>;
// By interface (without its version) and name.
bool same_resource(const ResourceType& a, const ResourceType& b);

// The same shape, with the same labels.
bool equal_shape(const Type* a, const Type* b, const SameResource& same = same_resource,
                 unsigned depth = 64);
bool equal_shape(const FuncType& a, const FuncType& b, const SameResource& same = same_resource);

}  // namespace unbolt::component
