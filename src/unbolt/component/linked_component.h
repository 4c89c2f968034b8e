// A component that is ready to be instantiated: compiled, planned, and each of its imports bound to
// the host.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/component/fusion.h"
#include "unbolt/component/handle_table.h"
#include "unbolt/component/host_interface.h"
#include "unbolt/component/plan.h"
#include "unbolt/engine/compiled_cache.h"
#include "unbolt/engine/module.h"

namespace unbolt::component {

class LinkedComponent;

// What a lowered function needs to know at a call; the `env` of its engine callback. Addresses are
// stable.
struct LoweredFunc {
  const LinkedComponent* component;
  const Lowered* lowered;
  // Null where the target is a lift of the same component.
  const ImportedFunc* import;
  const HostFunction* host;
};
struct BuiltinFunc {
  const LinkedComponent* component;
  const Builtin* builtin;
};

// A component's file, decoded and planned; not compiled, not linked. Immutable, shared by all
// threads.
class ComponentFile {
 public:
  // Validates (unless `trusted` says that these bytes have been before), decodes and plans.
  enum class Checked : std::uint8_t { No, Before };
  static Result<std::shared_ptr<const ComponentFile>> load(Bytes bytes,
                                                           Checked checked = Checked::No);

  ByteView bytes() const { return bytes_; }
  const Plan& plan() const { return *plan_; }

 private:
  ComponentFile() = default;
  Bytes bytes_;
  std::unique_ptr<Plan> plan_;
};

// What is bound to an import in the place of the host's function, which outlives it; nothing: that
// itself. It takes the same type.
using Substitute = std::function<std::optional<HostFunction>(
    const ImportedFunc& import, const HostFunction& host, const ResourceIds& ids)>;

struct CompileOptions {
  // What to do with a component that uses what this runtime does not carry out: nothing, or to run
  // it until it comes to that, and let it trap there.
  enum class Unsupported : std::uint8_t {
    Refuse,
    TrapWhenReached
  } unsupported = Unsupported::Refuse;
  // Whether core modules are compiled as one where nobody can tell (fusion.h). Apart, code that
  // several components or revisions of one have in common is compiled once, also where there is
  // much data beside it (engine/split_module.h).
  enum class Modules { Fused, Apart } modules = Modules::Fused;
  const engine::CompiledCache* cache = nullptr;
  Substitute substitute;  // empty: nothing is bound in the place of anything
  // Called with the number of pieces (fused modules, or modules) that are done, of how many, before
  // one is compiled.
  std::function<void(std::size_t, std::size_t)> progress;
};

// Immutable, shared by all threads and stores; outlived by its engine and host interfaces.
class LinkedComponent {
 public:
  LinkedComponent() = default;  // use `link`
  // NotFound or Conflict name every import that the host does not meet, or meets with another type.
  static Result<std::shared_ptr<const LinkedComponent>> link(
      std::shared_ptr<const ComponentFile> file, const engine::Engine& engine,
      const HostInterfaces& host, const CompileOptions& options);

  const Plan& plan() const { return file_->plan(); }
  const ComponentFile& file() const { return *file_; }
  const ResourceIds& resource_ids() const { return resource_ids_; }
  // Whether what stands for a resource is a class of the host's.
  bool is_host_resource(ResourceId id) const;

  // An exported function by interface and name; the interface's version is matched by semver, "" is
  // the world's top level.
  const ExportedFunc* find_export(std::string_view interface_name, std::string_view name) const;

 private:
  friend class Instance;

  struct LinkedStep {
    // Absent where the step is skipped; then perhaps entries of a table are filled, and a function
    // is started.
    std::optional<engine::PreparedModule> module;
    std::optional<engine::PreparedModule> image;  // of the module, instantiated behind it
    std::uint32_t table_slot = 0;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> entries;  // of the table; each a slot's
    std::optional<std::uint32_t> start_slot;
  };

  // A module of the plan that was compiled.
  struct LinkedModule {
    engine::Module module;
    // Where it was split: what its memories and globals begin with, and the exports that this
    // takes.
    std::optional<engine::Module> image;
    std::vector<std::string> shared;
  };
  // A fusion that was compiled.
  struct LinkedFusion {
    Fusion fusion;
    engine::Module module;
  };

  Result<> bind_imports(const HostInterfaces& host, const CompileOptions& options);
  Result<> compile(const engine::Engine& engine, const CompileOptions& options);
  static Result<LinkedModule> compile_apart(const engine::Engine& engine,
                                            const CompileOptions& options, ByteView bytes,
                                            const std::function<void()>& compiling);
  Result<> prepare(const engine::Engine& engine, const engine::CompiledCache* cache);
  // The image of a module takes what it changes through slots of its own.
  Result<> prepare_image(const LinkedModule& module, LinkedStep& step);
  // Modules of steps that are neither skipped nor fused.
  std::set<std::uint32_t> used_apart() const;
  const LinkedFusion* fusion_of(std::uint32_t step) const;
  Result<engine::PreparedModule> prepare_fusion(const engine::Engine& engine,
                                                const LinkedFusion& fused) const;
  Result<engine::PreparedModule> prepare_step(const engine::Engine& engine, const Step& step,
                                              const std::map<CoreRef, std::uint32_t>& slots) const;
  CoreFuncType core_type(std::uint32_t host_func) const;
  std::pair<engine::HostCallback, void*> callback(std::uint32_t host_func) const;

  std::shared_ptr<const ComponentFile> file_;
  std::vector<LinkedFusion> fusions_;
  std::map<std::uint32_t, std::size_t> fusion_of_;  // by step
  std::set<std::uint32_t> unneeded_fixups_;         // steps
  std::vector<std::optional<LinkedModule>>
      modules_;  // absent where only skipped or fused steps would use it
  std::vector<LinkedStep> steps_;
  // The plan's slots, and one for each item that instances take from each other.
  std::size_t slot_count_ = 0;
  std::optional<engine::PreparedModule> host_funcs_;  // fills the slots of host functions
  std::vector<std::unique_ptr<LoweredFunc>>
      lowered_;  // by host function, null where it is a built-in
  std::vector<std::unique_ptr<BuiltinFunc>> builtins_;
  std::vector<const HostFunction*>
      bindings_;  // by host function, null where it is none of the host's
  std::deque<HostFunction> substitutes_;
  ResourceIds resource_ids_;
};

// Which imports the host does not meet, each with what is wrong; empty: it can run. Needs no
// compiling.
struct UnmetImport {
  std::string name;     // "wasi:http/types@0.2.99#[method]fields.get"
  std::string problem;  // "nobody provides this interface; the nearest is …"
  ErrorCode code;
};
std::vector<UnmetImport> unmet_imports(const Plan& plan, const HostInterfaces& host);

}  // namespace unbolt::component
