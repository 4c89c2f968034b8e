#include "unbolt/component/linked_component.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "unbolt/component/builtins.h"
#include "unbolt/component/component_call.h"
#include "unbolt/component/decoder.h"
#include "unbolt/component/lowered_call.h"
#include "unbolt/component/names.h"
#include "unbolt/engine/host_funcs.h"
#include "unbolt/engine/split_module.h"

namespace unbolt::component {
namespace {

ResourceIds identify_resources(const Plan& plan, const HostInterfaces& host) {
  ResourceIds ids;
  for (const auto& resource : plan.types.resources()) {
    if (!resource.imported) {
      ids.push_back(&resource);
      continue;
    }
    const HostInterface* interface = host.find(resource.interface_name);
    ids.push_back(interface ? interface->find_resource(resource.name) : nullptr);
  }
  return ids;
}

// Whether some import is not a function of the host's, or two of one name are different functions:
// a linker goes by names.
bool needs_slots(const Step& step) {
  std::map<std::pair<std::string_view, std::string_view>, CoreRef> by_name;
  for (std::size_t k = 0; k < step.imports.size(); ++k) {
    const CoreRef& ref = step.imports[k];
    if (!std::holds_alternative<HostFuncRef>(ref)) return true;
    const std::string_view module = step.import_names[2 * k], name = step.import_names[2 * k + 1];
    const auto [known, added] = by_name.emplace(std::pair(module, name), ref);
    if (!added && known->second != ref) return true;
  }
  return false;
}

std::string display_name(const ImportedFunc& import) {
  return import.interface_name.empty() ? import.name
                                       : fmt::format("{}#{}", import.interface_name, import.name);
}

}  // namespace

const HostInterface* HostInterfaces::find(std::string_view import_name) const {
  const std::string track = track_of(import_name);
  for (const auto& interface : interfaces_) {
    if (interface.name() == import_name || track_of(interface.name()) == track) return &interface;
  }
  if (const auto* found = base_ ? base_->find(import_name) : nullptr) return found;
  const auto path = split_version(import_name).path;
  for (const auto& interface : interfaces_) {
    if (interface.is_every_version() && split_version(interface.name()).path == path)
      return &interface;
  }
  return nullptr;
}

void HostInterfaces::declare(std::shared_ptr<const Plan> package) {
  for (const auto& declared : package->imports) {
    for (auto& interface : interfaces_) {
      if (interface.name() != declared.name) continue;
      for (const ImportedFunc* func : declared.funcs) interface.declare(func->name, func->type);
    }
  }
  declarations_.push_back(std::move(package));
}

std::string HostInterfaces::nearest(std::string_view import_name) const {
  // Names come from a file that may be hostile.
  constexpr std::size_t kLongest = 100;
  const auto wanted = split_version(import_name).path;
  const auto package = wanted.substr(0, wanted.find('/'));
  // Letters between them; one of the same package is nearer than all others.
  std::size_t best = wanted.size() / 4 + 1 + kLongest;
  const HostInterface* nearest = nullptr;
  for (const HostInterfaces* here = this; here; here = here->base_) {
    for (const auto& interface : here->interfaces_) {
      const auto path = split_version(interface.name()).path;
      if (path == wanted) return interface.name();
      const bool same_package = path.substr(0, path.find('/')) == package;
      if (wanted.size() > kLongest && !same_package) continue;
      const std::size_t distance =
          (wanted.size() > kLongest ? 0 : edits(path, wanted)) + (same_package ? 0 : kLongest);
      if (distance >= best) continue;
      best = distance;
      nearest = &interface;
    }
  }
  return nearest ? nearest->name() : "";
}

Result<std::shared_ptr<const ComponentFile>> ComponentFile::load(Bytes bytes, Checked checked) {
  std::shared_ptr<ComponentFile> file(new ComponentFile);
  file->bytes_ = std::move(bytes);
  if (checked == Checked::No) UNBOLT_TRY(validate(file->bytes_, Bodies::Skip));
  UNBOLT_ASSIGN(auto ast, decode(file->bytes_));
  UNBOLT_ASSIGN(file->plan_, make_plan(std::move(ast)));
  return file;
}

std::vector<UnmetImport> unmet_imports(const Plan& plan, const HostInterfaces& host) {
  const ResourceIds ids = identify_resources(plan, host);
  std::vector<UnmetImport> unmet;
  for (const auto& import : plan.imported_funcs) {
    const HostInterface* interface = host.find(import->interface_name);
    if (!interface) {
      const std::string nearest = host.nearest(import->interface_name);
      const std::string name =
          import->interface_name.empty() ? import->name : import->interface_name;
      if (std::any_of(unmet.begin(), unmet.end(), [&](const auto& u) { return u.name == name; }))
        continue;
      unmet.push_back({name,
                       nearest.empty()
                           ? "nothing here provides it"
                           : fmt::format("nothing here provides it; the nearest is {}", nearest),
                       ErrorCode::NotFound});
      continue;
    }
    const HostFunction* func = interface->find(import->name);
    if (!func) {
      unmet.push_back({display_name(*import),
                       fmt::format("{} has no such function", interface->name()),
                       ErrorCode::NotFound});
    } else if (!func->accepts(*import->type, ids)) {
      const FuncType* ours = interface->declared(import->name);
      unmet.push_back({display_name(*import),
                       fmt::format("the component expects\n    {}\n  and {} here has\n    {}",
                                   to_wit(*import->type), interface->name(),
                                   ours ? to_wit(*ours) : "another type"),
                       ErrorCode::Conflict});
    } else if (const FuncType* ours = interface->declared(import->name);
               ours && !equal_shape(*ours, *import->type)) {
      unmet.push_back({display_name(*import),
                       fmt::format("the component expects\n    {}\n  and {} here has\n    {}",
                                   to_wit(*import->type), interface->name(), to_wit(*ours)),
                       ErrorCode::Conflict});
    }
  }
  for (const auto& import : plan.imports) {
    const HostInterface* interface = host.find(import.name);
    // What is imported for its resources alone has to be there too.
    if (!interface && import.funcs.empty() && !import.resources.empty())
      unmet.push_back({import.name, "nothing here provides it", ErrorCode::NotFound});
    if (!interface) continue;
    for (const ResourceType* resource : import.resources) {
      if (interface->find_resource(resource->name)) continue;
      unmet.push_back({fmt::format("{}#{}", import.name, resource->name),
                       fmt::format("{} has no such resource", interface->name()),
                       ErrorCode::NotFound});
    }
  }
  return unmet;
}

Result<> LinkedComponent::bind_imports(const HostInterfaces& host, const CompileOptions& options) {
  const Plan& plan = this->plan();
  if (!plan.complete ||
      (!plan.unsupported.empty() && options.unsupported == CompileOptions::Unsupported::Refuse)) {
    std::string text = "the component needs what this host cannot do yet:";
    for (const auto& what : plan.unsupported) text += "\n  " + what;
    return std::unexpected(Error{ErrorCode::Unsupported, std::move(text), {}});
  }
  if (const auto unmet = unmet_imports(plan, host); !unmet.empty()) {
    std::string text = "the component imports what this host does not have:";
    for (const auto& import : unmet) text += fmt::format("\n  {}: {}", import.name, import.problem);
    return std::unexpected(Error{unmet.front().code, std::move(text), {}});
  }
  resource_ids_ = identify_resources(plan, host);
  for (const auto& host_func : plan.host_funcs) {
    lowered_.emplace_back();
    builtins_.emplace_back();
    bindings_.push_back(nullptr);
    if (const auto* lowered = std::get_if<Lowered>(&host_func)) {
      const ImportedFunc* import = nullptr;
      if (const auto* target = std::get_if<const ImportedFunc*>(&lowered->target)) {
        import = *target;
        bindings_.back() = host.find(import->interface_name)->find(import->name);
        if (lowered->options.width == Width::W64 && !bindings_.back()->by_value) {
          return fail(ErrorCode::Unsupported,
                      "the component calls {} from a 64-bit memory, which this host can do with "
                      "functions by value only",
                      display_name(*import));
        }
        if (options.substitute) {
          if (auto other = options.substitute(*import, *bindings_.back(), resource_ids_))
            bindings_.back() = &substitutes_.emplace_back(std::move(*other));
        }
      }
      lowered_.back() = std::make_unique<LoweredFunc>(this, lowered, import, bindings_.back());
    } else {
      builtins_.back() = std::make_unique<BuiltinFunc>(this, &std::get<Builtin>(host_func));
    }
  }
  return {};
}

Result<> LinkedComponent::compile(const engine::Engine& engine, const CompileOptions& options) {
  auto fusions = options.modules == CompileOptions::Modules::Fused ? plan_fusions(plan())
                                                                   : std::vector<Fusion>{};
  std::size_t pieces = used_apart().size() + fusions.size(), done = 0;
  for (const Fusion& fusion : fusions) pieces -= fusion.steps.size();
  const auto compiling = [&] {
    if (options.progress) options.progress(done, pieces);
  };
  for (Fusion& fusion : fusions) {
    const auto make = [&] { return engine::fuse(fusion.recipe); };
    auto module = [&]() -> Result<engine::Module> {
      if (options.cache) {
        const std::string digest = digest_of(fusion.recipe), apart = digest + "-apart";
        if (options.cache->marked(engine, apart))
          return fail(ErrorCode::Unsupported, "could not be fused before");
        auto made = options.cache->load_made(engine, digest, make, compiling);
        if (!made) options.cache->mark(engine, apart);
        return made;
      }
      UNBOLT_ASSIGN(const Bytes bytes, make());
      compiling();
      return engine::Module::compile(engine, bytes);
    }();
    if (!module) {
      // Its modules are compiled apart, and if one is wrong, that is said there.
      pieces += fusion.steps.size() - 1;
      continue;
    }
    ++done;
    for (const std::uint32_t step : fusion.steps) fusion_of_.emplace(step, fusions_.size());
    unneeded_fixups_.merge(fusion.unneeded_fixups);
    fusions_.push_back({std::move(fusion), std::move(*module)});
  }
  modules_.resize(plan().modules.size());
  for (const std::uint32_t i : used_apart()) {
    const auto& [bytes, offset] = plan().modules[i];
    auto module = compile_apart(engine, options, bytes, compiling);
    if (!module) {
      return std::unexpected(
          std::move(module).error().in(fmt::format("core module {} (at offset {:#x})", i, offset)));
    }
    modules_[i] = std::move(*module);
    ++done;
  }
  return {};
}

Result<LinkedComponent::LinkedModule> LinkedComponent::compile_apart(
    const engine::Engine& engine, const CompileOptions& options, ByteView bytes,
    const std::function<void()>& compiling) {
  const auto compile = [&](ByteView code) -> Result<engine::Module> {
    if (options.cache) return options.cache->load(engine, code, compiling);
    compiling();
    return engine::Module::compile(engine, code);
  };
  if (options.modules == CompileOptions::Modules::Apart) {
    if (auto split = engine::split(bytes)) {
      UNBOLT_ASSIGN(auto code, compile(split->code));
      // Not worth a place in the cache: it has next to no code, and is another each time.
      UNBOLT_ASSIGN(auto image, engine::Module::compile(engine, split->image));
      return LinkedModule{std::move(code), std::move(image), std::move(split->shared)};
    }
  }
  UNBOLT_ASSIGN(auto module, compile(bytes));
  return LinkedModule{std::move(module), std::nullopt, {}};
}

std::set<std::uint32_t> LinkedComponent::used_apart() const {
  std::set<std::uint32_t> modules;
  for (std::uint32_t i = 0; i < plan().steps.size(); ++i) {
    const Step& step = plan().steps[i];
    if (!step.skipped && !fusion_of(i)) modules.insert(step.module);
  }
  return modules;
}

const LinkedComponent::LinkedFusion* LinkedComponent::fusion_of(std::uint32_t step) const {
  const auto found = fusion_of_.find(step);
  return found == fusion_of_.end() ? nullptr : &fusions_[found->second];
}

CoreFuncType LinkedComponent::core_type(std::uint32_t host_func) const {
  const HostFunc& func = plan().host_funcs[host_func];
  if (const auto* lowered = std::get_if<Lowered>(&func)) return lowered->signature.core;
  return builtin_type(std::get<Builtin>(func));
}

std::pair<engine::HostCallback, void*> LinkedComponent::callback(std::uint32_t host_func) const {
  if (bindings_[host_func]) {
    LoweredFunc* func = lowered_[host_func].get();
    return {func->lowered->options.async ? &call_host_async : bindings_[host_func]->callback, func};
  }
  if (lowered_[host_func]) return {&call_component, lowered_[host_func].get()};
  BuiltinFunc* builtin = builtins_[host_func].get();
  return {builtin_callback(*builtin->builtin), builtin};
}

Result<engine::PreparedModule> LinkedComponent::prepare_fusion(const engine::Engine& engine,
                                                               const LinkedFusion& fused) const {
  std::set<std::uint32_t> host_funcs;
  for (const auto& member : fused.fusion.recipe.members) {
    for (const auto& source : member.imports) {
      if (const auto* index = std::get_if<std::uint32_t>(&source)) host_funcs.insert(*index);
    }
  }
  engine::Linker linker(engine);
  for (const std::uint32_t index : host_funcs) {
    const auto [callback, env] = this->callback(index);
    UNBOLT_TRY(linker.define("", std::to_string(index), core_type(index), callback, env));
  }
  return engine::PreparedModule::prepare(linker, fused.module);
}

Result<engine::PreparedModule> LinkedComponent::prepare_step(
    const engine::Engine& engine, const Step& step,
    const std::map<CoreRef, std::uint32_t>& slots) const {
  const engine::Module& module = modules_[step.module]->module;
  if (!needs_slots(step)) {
    engine::Linker linker(engine);
    std::set<std::pair<std::string_view, std::string_view>> defined;
    for (std::size_t k = 0; k < step.imports.size(); ++k) {
      const std::string &from = step.import_names[2 * k], &name = step.import_names[2 * k + 1];
      if (!defined.emplace(from, name).second) continue;
      const std::uint32_t index = std::get<HostFuncRef>(step.imports[k]).index;
      const auto [callback, env] = this->callback(index);
      UNBOLT_TRY(linker.define(from, name, core_type(index), callback, env));
    }
    return engine::PreparedModule::prepare(linker, module);
  }
  std::vector<std::uint32_t> imports;
  imports.reserve(step.imports.size());
  for (const CoreRef& ref : step.imports) imports.push_back(slots.at(ref));
  return engine::PreparedModule::prepare(module, imports);
}

Result<> LinkedComponent::prepare(const engine::Engine& engine,
                                  const engine::CompiledCache* cache) {
  const Plan& plan = this->plan();
  std::map<CoreRef, std::uint32_t> slots;
  for (std::uint32_t slot = 0; slot < plan.slots.size(); ++slot)
    slots.emplace(plan.slots[slot], slot);
  const auto add = [&](const CoreRef& ref) {
    slots.emplace(ref, static_cast<std::uint32_t>(slots.size()));
  };
  for (std::uint32_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    if (step.starts) add(*step.starts);
    if (step.table && !unneeded_fixups_.contains(i)) {
      add(*step.table);
      for (const auto& [entry, func] : step.entries) add(func);
    }
    if (!step.skipped && !fusion_of(i) && needs_slots(step))
      std::for_each(step.imports.begin(), step.imports.end(), add);
  }
  slot_count_ = slots.size();
  std::vector<engine::HostFunc> host_funcs;
  for (const auto& [ref, slot] : slots) {
    const auto* host = std::get_if<HostFuncRef>(&ref);
    if (!host) continue;
    const auto [callback, env] = this->callback(host->index);
    host_funcs.push_back({core_type(host->index), callback, env, slot});
  }
  if (!host_funcs.empty()) {
    UNBOLT_ASSIGN(host_funcs_, engine::prepare_host_funcs(engine, host_funcs, cache));
  }
  for (std::uint32_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    LinkedStep& linked = steps_.emplace_back();
    if (step.skipped) {
      if (step.table && !unneeded_fixups_.contains(i)) {
        linked.table_slot = slots.at(*step.table);
        for (const auto& [entry, func] : step.entries)
          linked.entries.emplace_back(entry, slots.at(func));
      }
      if (step.starts) linked.start_slot = slots.at(*step.starts);
    } else if (const LinkedFusion* fused = fusion_of(i)) {
      if (fused->fusion.steps.front() != i) continue;  // it is there with the first
      UNBOLT_ASSIGN(linked.module, prepare_fusion(engine, *fused));
    } else {
      UNBOLT_ASSIGN(linked.module, prepare_step(engine, step, slots));
      UNBOLT_TRY(prepare_image(*modules_[step.module], linked));
    }
  }
  for (const auto& [ref, slot] : slots) {
    const auto* from = std::get_if<CoreExportRef>(&ref);
    if (!from) continue;
    const LinkedFusion* fused = fusion_of(from->instance);
    auto& module = steps_[fused ? fused->fusion.steps.front() : from->instance].module;
    if (!module) continue;
    const std::string position = fused ? std::to_string(fused->fusion.exports.at(ref)) : "";
    if (!module->keep(fused ? position : from->name, slot))
      return fail(ErrorCode::InvalidFile, "a core module has no export '{}'", from->name);
  }
  return {};
}

Result<> LinkedComponent::prepare_image(const LinkedModule& module, LinkedStep& step) {
  if (!module.image) return {};
  std::vector<std::uint32_t> slots;
  for (const std::string& name : module.shared) {
    slots.push_back(static_cast<std::uint32_t>(slot_count_++));
    if (!step.module->keep(name, slots.back()))
      return fail(ErrorCode::Internal, "a core module that was split has no export '{}'", name);
  }
  step.image = engine::PreparedModule::prepare(*module.image, slots);
  return {};
}

Result<std::shared_ptr<const LinkedComponent>> LinkedComponent::link(
    std::shared_ptr<const ComponentFile> file, const engine::Engine& engine,
    const HostInterfaces& host, const CompileOptions& options) {
  auto component = std::make_shared<LinkedComponent>();
  component->file_ = std::move(file);
  UNBOLT_TRY(component->bind_imports(host, options));
  UNBOLT_TRY(component->compile(engine, options));
  UNBOLT_TRY(component->prepare(engine, options.cache));
  return component;
}

bool LinkedComponent::is_host_resource(ResourceId id) const {
  const auto& resources = plan().types.resources();
  return std::none_of(resources.begin(), resources.end(),
                      [&](const ResourceType& own) { return !own.imported && &own == id; });
}

const ExportedFunc* LinkedComponent::find_export(std::string_view interface_name,
                                                 std::string_view name) const {
  const std::string track = track_of(interface_name);
  for (const auto& item : plan().exports) {
    if (item.name == name &&
        (item.interface_name == interface_name || track_of(item.interface_name) == track)) {
      return &item;
    }
  }
  return nullptr;
}

}  // namespace unbolt::component
