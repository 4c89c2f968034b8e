// The link plan of a component: everything that can be said about its instantiation before it
// happens.
//
// A component's definitions are static: which core module gets which import is known when the file
// is. The planner carries the definitions out symbolically, through nested components and
// instances, and leaves a flat list: core modules to be instantiated in order, each import bound to
// an export of an earlier one or to a function of the host.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/component/ast.h"
#include "unbolt/component/types.h"

namespace unbolt::component {

// A core function that the host provides: a lowered component function or a resource's built-in.
struct HostFuncRef {
  std::uint32_t index;  // into Plan::host_funcs
  auto operator<=>(const HostFuncRef&) const = default;
};
// An export of a core instance.
struct CoreExportRef {
  std::uint32_t instance;  // into Plan::steps
  std::string_view name;
  ast::CoreSort sort;
  auto operator<=>(const CoreExportRef&) const = default;
};
using CoreRef = std::variant<HostFuncRef, CoreExportRef>;

// Canonical options (CanonicalABI.md, "Canonical ABI Options"); memory and functions as slots.
struct Options {
  ast::StringEncoding encoding = ast::StringEncoding::Utf8;
  std::optional<std::uint32_t> memory, realloc, post_return, callback;
  bool async = false;
  Width width = Width::W32;  // of the memory
  bool operator==(const Options&) const = default;
};

// A core function lifted to a component function: what an export calls.
struct Lift {
  std::uint32_t core_func;  // slot
  Options options;
  const FuncType* type;
  std::uint32_t instance;  // the component instance it belongs to
  FlatSignature signature;

  Context context() const {
    return !options.async     ? Context::Lift
           : options.callback ? Context::AsyncCallbackLift
                              : Context::AsyncLift;
  }
};

// A function that the component imports.
struct ImportedFunc {
  std::string interface_name;  // empty: at the world's top level
  std::string name;
  const FuncType* type;
};

// A component function that is lowered to a core function: what an import calls.
struct Lowered {
  std::variant<std::uint32_t, const ImportedFunc*>
      target;  // a lift of the same component, or an import
  Options options;
  const FuncType* type;
  std::uint32_t instance;
  FlatSignature signature;
  // The target is a lift of the caller itself, of one it is nested in, or of one nested in it: such
  // a call traps.
  bool recursive = false;

  Context context() const { return options.async ? Context::AsyncLower : Context::Lower; }
};

// What the canonical ABI itself provides (CanonicalABI.md, "Canonical Definitions"); `instance` is
// the component instance that it is provided to.
struct ResourceBuiltin {
  ast::CanonResource::Op op;
  const ResourceType* resource;
  std::uint32_t instance;
};
inline constexpr std::size_t kContextSlots = 2;
struct ContextBuiltin {
  ast::CanonContext of;
  std::uint32_t instance;
};
struct BackpressureBuiltin {
  ast::CanonBackpressure::Op op;
  std::uint32_t instance;
};
struct TaskReturnBuiltin {
  const Type* result;  // null: none
  Options options;
  FlatSignature signature;
  std::uint32_t instance;
};
struct ErrorContextBuiltin {
  ast::CanonErrorContext::Op op;
  Options options;
  std::uint32_t instance;
};
// What this runtime does not carry out yet: it traps when it is called, where the host lets it come
// that far.
struct UnsupportedBuiltin {
  std::string name;
  CoreFuncType type;
  std::uint32_t instance;
};
using Builtin = std::variant<ResourceBuiltin, ContextBuiltin, BackpressureBuiltin,
                             TaskReturnBuiltin, ErrorContextBuiltin, UnsupportedBuiltin>;
using HostFunc = std::variant<Lowered, Builtin>;

// One core module to be instantiated.
struct Step {
  std::uint32_t module;          // into Plan::modules
  std::vector<CoreRef> imports;  // in the module's order
  std::vector<std::string>
      import_names;  // "module" "name" pairs, flattened, for the engine's linker
  // Not instantiated: what it would have done is done in its place (shim.h). Entries of a table are
  // filled with functions, then one is started.
  bool skipped = false;
  std::optional<CoreRef> table;
  std::vector<std::pair<std::uint32_t, CoreRef>> entries;
  std::optional<CoreRef> starts;
  // Of a shim: the core functions that some of its exports jump to, once the component is there.
  std::map<std::string_view, CoreRef> jumps;
};

// An exported function, with the path that leads to it.
struct ExportedFunc {
  std::string interface_name;  // empty: at the world's top level
  std::string name;
  std::variant<std::uint32_t, const ImportedFunc*> target;
  const FuncType* type;
  Width width = Width::W32;  // of the memory that its values lie in
};

// A resource under a name by which an exported interface has it; it may have several.
struct ExportedResource {
  std::string interface_name;  // empty: at the world's top level
  std::string name;
  const ResourceType* type;
};

struct ImportedInterface {
  std::string name;
  std::vector<const ImportedFunc*> funcs;
  std::vector<const ResourceType*> resources;
};

// Immutable. Looks into the component's bytes, which outlive it.
struct Plan {
  TypeArena types;
  std::shared_ptr<ast::Component> ast;
  std::vector<ast::CoreModule> modules;
  std::vector<Step> steps;
  std::vector<CoreRef> slots;  // core items that are needed at run time
  std::vector<HostFunc> host_funcs;
  std::vector<Lift> lifts;
  std::uint32_t component_instances = 0;

  std::vector<std::unique_ptr<ImportedFunc>> imported_funcs;
  std::vector<ImportedInterface> imports;
  std::vector<ExportedFunc> exports;
  std::vector<ExportedResource> exported_resources;
  std::vector<std::string> exported_interfaces;
  // Types by the names under which they are exported; a name may stand in several interfaces.
  struct TypeName {
    std::string interface_name;
    std::string name;
  };
  std::map<const Type*, TypeName> type_names;

  // What the component uses and this runtime does not carry out, by name: it can be inspected, not
  // linked (unless it is left to trap, linked_component.h).
  std::vector<std::string> unsupported;
  // False: what comes after the last of `unsupported` in the file is not in the plan.
  bool complete = true;
};

// Unsupported where the component uses what this runtime does not carry out, by name.
Result<std::unique_ptr<Plan>> make_plan(std::shared_ptr<ast::Component> component);

// The interfaces of a WIT package in its binary form: in `imports`, each with all its functions.
// Nothing to instantiate.
Result<std::unique_ptr<Plan>> read_wit_package(std::shared_ptr<ast::Component> package);

}  // namespace unbolt::component
