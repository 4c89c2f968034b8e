// What stands in a component's file: its definitions, in order, with their index spaces still
// unresolved (Binary.md). Values; names and module bytes are views into the file's bytes, which
// outlive them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "unbolt/base/bytes.h"

namespace unbolt::component::ast {

enum class CoreSort : std::uint8_t { Func, Table, Memory, Global, Tag, Type, Module, Instance };
enum class Sort : std::uint8_t {
  CoreFunc,
  CoreTable,
  CoreMemory,
  CoreGlobal,
  CoreTag,
  CoreType,
  CoreModule,
  CoreInstance,
  Func,
  Value,
  Type,
  Component,
  Instance
};

enum class Primitive : std::uint8_t {
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
  ErrorContext
};

// valtype: a primitive, or an index into the type space.
using ValType = std::variant<Primitive, std::uint32_t>;

struct Label {
  std::string_view name;
  std::optional<ValType> type;
};

struct Record {
  std::vector<Label> fields;
};
struct Variant {
  std::vector<Label> cases;
};
struct List {
  ValType element;
  std::optional<std::uint32_t> length;
};
struct Map {
  ValType key, value;
};
struct Tuple {
  std::vector<ValType> elements;
};
struct Flags {
  std::vector<std::string_view> labels;
};
struct Enum {
  std::vector<std::string_view> labels;
};
struct Option {
  ValType element;
};
struct ResultOf {
  std::optional<ValType> ok, error;
};
struct Own {
  std::uint32_t type;
};
struct Borrow {
  std::uint32_t type;
};
struct Stream {
  std::optional<ValType> element;
};
struct Future {
  std::optional<ValType> element;
};
struct Func {
  std::vector<Label> params;
  std::optional<ValType> result;
  bool async = false;
};
struct Resource {
  std::optional<std::uint32_t> destructor;
};

// typebound and externdesc.
struct ExternDesc {
  enum class Kind : std::uint8_t {
    CoreModule,
    Func,
    Value,
    TypeEq,
    TypeSubResource,
    Component,
    Instance
  } kind;
  std::uint32_t index = 0;  // of a type; unused for Value and TypeSubResource
};

struct ImportDecl {
  std::string_view name;
  ExternDesc desc;
};
struct ExportDecl {
  std::string_view name;
  ExternDesc desc;
};

struct Alias {
  enum class Target : std::uint8_t { Export, CoreExport, Outer } target;
  Sort sort;
  std::uint32_t instance = 0;  // Export, CoreExport
  std::string_view name;
  std::uint32_t outer_count = 0, outer_index = 0;  // Outer
};

struct TypeDef;
struct CoreType {};  // of modules that are imported; the engine checks what is given for them
using Declaration = std::variant<CoreType, std::shared_ptr<TypeDef>, Alias, ImportDecl, ExportDecl>;
struct ComponentType {
  std::vector<Declaration> declarations;
};
struct InstanceType {
  std::vector<Declaration> declarations;
};

struct TypeDef {
  std::variant<ValType, Record, Variant, List, Map, Tuple, Flags, Enum, Option, ResultOf, Own,
               Borrow, Stream, Future, Func, Resource, ComponentType, InstanceType>
      of;
};

struct CoreModule {
  ByteView bytes;
  std::size_t offset;
};
struct CoreArgument {
  std::string_view name;
  std::uint32_t instance;
};
struct CoreInstantiate {
  std::uint32_t module;
  std::vector<CoreArgument> arguments;
};
struct CoreExportItem {
  std::string_view name;
  CoreSort sort;
  std::uint32_t index;
};
struct CoreInlineInstance {
  std::vector<CoreExportItem> exports;
};

struct Argument {
  std::string_view name;
  Sort sort;
  std::uint32_t index;
};
struct Instantiate {
  std::uint32_t component;
  std::vector<Argument> arguments;
};
struct InlineInstance {
  std::vector<Argument> exports;
};

enum class StringEncoding : std::uint8_t { Utf8, Utf16, Latin1Utf16 };

struct CanonOptions {
  StringEncoding encoding = StringEncoding::Utf8;
  std::optional<std::uint32_t> memory, realloc, post_return, callback;
  bool async = false;
};
struct CanonLift {
  std::uint32_t core_func;
  CanonOptions options;
  std::uint32_t type;
};
struct CanonLower {
  std::uint32_t func;
  CanonOptions options;
};
struct CanonResource {
  enum class Op : std::uint8_t { New, Drop, Rep } op;
  std::uint32_t type;
};
// The storage of the current thread.
struct CanonContext {
  enum class Op : std::uint8_t { Get, Set } op;
  bool is_64 = false;  // i64, else i32
  std::uint32_t slot = 0;
};
struct CanonBackpressure {
  enum class Op : std::uint8_t { Inc, Dec } op;
};
struct CanonTaskReturn {
  std::optional<ValType> result;
  CanonOptions options;
};
struct CanonErrorContext {
  enum class Op : std::uint8_t { New, DebugMessage, Drop } op;
  CanonOptions options;  // of a drop: none
};
// A canonical built-in that this runtime does not carry out yet; reported by name when the
// component is loaded. `signature` has a letter a core value, I for i64 and i for i32: parameters,
// a colon, results.
struct CanonUnsupported {
  std::string_view name;
  std::string_view signature;
};

struct Import {
  std::string_view name;
  ExternDesc desc;
};
struct Export {
  std::string_view name;
  Sort sort;
  std::uint32_t index;
  std::optional<ExternDesc> ascribed;  // the type that it is exported with, where that is written
};

struct Component;
using Definition = std::variant<CoreModule, CoreInstantiate, CoreInlineInstance, CoreType,
                                std::shared_ptr<Component>, Instantiate, InlineInstance, Alias,
                                std::shared_ptr<TypeDef>, CanonLift, CanonLower, CanonResource,
                                CanonContext, CanonBackpressure, CanonTaskReturn, CanonErrorContext,
                                CanonUnsupported, Import, Export>;

struct CustomSection {
  std::string_view name;
  ByteView bytes;
};

struct Component {
  std::vector<Definition> definitions;
  std::vector<CustomSection> customs;
};

}  // namespace unbolt::component::ast
