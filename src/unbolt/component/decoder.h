// Bytes of a component → its definitions.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/component/ast.h"

namespace unbolt::component {

// What a file starts with.
enum class FileKind : std::uint8_t { Component, CoreModule, Other };
FileKind file_kind(ByteView bytes);

// Decodes a component (Binary.md). The result looks into `bytes`, which outlive it. Linear in their
// size; nesting is bounded. It does not validate: `validate` does, and comes first where the bytes
// are not trusted.
Result<std::shared_ptr<ast::Component>> decode(ByteView bytes);

// The reference validator over the whole file; InvalidFile with the offset and the reason.
// `bodies`: those of core functions too (the engine checks them again when it compiles them).
enum class Bodies : std::uint8_t { Check, Skip };
Result<> validate(ByteView bytes, Bodies bodies);

// Makes a component of a core module that is a WASI preview1 command; InvalidFile where it is none.
Result<Bytes> componentize_command(ByteView module);

// Imports and exports of a core module (core specification, section 5.5).
struct CoreModuleInterface {
  struct Item {
    std::string_view module;  // imports only
    std::string_view name;
    ast::CoreSort sort;
    bool memory64 = false;  // of a memory: its addresses have 64 bits
  };
  std::vector<Item> imports;
  std::vector<Item> exports;
};
Result<CoreModuleInterface> core_interface(ByteView module);

}  // namespace unbolt::component
