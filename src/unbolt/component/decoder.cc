#include "unbolt/component/decoder.h"

#include <unbolt_native.h>

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "unbolt/component/binary_reader.h"

namespace unbolt::component {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic{0x00, 0x61, 0x73, 0x6d};
constexpr unsigned kMaxNesting = 100;

using ast::CoreSort;
using ast::Sort;

// core:sort ::= 0x00 func | 0x01 table | 0x02 memory | 0x03 global | 0x04 tag | 0x10 type | 0x11
// module | 0x12 instance
CoreSort core_sort(BinaryReader& in) {
  switch (const auto b = in.byte()) {
    case 0x00:
    case 0x20: return CoreSort::Func;  // 0x20: of exactly its type, where it is given a type
    case 0x01: return CoreSort::Table;
    case 0x02: return CoreSort::Memory;
    case 0x03: return CoreSort::Global;
    case 0x04: return CoreSort::Tag;
    case 0x10: return CoreSort::Type;
    case 0x11: return CoreSort::Module;
    case 0x12: return CoreSort::Instance;
    default: in.fail(fmt::format("unknown core sort {:#04x}", b));
  }
}

// sort ::= 0x00 core:sort | 0x01 func | 0x02 value | 0x03 type | 0x04 component | 0x05 instance
Sort sort(BinaryReader& in) {
  switch (const auto b = in.byte()) {
    case 0x00: return static_cast<Sort>(core_sort(in));
    case 0x01: return Sort::Func;
    case 0x02: return Sort::Value;
    case 0x03: return Sort::Type;
    case 0x04: return Sort::Component;
    case 0x05: return Sort::Instance;
    default: in.fail(fmt::format("unknown sort {:#04x}", b));
  }
}

// importname', exportname' ::= 0x00 name | 0x01 name | 0x02 name vec(option)
std::string_view extern_name(BinaryReader& in) {
  const auto form = in.byte();
  if (form > 0x02) in.fail("unknown form of a name");
  const std::string_view name = in.name();
  if (form == 0x02) {
    for (std::uint32_t n = in.count(); n > 0; --n) {
      in.byte();  // implements, version suffix or external id: hints for tools
      in.name();
    }
  }
  return name;
}

// primvaltype
std::optional<ast::Primitive> primitive(std::uint8_t b) {
  using enum ast::Primitive;
  switch (b) {
    case 0x7f: return Bool;
    case 0x7e: return S8;
    case 0x7d: return U8;
    case 0x7c: return S16;
    case 0x7b: return U16;
    case 0x7a: return S32;
    case 0x79: return U32;
    case 0x78: return S64;
    case 0x77: return U64;
    case 0x76: return F32;
    case 0x75: return F64;
    case 0x74: return Char;
    case 0x73: return String;
    case 0x64: return ErrorContext;
    default: return std::nullopt;
  }
}

ast::ValType val_type(BinaryReader& in) {
  if (const auto p = primitive(in.peek())) {
    in.byte();
    return *p;
  }
  const std::int64_t index = in.s33();
  if (index < 0 || index > UINT32_MAX) in.fail("unknown value type");
  return static_cast<std::uint32_t>(index);
}

// <T>? ::= 0x00 | 0x01 T
std::optional<ast::ValType> optional_val_type(BinaryReader& in) {
  switch (in.byte()) {
    case 0x00: return std::nullopt;
    case 0x01: return val_type(in);
    default: in.fail("expected 0 or 1 before an optional type");
  }
}

template <class T, class Read>
std::vector<T> list_of(BinaryReader& in, Read read) {
  const std::uint32_t n = in.count();
  std::vector<T> items;
  // What is claimed need not be there: nested lists may each claim all the rest of the file.
  items.reserve(std::min<std::uint32_t>(n, 64));
  for (std::uint32_t i = 0; i < n; ++i) items.push_back(read(in));
  return items;
}

ast::Label labelled(BinaryReader& in) {
  const auto name = in.name();
  return {name, val_type(in)};
}

// case ::= label' t?:<valtype>? 0x00
ast::Label variant_case(BinaryReader& in) {
  ast::Label item{in.name(), optional_val_type(in)};
  if (in.byte() != 0x00) in.fail("a case that refines another");
  return item;
}

// resultlist ::= 0x00 t:<valtype> | 0x01 0x00
std::optional<ast::ValType> result_list(BinaryReader& in) {
  switch (in.byte()) {
    case 0x00: return val_type(in);
    case 0x01:
      if (in.byte() == 0x00) return std::nullopt;
      [[fallthrough]];
    default: in.fail("named results");
  }
}

// externdesc
ast::ExternDesc extern_desc(BinaryReader& in) {
  using Kind = ast::ExternDesc::Kind;
  switch (const auto b = in.byte()) {
    case 0x00:
      if (in.byte() != 0x11) in.fail("expected a core module");
      return {Kind::CoreModule, in.u32()};
    case 0x01: return {Kind::Func, in.u32()};
    case 0x02:
      if (in.byte() == 0x00) {
        in.u32();
      } else {
        val_type(in);
      }
      return {Kind::Value, 0};
    case 0x03:
      switch (in.byte()) {
        case 0x00: return {Kind::TypeEq, in.u32()};
        case 0x01: return {Kind::TypeSubResource, 0};
        default: in.fail("unknown type bound");
      }
    case 0x04: return {Kind::Component, in.u32()};
    case 0x05: return {Kind::Instance, in.u32()};
    default: in.fail(fmt::format("unknown kind of import or export {:#04x}", b));
  }
}

// alias ::= s:<sort> 0x00 i:<instanceidx> n:<name> | s:<sort> 0x01 i:<core:instanceidx> n |
// s:<sort> 0x02 ct idx
ast::Alias alias(BinaryReader& in) {
  ast::Alias item{};
  item.sort = sort(in);
  switch (in.byte()) {
    case 0x00:
      item.target = ast::Alias::Target::Export;
      item.instance = in.u32();
      item.name = in.name();
      return item;
    case 0x01:
      item.target = ast::Alias::Target::CoreExport;
      item.instance = in.u32();
      item.name = in.name();
      return item;
    case 0x02:
      item.target = ast::Alias::Target::Outer;
      item.outer_count = in.u32();
      item.outer_index = in.u32();
      return item;
    default: in.fail("unknown target of an alias");
  }
}

// limits; true where they are those of 64-bit addresses.
bool skip_core_limits(BinaryReader& in) {
  const auto flags = in.byte();
  in.u64();
  if (flags & 0x01) in.u64();
  if (flags & 0x08) in.u32();
  return (flags & 0x04) != 0;
}

void skip_core_val_type(BinaryReader& in) {
  const auto b = in.byte();
  if (b == 0x63 || b == 0x64) {  // (ref null? ht)
    if (in.peek() == 0x65) in.byte();
    in.s33();
  }
}

// importdesc of the core specification, without the kind byte in front
void skip_core_desc(BinaryReader& in, CoreSort kind) {
  switch (kind) {
    case CoreSort::Func: in.u32(); break;
    case CoreSort::Table:
      skip_core_val_type(in);
      skip_core_limits(in);
      break;
    case CoreSort::Memory: skip_core_limits(in); break;
    case CoreSort::Global:
      skip_core_val_type(in);
      in.byte();
      break;
    case CoreSort::Tag:
      in.byte();
      in.u32();
      break;
    default: in.fail("unknown kind of core import");
  }
}

void skip_core_field(BinaryReader& in) {
  if (in.peek() == 0x78 || in.peek() == 0x77) {
    in.byte();
  } else {
    skip_core_val_type(in);
  }
  in.byte();  // mutability
}

void skip_core_sub_type(BinaryReader& in) {
  auto form = in.byte();
  if (form == 0x50 || form == 0x4f) {
    for (std::uint32_t n = in.count(); n > 0; --n) in.u32();
    form = in.byte();
  }
  if (form == 0x65) form = in.byte();  // shared
  switch (form) {
    case 0x60:
      for (int list = 0; list < 2; ++list) {
        for (std::uint32_t n = in.count(); n > 0; --n) skip_core_val_type(in);
      }
      break;
    case 0x5f:
      for (std::uint32_t n = in.count(); n > 0; --n) skip_core_field(in);
      break;
    case 0x5e: skip_core_field(in); break;
    default: in.fail("unknown core type");
  }
}

// core:deftype: a module type (0x50), a recursion group (0x4e), a sub type that is not final (0x00
// 0x50) or any other
void skip_core_type(BinaryReader& in, unsigned depth) {
  if (depth > kMaxNesting) in.fail("types nested too deeply");
  if (in.peek() == 0x00) {
    in.byte();
    skip_core_sub_type(in);
  } else if (in.peek() == 0x4e) {
    in.byte();
    for (std::uint32_t n = in.count(); n > 0; --n) skip_core_sub_type(in);
  } else if (in.peek() == 0x50) {
    in.byte();
    for (std::uint32_t n = in.count(); n > 0; --n) {
      switch (in.byte()) {
        case 0x00: {  // import
          in.name();
          in.name();
          const auto kind = core_sort(in);
          skip_core_desc(in, kind);
          break;
        }
        case 0x01: skip_core_type(in, depth + 1); break;
        case 0x02:  // outer alias
          in.byte();
          in.byte();
          in.u32();
          in.u32();
          break;
        case 0x03: {  // export
          in.name();
          const auto kind = core_sort(in);
          skip_core_desc(in, kind);
          break;
        }
        default: in.fail("unknown declaration of a core module type");
      }
    }
  } else {
    skip_core_sub_type(in);
  }
}

std::shared_ptr<ast::TypeDef> type_def(BinaryReader& in, unsigned depth);

// instancedecl, and importdecl (0x03) in component types
ast::Declaration declaration(BinaryReader& in, unsigned depth) {
  switch (in.byte()) {
    case 0x00: skip_core_type(in, depth); return ast::CoreType{};
    case 0x01: return type_def(in, depth + 1);
    case 0x02: return alias(in);
    case 0x03: {
      const auto name = extern_name(in);
      return ast::ImportDecl{name, extern_desc(in)};
    }
    case 0x04: {
      const auto name = extern_name(in);
      return ast::ExportDecl{name, extern_desc(in)};
    }
    default: in.fail("unknown declaration of a type");
  }
}

// type ::= defvaltype | functype | componenttype | instancetype | resourcetype
std::shared_ptr<ast::TypeDef> type_def(BinaryReader& in, unsigned depth) {
  if (depth > kMaxNesting) in.fail("types nested too deeply");
  const auto make = [](auto of) { return std::make_shared<ast::TypeDef>(std::move(of)); };
  if (primitive(in.peek())) return make(val_type(in));
  const auto declare = [depth](BinaryReader& r) { return declaration(r, depth); };
  switch (const auto b = in.byte()) {
    case 0x72: return make(ast::Record{list_of<ast::Label>(in, labelled)});
    case 0x71: return make(ast::Variant{list_of<ast::Label>(in, variant_case)});
    case 0x70: return make(ast::List{val_type(in), std::nullopt});
    case 0x67: {
      const auto element = val_type(in);
      return make(ast::List{element, in.u32()});
    }
    case 0x63: {
      const auto key = val_type(in);
      return make(ast::Map{key, val_type(in)});
    }
    case 0x6f: return make(ast::Tuple{list_of<ast::ValType>(in, val_type)});
    case 0x6e:
      return make(
          ast::Flags{list_of<std::string_view>(in, [](BinaryReader& r) { return r.name(); })});
    case 0x6d:
      return make(
          ast::Enum{list_of<std::string_view>(in, [](BinaryReader& r) { return r.name(); })});
    case 0x6b: return make(ast::Option{val_type(in)});
    case 0x6a: {
      const auto ok = optional_val_type(in);
      return make(ast::ResultOf{ok, optional_val_type(in)});
    }
    case 0x69: return make(ast::Own{in.u32()});
    case 0x68: return make(ast::Borrow{in.u32()});
    case 0x66: return make(ast::Stream{optional_val_type(in)});
    case 0x65: return make(ast::Future{optional_val_type(in)});
    case 0x40:
    case 0x43: {
      ast::Func func;
      func.async = b == 0x43;
      func.params = list_of<ast::Label>(in, labelled);
      func.result = result_list(in);
      return make(std::move(func));
    }
    case 0x41: return make(ast::ComponentType{list_of<ast::Declaration>(in, declare)});
    case 0x42: return make(ast::InstanceType{list_of<ast::Declaration>(in, declare)});
    case 0x3f: {
      if (const auto rep = in.byte(); rep == 0x7e) {
        in.unsupported("resources that are represented as i64 are not carried out here");
      } else if (rep != 0x7f) {
        in.fail("a resource that is not represented as i32");
      }
      ast::Resource resource;
      switch (in.byte()) {
        case 0x00: break;
        case 0x01: resource.destructor = in.u32(); break;
        default: in.fail("expected 0 or 1 before a destructor");
      }
      return make(resource);
    }
    default: in.fail(fmt::format("unknown type {:#04x}", b));
  }
}

ast::CanonOptions canon_options(BinaryReader& in) {
  ast::CanonOptions options;
  for (std::uint32_t n = in.count(); n > 0; --n) {
    switch (const auto b = in.byte()) {
      case 0x00: options.encoding = ast::StringEncoding::Utf8; break;
      case 0x01: options.encoding = ast::StringEncoding::Utf16; break;
      case 0x02: options.encoding = ast::StringEncoding::Latin1Utf16; break;
      case 0x03: options.memory = in.u32(); break;
      case 0x04: options.realloc = in.u32(); break;
      case 0x05: options.post_return = in.u32(); break;
      case 0x06: options.async = true; break;
      case 0x07: options.callback = in.u32(); break;
      case 0x08: in.u32(); break;  // the core type, for garbage-collected values
      default: in.fail(fmt::format("unknown canonical option {:#04x}", b));
    }
  }
  return options;
}

// The type of a slot of a thread's storage: i32 or i64.
bool context_is_64(BinaryReader& in) {
  switch (in.byte()) {
    case 0x7f: return false;
    case 0x7e: return true;
    default: in.fail("unknown type of a context slot");
  }
}

// The built-ins of asynchronous components and of threads: read past their immediates, and keep the
// name for the error message and the core type for linking.
ast::CanonUnsupported unsupported_canon(BinaryReader& in, std::uint8_t code) {
  const auto type = [&] { in.u32(); };
  const auto flag = [&] { in.byte(); };  // async, shared or cancellable
  const auto flag_and_memory = [&] {
    in.byte();
    in.u32();
  };
  const auto type_and_flag = [&] {
    in.u32();
    in.byte();
  };
  const auto type_and_options = [&] {
    in.u32();
    canon_options(in);
  };
  switch (code) {
    case 0x05: return {"task.cancel", ":"};
    case 0x06: flag(); return {"subtask.cancel", "i:i"};
    case 0x0c: flag(); return {"thread.yield", ":i"};
    case 0x0d: return {"subtask.drop", "i:"};
    case 0x0e: type(); return {"stream.new", ":I"};
    case 0x0f: type_and_options(); return {"stream.read", "iii:i"};
    case 0x10: type_and_options(); return {"stream.write", "iii:i"};
    case 0x11: type_and_flag(); return {"stream.cancel-read", "i:i"};
    case 0x12: type_and_flag(); return {"stream.cancel-write", "i:i"};
    case 0x13: type(); return {"stream.drop-readable", "i:"};
    case 0x14: type(); return {"stream.drop-writable", "i:"};
    case 0x15: type(); return {"future.new", ":I"};
    case 0x16: type_and_options(); return {"future.read", "ii:i"};
    case 0x17: type_and_options(); return {"future.write", "ii:i"};
    case 0x18: type_and_flag(); return {"future.cancel-read", "i:i"};
    case 0x19: type_and_flag(); return {"future.cancel-write", "i:i"};
    case 0x1a: type(); return {"future.drop-readable", "i:"};
    case 0x1b: type(); return {"future.drop-writable", "i:"};
    case 0x1f: return {"waitable-set.new", ":i"};
    case 0x20: flag_and_memory(); return {"waitable-set.wait", "ii:i"};
    case 0x21: flag_and_memory(); return {"waitable-set.poll", "ii:i"};
    case 0x22: return {"waitable-set.drop", "i:"};
    case 0x23: return {"waitable.join", "ii:"};
    case 0x26: return {"thread.index", ":i"};
    case 0x27:
      in.u32();
      in.u32();
      return {"thread.new-indirect", "ii:i"};
    case 0x28: return {"thread.resume-later", "i:"};
    case 0x29: flag(); return {"thread.suspend", ":i"};
    case 0x2a: flag(); return {"thread.suspend-then-resume", "i:i"};
    case 0x2b: flag(); return {"thread.yield-then-resume", "i:i"};
    case 0x2c: flag(); return {"thread.suspend-then-promote", "i:i"};
    case 0x2d: flag(); return {"thread.yield-then-promote", "i:i"};
    default: in.fail(fmt::format("unknown canonical function {:#04x}", code));
  }
}

ast::Definition canon(BinaryReader& in) {
  const auto code = in.byte();
  switch (code) {
    case 0x00: {
      if (in.byte() != 0x00) in.fail("unknown form of canon lift");
      ast::CanonLift lift{};
      lift.core_func = in.u32();
      lift.options = canon_options(in);
      lift.type = in.u32();
      return lift;
    }
    case 0x01: {
      if (in.byte() != 0x00) in.fail("unknown form of canon lower");
      ast::CanonLower lower{};
      lower.func = in.u32();
      lower.options = canon_options(in);
      return lower;
    }
    case 0x02: return ast::CanonResource{ast::CanonResource::Op::New, in.u32()};
    case 0x03: return ast::CanonResource{ast::CanonResource::Op::Drop, in.u32()};
    case 0x04: return ast::CanonResource{ast::CanonResource::Op::Rep, in.u32()};
    case 0x09: {
      const auto result = result_list(in);
      return ast::CanonTaskReturn{result, canon_options(in)};
    }
    case 0x0a: {
      const bool is_64 = context_is_64(in);
      return ast::CanonContext{ast::CanonContext::Op::Get, is_64, in.u32()};
    }
    case 0x0b: {
      const bool is_64 = context_is_64(in);
      return ast::CanonContext{ast::CanonContext::Op::Set, is_64, in.u32()};
    }
    case 0x1c: return ast::CanonErrorContext{ast::CanonErrorContext::Op::New, canon_options(in)};
    case 0x1d:
      return ast::CanonErrorContext{ast::CanonErrorContext::Op::DebugMessage, canon_options(in)};
    case 0x1e: return ast::CanonErrorContext{ast::CanonErrorContext::Op::Drop, {}};
    case 0x24: return ast::CanonBackpressure{ast::CanonBackpressure::Op::Inc};
    case 0x25: return ast::CanonBackpressure{ast::CanonBackpressure::Op::Dec};
    default: return unsupported_canon(in, code);
  }
}

// core:instance ::= 0x00 m:<moduleidx> vec(name 0x12 instanceidx) | 0x01 vec(name core:sortidx)
ast::Definition core_instance(BinaryReader& in) {
  switch (in.byte()) {
    case 0x00: {
      ast::CoreInstantiate item{in.u32(), {}};
      item.arguments = list_of<ast::CoreArgument>(in, [](BinaryReader& r) {
        const auto name = r.name();
        if (r.byte() != 0x12) r.fail("expected an instance");
        return ast::CoreArgument{name, r.u32()};
      });
      return item;
    }
    case 0x01:
      return ast::CoreInlineInstance{list_of<ast::CoreExportItem>(in, [](BinaryReader& r) {
        const auto name = r.name();
        const auto kind = core_sort(r);
        return ast::CoreExportItem{name, kind, r.u32()};
      })};
    default: in.fail("unknown form of core instance");
  }
}

// instance ::= 0x00 c:<componentidx> vec(name sortidx) | 0x01 vec(exportname' sortidx)
ast::Definition instance(BinaryReader& in) {
  switch (in.byte()) {
    case 0x00: {
      ast::Instantiate item{in.u32(), {}};
      item.arguments = list_of<ast::Argument>(in, [](BinaryReader& r) {
        const auto name = r.name();
        const auto kind = sort(r);
        return ast::Argument{name, kind, r.u32()};
      });
      return item;
    }
    case 0x01:
      return ast::InlineInstance{list_of<ast::Argument>(in, [](BinaryReader& r) {
        const auto name = extern_name(r);
        const auto kind = sort(r);
        return ast::Argument{name, kind, r.u32()};
      })};
    default: in.fail("unknown form of instance");
  }
}

ast::Definition export_item(BinaryReader& in) {
  ast::Export item{};
  item.name = extern_name(in);
  item.sort = sort(in);
  item.index = in.u32();
  switch (in.byte()) {
    case 0x00: break;
    case 0x01: item.ascribed = extern_desc(in); break;
    default: in.fail("expected 0 or 1 before a type");
  }
  return item;
}

FileKind preamble(BinaryReader& in) {
  for (const auto expected : kMagic) {
    if (in.byte() != expected) in.fail("not a WebAssembly file");
  }
  const unsigned version = in.byte() | (in.byte() << 8);
  const unsigned layer = in.byte() | (in.byte() << 8);
  if (layer == 0 && version == 1) return FileKind::CoreModule;
  if (layer == 1 && version == 0x0d) return FileKind::Component;
  in.fail(fmt::format("unknown version {:#x} of layer {}", version, layer));
}

std::shared_ptr<ast::Component> component(BinaryReader& in, unsigned depth) {
  if (depth > kMaxNesting) in.fail("components nested too deeply");
  if (preamble(in) != FileKind::Component) in.fail("not a component");
  auto result = std::make_shared<ast::Component>();
  auto& definitions = result->definitions;
  while (!in.at_end()) {
    const auto id = in.byte();
    const auto size = in.u32();
    const auto start = in.offset();
    BinaryReader section = in.part(size);
    const auto each = [&](auto read) {
      for (std::uint32_t n = section.count(); n > 0; --n) definitions.push_back(read(section));
      if (!section.at_end()) section.fail("bytes left at the end of a section");
    };
    switch (id) {
      case 0: {
        const auto name = section.name();
        const auto at = section.offset() - start;
        result->customs.push_back({name, section.bytes(size - at)});
        break;
      }
      case 1: definitions.push_back(ast::CoreModule{section.bytes(size), start}); break;
      case 2: each(core_instance); break;
      case 3:
        each([&](BinaryReader& r) {
          skip_core_type(r, 0);
          return ast::CoreType{};
        });
        break;
      case 4: definitions.push_back(component(section, depth + 1)); break;
      case 5: each(instance); break;
      case 6: each(alias); break;
      case 7: each([](BinaryReader& r) { return type_def(r, 0); }); break;
      case 8: each(canon); break;
      case 9: section.fail("component start functions are not supported"); break;
      case 10:
        each([](BinaryReader& r) {
          const auto name = extern_name(r);
          return ast::Import{name, extern_desc(r)};
        });
        break;
      case 11: each(export_item); break;
      case 12: section.fail("component values are not supported"); break;
      default: in.fail(fmt::format("unknown section {}", id));
    }
  }
  return result;
}

}  // namespace

FileKind file_kind(ByteView bytes) {
  try {
    BinaryReader in(bytes);
    return preamble(in);
  } catch (const DecodeError&) {
    return FileKind::Other;
  }
}

Result<std::shared_ptr<ast::Component>> decode(ByteView bytes) {
  try {
    BinaryReader in(bytes);
    return component(in, 0);
  } catch (const DecodeError& e) {
    return fail(e.code, "{} (at offset {:#x})", e.message, e.offset);
  }
}

Result<> validate(ByteView bytes, Bodies bodies) {
  std::size_t offset = 0;
  char* message = nullptr;
  if (unbolt_validate(bytes.data(), bytes.size(), bodies == Bodies::Check, &offset, &message))
    return {};
  auto error =
      fail(ErrorCode::InvalidFile, "{} (at offset {:#x})", message ? message : "unknown", offset);
  unbolt_string_delete(message);
  return error;
}

Result<Bytes> componentize_command(ByteView module) {
  std::uint8_t* out = nullptr;
  std::size_t length = 0;
  char* message = nullptr;
  if (unbolt_componentize_command(module.data(), module.size(), &out, &length, &message)) {
    Bytes component(out, out + length);
    unbolt_bytes_delete(out, length);
    return component;
  }
  auto error = fail(ErrorCode::InvalidFile, "{}", message ? message : "unknown");
  unbolt_string_delete(message);
  return error;
}

Result<CoreModuleInterface> core_interface(ByteView module) {
  try {
    BinaryReader in(module);
    if (preamble(in) != FileKind::CoreModule) in.fail("not a core module");
    CoreModuleInterface result;
    std::vector<bool> memories;  // whether they are 64-bit
    while (!in.at_end()) {
      const auto id = in.byte();
      BinaryReader section = in.part(in.u32());
      if (id == 2) {
        for (std::uint32_t n = section.count(); n > 0; --n) {
          const auto module_name = section.name();
          const auto name = section.name();
          const auto kind = core_sort(section);
          bool memory64 = false;
          if (kind == CoreSort::Memory) {
            memory64 = skip_core_limits(section);
            memories.push_back(memory64);
          } else {
            skip_core_desc(section, kind);
          }
          result.imports.push_back({module_name, name, kind, memory64});
        }
      } else if (id == 5) {
        for (std::uint32_t n = section.count(); n > 0; --n)
          memories.push_back(skip_core_limits(section));
      } else if (id == 7) {
        for (std::uint32_t n = section.count(); n > 0; --n) {
          const auto name = section.name();
          const auto kind = core_sort(section);
          const auto index = section.u32();
          result.exports.push_back(
              {{},
               name,
               kind,
               kind == CoreSort::Memory && index < memories.size() && memories[index]});
        }
      }
    }
    return result;
  } catch (const DecodeError& e) {
    return fail(ErrorCode::InvalidFile, "{} (at offset {:#x} of the core module)", e.message,
                e.offset);
  }
}

}  // namespace unbolt::component
