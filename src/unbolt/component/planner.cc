#include <algorithm>
#include <map>
#include <unordered_map>

#include <fmt/format.h>

#include "unbolt/component/decoder.h"
#include "unbolt/component/index_spaces.h"
#include "unbolt/component/plan.h"
#include "unbolt/component/shim.h"

namespace unbolt::component {
namespace {

using namespace planning;

// Bounds on what a small file can make the planner do (nested instantiation multiplies).
constexpr std::uint32_t kMaxComponentInstances = 1'000;
constexpr std::size_t kMaxSteps = 1'000;
constexpr unsigned kMaxTypeScopes = 100;
// Definitions that are carried out again and again, with their parts, and imports of core modules.
constexpr std::size_t kMaxRepeated = 200'000;

// As the decoder writes it (ast.h, `CanonUnsupported`).
CoreFuncType core_type(std::string_view signature) {
  CoreFuncType type;
  auto* into = &type.params;
  for (const char c : signature) {
    if (c == ':') {
      into = &type.results;
    } else {
      into->push_back(c == 'I' ? CoreType::I64 : CoreType::I32);
    }
  }
  return type;
}

// How much a definition or declaration makes the planner do.
template <class... Of>
std::size_t work(const std::variant<Of...>& of) {
  return std::visit(
      []<class T>(const T& item) -> std::size_t {
        const auto more = [&] {
          if constexpr (requires { item.exports.size(); })
            return item.exports.size();
          else if constexpr (requires { item.arguments.size(); })
            return item.arguments.size();
          else if constexpr (requires { item.fields.size(); })
            return item.fields.size();
          else if constexpr (requires { item.cases.size(); })
            return item.cases.size();
          else if constexpr (requires { item.labels.size(); })
            return item.labels.size();
          else if constexpr (requires { item.elements.size(); })
            return item.elements.size();
          else if constexpr (requires { item.params.size(); })
            return item.params.size();
          else if constexpr (std::same_as<T, std::shared_ptr<ast::TypeDef>>)
            return work(item->of);
          else
            return std::size_t{0};
        };
        return 1 + more();
      },
      of);
}
template <class T>
auto by_name(const std::vector<T>& arguments) {
  std::unordered_map<std::string_view, const T*> found;
  for (const T& argument : arguments) found.insert_or_assign(argument.name, &argument);
  return found;
}

class Planner {
 public:
  explicit Planner(Plan& plan) : plan_(plan) {}

  void run(const ast::Component& root) {
    Env& env = new_env(nullptr);
    env.instance = new_component_instance(0);
    for (const auto& definition : root.definitions) {
      if (const auto* import = std::get_if<ast::Import>(&definition)) {
        import_from_host(env, *import);
      } else {
        carry_out(env, definition);
      }
    }
    for (const auto& [name, item] : env.exports) export_to_host(name, item);
  }

  // A package is a component whose exported types are component types, one an interface; what each
  // of these exports is the interface.
  void read_package(const ast::Component& package) {
    Env& root = new_env(nullptr);
    for (const auto& definition : package.definitions) {
      const auto* def = std::get_if<std::shared_ptr<ast::TypeDef>>(&definition);
      const auto* type = def ? std::get_if<ast::ComponentType>(&(*def)->of) : nullptr;
      if (!type) continue;
      Env& env = new_env(&root);
      for (const auto& declaration : type->declarations) {
        if (const auto* import = std::get_if<ast::ImportDecl>(&declaration)) {
          described(env, {}, import->name, import->desc, 0);
        } else if (const auto* item = std::get_if<ast::ExportDecl>(&declaration)) {
          if (item->desc.kind == ast::ExternDesc::Kind::Instance)
            described(env, {}, item->name, item->desc, 0);
        } else if (const auto* inner = std::get_if<std::shared_ptr<ast::TypeDef>>(&declaration)) {
          env.types.push_back(type_item(env, **inner));
        } else if (const auto* alias = std::get_if<ast::Alias>(&declaration)) {
          carry_out_alias(env, *alias);
        }
      }
    }
  }

 private:
  Env& new_env(const Env* parent) {
    auto& env = envs_.emplace_back(std::make_unique<Env>());
    env->parent = parent;
    if (parent) env->instance = parent->instance;
    return *env;
  }
  std::uint32_t new_component_instance(std::uint32_t parent) {
    if (plan_.component_instances == kMaxComponentInstances) {
      give_up(ErrorCode::LimitExceeded, "more than {} component instances in one file",
              kMaxComponentInstances);
    }
    parents_.push_back(parent);
    return plan_.component_instances++;
  }
  void repeated(std::size_t work) {
    repeated_ += work;
    if (repeated_ > kMaxRepeated)
      give_up(ErrorCode::LimitExceeded, "what one file instantiates is more than {} definitions",
              kMaxRepeated);
  }
  // Whether the one component instance is the other, or nested in it. The root is its own parent.
  bool nested_in(std::uint32_t inner, std::uint32_t outer) const {
    while (inner != outer && parents_[inner] != inner) inner = parents_[inner];
    return inner == outer;
  }
  bool related(std::uint32_t a, std::uint32_t b) const {
    return nested_in(a, b) || nested_in(b, a);
  }

  // ---- Core items

  std::uint32_t slot(const CoreItem& item) {
    const auto [known, added] =
        slots_.try_emplace(item.ref, static_cast<std::uint32_t>(plan_.slots.size()));
    if (added) plan_.slots.push_back(item.ref);
    return known->second;
  }

  CoreItem core_export(const Env& env, std::uint32_t instance, std::string_view name,
                       ast::CoreSort sort) {
    const CoreInstance& from = at(env.core_instances, instance, "core instance");
    if (from.step) return {CoreExportRef{*from.step, name, sort}, sort};
    const auto found = from.items->find(name);
    if (found == from.items->end())
      give_up(ErrorCode::InvalidFile, "a core instance has no item '{}'", name);
    return found->second;
  }

  CoreItem core_item(const Env& env, ast::CoreSort sort, std::uint32_t index) {
    switch (sort) {
      case ast::CoreSort::Func: return at(env.core_funcs, index, "core function");
      case ast::CoreSort::Table: return at(env.core_tables, index, "core table");
      case ast::CoreSort::Memory: return at(env.core_memories, index, "core memory");
      case ast::CoreSort::Global: return at(env.core_globals, index, "core global");
      case ast::CoreSort::Tag: return at(env.core_tags, index, "core tag");
      default: give_up(ErrorCode::InvalidFile, "a core instance exports no such item");
    }
  }

  void add_core_item(Env& env, const CoreItem& item) {
    switch (item.sort) {
      case ast::CoreSort::Func: env.core_funcs.push_back(item); break;
      case ast::CoreSort::Table: env.core_tables.push_back(item); break;
      case ast::CoreSort::Memory: env.core_memories.push_back(item); break;
      case ast::CoreSort::Global: env.core_globals.push_back(item); break;
      case ast::CoreSort::Tag: env.core_tags.push_back(item); break;
      default: break;
    }
  }

  CoreItem host_func(HostFunc func) {
    plan_.host_funcs.push_back(std::move(func));
    return {HostFuncRef{static_cast<std::uint32_t>(plan_.host_funcs.size() - 1)},
            ast::CoreSort::Func};
  }

  void unsupported(std::string what) {
    auto& all = plan_.unsupported;
    if (std::find(all.begin(), all.end(), what) == all.end()) all.push_back(std::move(what));
  }

  // Streams and futures belong to asynchronous components.
  void check_supported(const Type* type) {
    if (type && type->holds_async)
      unsupported(fmt::format("values of type {} (WASI 0.3)", to_wit(type)));
  }
  void check_supported(const FuncType& type) {
    for (const Param& param : type.params) check_supported(param.type);
    check_supported(type.result);
  }

  Width width_of(const CoreItem& memory) {
    const auto* from = std::get_if<CoreExportRef>(&memory.ref);
    if (!from) give_up(ErrorCode::InvalidFile, "a memory that no core instance exports");
    for (const auto& item : module_interface(plan_.steps[from->instance].module).exports) {
      if (item.name == from->name) return item.memory64 ? Width::W64 : Width::W32;
    }
    give_up(ErrorCode::InvalidFile, "a core instance has no memory '{}'", from->name);
  }

  Options options(const Env& env, const ast::CanonOptions& from) {
    if (from.async || from.callback) unsupported("asynchronous functions (WASI 0.3)");
    Options out;
    out.encoding = from.encoding;
    out.async = from.async;
    if (from.callback) out.callback = slot(at(env.core_funcs, *from.callback, "core function"));
    if (from.memory) {
      const CoreItem& memory = at(env.core_memories, *from.memory, "core memory");
      out.memory = slot(memory);
      out.width = width_of(memory);
    }
    if (from.realloc) out.realloc = slot(at(env.core_funcs, *from.realloc, "core function"));
    if (from.post_return)
      out.post_return = slot(at(env.core_funcs, *from.post_return, "core function"));
    return out;
  }

  // ---- Types

  const Type* make(Type type) {
    using enum TypeKind;
    if (type.children.empty() &&
        (type.kind == Record || type.kind == Tuple || type.kind == Variant || type.kind == Enum))
      give_up(ErrorCode::InvalidFile, "a type without any part");
    const Type* made = plan_.types.add(std::move(type));
    if (!made)
      give_up(ErrorCode::Unsupported,
              "a type is larger than a memory can hold, is nested too deeply, or has more than 32 "
              "flags");
    return made;
  }

  const FuncType* make(FuncType type) {
    const FuncType* made = plan_.types.add(std::move(type));
    if (!made)
      give_up(ErrorCode::Unsupported,
              "the parameters of a function are larger than a memory can hold");
    return made;
  }

  const Type* value_type(const Env& env, const ast::ValType& type) {
    if (const auto* primitive = std::get_if<ast::Primitive>(&type)) {
      const Type*& made = primitives_[static_cast<std::size_t>(*primitive)];
      if (!made) made = make({.kind = static_cast<TypeKind>(*primitive)});
      return made;
    }
    const TypeItem& item = at(env.types, std::get<std::uint32_t>(type), "type");
    const auto* value = std::get_if<const Type*>(&item);
    if (!value)
      give_up(ErrorCode::InvalidFile, "a type that is no value type stands where one is needed");
    return *value;
  }
  const Type* value_type(const Env& env, const std::optional<ast::ValType>& type) {
    return type ? value_type(env, *type) : nullptr;
  }
  ResourceType* resource_type(const Env& env, std::uint32_t index) {
    const TypeItem& item = at(env.types, index, "type");
    const auto* resource = std::get_if<ResourceType*>(&item);
    if (!resource) give_up(ErrorCode::InvalidFile, "type {} is no resource", index);
    return *resource;
  }
  const FuncType* func_type(const Env& env, std::uint32_t index) {
    const TypeItem& item = at(env.types, index, "type");
    const auto* func = std::get_if<const FuncType*>(&item);
    if (!func) give_up(ErrorCode::InvalidFile, "type {} is no function type", index);
    return *func;
  }

  Type labelled(const Env& env, TypeKind kind, const std::vector<ast::Label>& labels) {
    Type type{.kind = kind};
    for (const auto& label : labels) {
      type.labels.emplace_back(label.name);
      type.children.push_back(value_type(env, label.type));
    }
    return type;
  }
  Type names_only(TypeKind kind, const std::vector<std::string_view>& labels) {
    Type type{.kind = kind};
    for (const auto label : labels) type.labels.emplace_back(label);
    if (kind == TypeKind::Enum) type.children.resize(labels.size(), nullptr);
    return type;
  }

  TypeItem type_item(const Env& env, const ast::TypeDef& def) {
    const auto handle = [&](TypeKind kind, std::uint32_t index) {
      return make({.kind = kind, .resource = resource_type(env, index)});
    };
    struct Visitor {
      Planner& self;
      const Env& env;
      const ast::TypeDef& def;
      decltype(handle)& make_handle;
      TypeItem operator()(const ast::ValType& t) { return self.value_type(env, t); }
      TypeItem operator()(const ast::Record& t) {
        return self.make(self.labelled(env, TypeKind::Record, t.fields));
      }
      TypeItem operator()(const ast::Variant& t) {
        return self.make(self.labelled(env, TypeKind::Variant, t.cases));
      }
      TypeItem operator()(const ast::List& t) {
        return self.make({.kind = TypeKind::List,
                          .children = {self.value_type(env, t.element)},
                          .length = t.length});
      }
      TypeItem operator()(const ast::Map& t) {
        // In memory it is a list of pairs, whose type is kept as the third child.
        const Type* key = self.value_type(env, t.key);
        const Type* value = self.value_type(env, t.value);
        const Type* pair = self.make({.kind = TypeKind::Tuple, .children = {key, value}});
        return self.make({.kind = TypeKind::Map, .children = {key, value, pair}});
      }
      TypeItem operator()(const ast::Tuple& t) {
        Type type{.kind = TypeKind::Tuple};
        for (const auto& element : t.elements)
          type.children.push_back(self.value_type(env, element));
        return self.make(std::move(type));
      }
      TypeItem operator()(const ast::Flags& t) {
        return self.make(self.names_only(TypeKind::Flags, t.labels));
      }
      TypeItem operator()(const ast::Enum& t) {
        return self.make(self.names_only(TypeKind::Enum, t.labels));
      }
      TypeItem operator()(const ast::Option& t) {
        return self.make(
            {.kind = TypeKind::Option, .children = {nullptr, self.value_type(env, t.element)}});
      }
      TypeItem operator()(const ast::ResultOf& t) {
        return self.make({.kind = TypeKind::Result,
                          .children = {self.value_type(env, t.ok), self.value_type(env, t.error)}});
      }
      TypeItem operator()(const ast::Own& t) { return make_handle(TypeKind::Own, t.type); }
      TypeItem operator()(const ast::Borrow& t) { return make_handle(TypeKind::Borrow, t.type); }
      TypeItem operator()(const ast::Stream& t) {
        return self.make({.kind = TypeKind::Stream, .children = {self.value_type(env, t.element)}});
      }
      TypeItem operator()(const ast::Future& t) {
        return self.make({.kind = TypeKind::Future, .children = {self.value_type(env, t.element)}});
      }
      TypeItem operator()(const ast::Func& t) {
        FuncType type;
        for (const auto& param : t.params) {
          type.params.push_back({std::string(param.name), self.value_type(env, param.type)});
        }
        type.result = self.value_type(env, t.result);
        type.async = t.async;
        return self.make(std::move(type));
      }
      TypeItem operator()(const ast::Resource& t) {
        ResourceType type;
        type.instance = env.instance;
        if (t.destructor)
          type.destructor = self.slot(at(env.core_funcs, *t.destructor, "core function"));
        return self.plan_.types.add(std::move(type));
      }
      TypeItem operator()(const ast::ComponentType&) { return TypeScope{&def, &env}; }
      TypeItem operator()(const ast::InstanceType&) { return TypeScope{&def, &env}; }
    };
    return std::visit(Visitor{*this, env, def, handle}, def.of);
  }

  // ---- Imports of the root: what the host has to give.

  const ImportedFunc* imported_func(std::string_view interface_name, std::string_view name,
                                    const FuncType* type) {
    auto& func = plan_.imported_funcs.emplace_back(std::make_unique<ImportedFunc>(
        ImportedFunc{std::string(interface_name), std::string(name), type}));
    interface(interface_name).funcs.push_back(func.get());
    return func.get();
  }
  ImportedInterface& interface(std::string_view name) {
    const auto [known, added] = imports_.try_emplace(std::string(name), plan_.imports.size());
    if (added) plan_.imports.push_back({std::string(name), {}, {}});
    return plan_.imports[known->second];
  }
  ResourceType* imported_resource(std::string_view interface_name, std::string_view name) {
    ResourceType* type = plan_.types.add(ResourceType{.interface_name = std::string(interface_name),
                                                      .name = std::string(name),
                                                      .imported = true});
    interface(interface_name).resources.push_back(type);
    return type;
  }

  // One item that the host has to give, as `desc` says; also added to the scope's index space.
  Item described(Env& scope, std::string_view interface_name, std::string_view name,
                 const ast::ExternDesc& desc, unsigned depth) {
    using Kind = ast::ExternDesc::Kind;
    switch (desc.kind) {
      case Kind::Func: {
        const FuncType* type = func_type(scope, desc.index);
        const Func func{imported_func(interface_name, name, type), type};
        scope.funcs.push_back(func);
        return func;
      }
      case Kind::TypeEq: {
        TypeItem type = at(scope.types, desc.index, "type");
        scope.types.push_back(type);
        return type;
      }
      case Kind::TypeSubResource: {
        TypeItem type = imported_resource(interface_name, name);
        scope.types.push_back(type);
        return type;
      }
      case Kind::Instance: {
        const std::string path =
            interface_name.empty() ? std::string(name) : fmt::format("{}/{}", interface_name, name);
        InstanceItem instance = imported_instance(scope, path, desc.index, depth);
        scope.instances.push_back(instance);
        return instance;
      }
      case Kind::CoreModule:
        give_up(ErrorCode::Unsupported, "importing a core module ('{}')", name);
      case Kind::Component: give_up(ErrorCode::Unsupported, "importing a component ('{}')", name);
      case Kind::Value: give_up(ErrorCode::Unsupported, "importing a value ('{}')", name);
    }
    give_up(ErrorCode::Internal, "unknown kind of import");
  }

  InstanceItem imported_instance(const Env& scope, std::string_view path, std::uint32_t type_index,
                                 unsigned depth) {
    if (depth > kMaxTypeScopes)
      give_up(ErrorCode::LimitExceeded, "instance types nested too deeply");
    const TypeItem& item = at(scope.types, type_index, "type");
    const auto* instance_scope = std::get_if<TypeScope>(&item);
    const auto* type =
        instance_scope ? std::get_if<ast::InstanceType>(&instance_scope->def->of) : nullptr;
    if (!type) give_up(ErrorCode::InvalidFile, "type {} is no instance type", type_index);
    interface(path);
    Env& env = new_env(instance_scope->scope);
    auto instance = std::make_shared<Instance>();
    for (const auto& declaration : type->declarations) {
      repeated(work(declaration));
      if (std::holds_alternative<ast::CoreType>(declaration)) {
        ++env.core_types;
      } else if (const auto* def = std::get_if<std::shared_ptr<ast::TypeDef>>(&declaration)) {
        env.types.push_back(type_item(env, **def));
      } else if (const auto* alias = std::get_if<ast::Alias>(&declaration)) {
        carry_out_alias(env, *alias);
      } else if (const auto* item_decl = std::get_if<ast::ExportDecl>(&declaration)) {
        instance->items.emplace_back(
            item_decl->name, described(env, path, item_decl->name, item_decl->desc, depth + 1));
      } else {
        give_up(ErrorCode::InvalidFile, "an import inside an instance type");
      }
    }
    return instance;
  }

  void import_from_host(Env& env, const ast::Import& import) {
    described(env, {}, import.name, import.desc, 0);
  }

  // ---- Definitions

  void add_item(Env& env, const Item& item) {
    struct Visitor {
      Env& env;
      void operator()(const Func& i) { env.funcs.push_back(i); }
      void operator()(const TypeItem& i) { env.types.push_back(i); }
      void operator()(const InstanceItem& i) { env.instances.push_back(i); }
      void operator()(const ComponentItem& i) { env.components.push_back(i); }
      void operator()(const CoreModuleItem& i) { env.core_modules.push_back(i); }
    };
    std::visit(Visitor{env}, item);
  }

  Item item_at(const Env& env, ast::Sort sort, std::uint32_t index) {
    switch (sort) {
      case ast::Sort::Func: return at(env.funcs, index, "function");
      case ast::Sort::Type: return at(env.types, index, "type");
      case ast::Sort::Instance: return at(env.instances, index, "instance");
      case ast::Sort::Component: return at(env.components, index, "component");
      case ast::Sort::CoreModule: return at(env.core_modules, index, "core module");
      case ast::Sort::Value: give_up(ErrorCode::Unsupported, "component values are not supported");
      default:
        give_up(ErrorCode::InvalidFile, "this kind of item cannot be exported from a component");
    }
  }

  void carry_out_alias(Env& env, const ast::Alias& alias) {
    using Target = ast::Alias::Target;
    switch (alias.target) {
      case Target::Export: {
        const Item* item = at(env.instances, alias.instance, "instance")->find(alias.name);
        if (!item) give_up(ErrorCode::InvalidFile, "an instance has no export '{}'", alias.name);
        add_item(env, *item);
        break;
      }
      case Target::CoreExport:
        add_core_item(env, core_export(env, alias.instance, alias.name,
                                       static_cast<ast::CoreSort>(alias.sort)));
        break;
      case Target::Outer: {
        const Env* outer = &env;
        for (std::uint32_t i = 0; i < alias.outer_count && outer; ++i) outer = outer->parent;
        if (!outer) give_up(ErrorCode::InvalidFile, "an alias reaches out of the file");
        if (alias.sort == ast::Sort::CoreType) {
          ++env.core_types;
        } else {
          add_item(env, item_at(*outer, alias.sort, alias.outer_index));
        }
        break;
      }
    }
  }

  void instantiate_core(Env& env, const ast::CoreInstantiate& definition) {
    if (plan_.steps.size() == kMaxSteps) {
      give_up(ErrorCode::LimitExceeded, "more than {} core instances in one file", kMaxSteps);
    }
    Step step;
    step.module = at(env.core_modules, definition.module, "core module").module;
    const auto arguments = by_name(definition.arguments);
    const auto& imports = module_interface(step.module).imports;
    repeated(imports.size());
    for (const auto& import : imports) {
      const auto argument = arguments.find(import.module);
      if (argument == arguments.end())
        give_up(ErrorCode::InvalidFile, "a core module's import '{}' is not given", import.module);
      step.imports.push_back(
          core_export(env, argument->second->instance, import.name, import.sort).ref);
      step.import_names.emplace_back(import.module);
      step.import_names.emplace_back(import.name);
    }
    plan_.steps.push_back(std::move(step));
    env.core_instances.push_back({static_cast<std::uint32_t>(plan_.steps.size() - 1), nullptr});
  }

  const CoreModuleInterface& module_interface(std::uint32_t module) {
    auto& known = interfaces_[module];
    if (!known) {
      auto read = core_interface(plan_.modules[module].bytes);
      if (!read) throw PlanError{std::move(read).error()};
      known = std::move(*read);
    }
    return *known;
  }

  void instantiate(Env& env, const ast::Instantiate& definition) {
    const ComponentItem& target = at(env.components, definition.component, "component");
    Env& inner = new_env(target.scope);
    inner.instance = new_component_instance(env.instance);
    const auto arguments = by_name(definition.arguments);
    for (const auto& inner_definition : target.component->definitions) {
      repeated(work(inner_definition));
      if (const auto* import = std::get_if<ast::Import>(&inner_definition)) {
        const auto argument = arguments.find(import->name);
        if (argument == arguments.end())
          give_up(ErrorCode::InvalidFile, "a component's import '{}' is not given", import->name);
        add_item(inner, item_at(env, argument->second->sort, argument->second->index));
      } else {
        carry_out(inner, inner_definition);
      }
    }
    auto instance = std::make_shared<Instance>();
    instance->items = inner.exports;
    env.instances.push_back(std::move(instance));
  }

  void carry_out(Env& env, const ast::Definition& definition) {
    struct Visitor {
      Planner& self;
      Env& env;
      void operator()(const ast::CoreModule& d) {
        const auto [known, added] = self.modules_.try_emplace(
            d.offset, static_cast<std::uint32_t>(self.plan_.modules.size()));
        if (added) self.plan_.modules.push_back(d);
        env.core_modules.push_back({known->second});
      }
      void operator()(const ast::CoreInstantiate& d) { self.instantiate_core(env, d); }
      void operator()(const ast::CoreInlineInstance& d) {
        auto items = std::make_shared<std::map<std::string_view, CoreItem>>();
        for (const auto& item : d.exports)
          (*items)[item.name] = self.core_item(env, item.sort, item.index);
        env.core_instances.push_back({std::nullopt, std::move(items)});
      }
      void operator()(const ast::CoreType&) { ++env.core_types; }
      void operator()(const std::shared_ptr<ast::Component>& d) {
        env.components.push_back({d.get(), &env});
      }
      void operator()(const ast::Instantiate& d) { self.instantiate(env, d); }
      void operator()(const ast::InlineInstance& d) {
        auto instance = std::make_shared<Instance>();
        for (const auto& item : d.exports) {
          instance->items.emplace_back(item.name, self.item_at(env, item.sort, item.index));
        }
        env.instances.push_back(std::move(instance));
      }
      void operator()(const ast::Alias& d) { self.carry_out_alias(env, d); }
      void operator()(const std::shared_ptr<ast::TypeDef>& d) {
        env.types.push_back(self.type_item(env, *d));
      }
      void operator()(const ast::CanonLift& d) {
        Lift lift;
        lift.core_func = self.slot(at(env.core_funcs, d.core_func, "core function"));
        lift.options = self.options(env, d.options);
        lift.type = self.func_type(env, d.type);
        self.check_supported(*lift.type);
        lift.instance = env.instance;
        lift.signature = flatten(*lift.type, lift.context(), lift.options.width);
        self.plan_.lifts.push_back(lift);
        env.funcs.push_back({static_cast<std::uint32_t>(self.plan_.lifts.size() - 1), lift.type});
      }
      void operator()(const ast::CanonLower& d) {
        const Func& func = at(env.funcs, d.func, "function");
        self.check_supported(*func.type);
        if (func.type->async) self.unsupported("asynchronous functions (WASI 0.3)");
        Lowered lowered{func.target, self.options(env, d.options), func.type, env.instance, {}};
        lowered.signature = flatten(*func.type, lowered.context(), lowered.options.width);
        if (const auto* lift = std::get_if<std::uint32_t>(&func.target))
          lowered.recursive = self.related(self.plan_.lifts[*lift].instance, env.instance);
        env.core_funcs.push_back(self.host_func(std::move(lowered)));
      }
      void operator()(const ast::CanonResource& d) {
        builtin(ResourceBuiltin{d.op, self.resource_type(env, d.type), env.instance});
      }
      void operator()(const ast::CanonContext& d) {
        if (d.slot >= kContextSlots) give_up(ErrorCode::InvalidFile, "no context slot {}", d.slot);
        builtin(ContextBuiltin{d, env.instance});
      }
      void operator()(const ast::CanonBackpressure& d) {
        builtin(BackpressureBuiltin{d.op, env.instance});
      }
      void operator()(const ast::CanonTaskReturn& d) {
        self.unsupported("the canonical built-in task.return (WASI 0.3)");
        const Type* result = self.value_type(env, d.result);
        FuncType type;
        if (result) type.params.push_back({{}, result});
        const Options options = self.options(env, d.options);
        builtin(TaskReturnBuiltin{result, options, flatten(type, Context::AsyncLift, options.width),
                                  env.instance});
      }
      void operator()(const ast::CanonErrorContext& d) {
        builtin(ErrorContextBuiltin{d.op, self.options(env, d.options), env.instance});
      }
      void operator()(const ast::CanonUnsupported& d) {
        self.unsupported(fmt::format("the canonical built-in {} (WASI 0.3)", d.name));
        builtin(UnsupportedBuiltin{std::string(d.name), core_type(d.signature), env.instance});
      }
      void builtin(Builtin of) { env.core_funcs.push_back(self.host_func(std::move(of))); }
      void operator()(const ast::Import&) {
        give_up(ErrorCode::Internal, "an import was not given");
      }
      void operator()(const ast::Export& d) {
        Item item = self.item_at(env, d.sort, d.index);
        if (const auto* type = std::get_if<TypeItem>(&item)) {
          if (const auto* resource = std::get_if<ResourceType*>(type);
              resource && (*resource)->name.empty()) {
            (*resource)->name = d.name;
          }
        } else if (auto* func = std::get_if<Func>(&item);
                   func && d.ascribed && d.ascribed->kind == ast::ExternDesc::Kind::Func) {
          // The same type, but of parts that have names: those that are exported with it.
          func->type = self.func_type(env, d.ascribed->index);
        }
        self.add_item(env, item);
        env.exports.emplace_back(d.name, std::move(item));
      }
    };
    std::visit(Visitor{*this, env}, definition);
  }

  // ---- Exports of the root

  void name_type(std::string_view interface_name, std::string_view name, const TypeItem& item) {
    if (const auto* type = std::get_if<const Type*>(&item))
      plan_.type_names.emplace(*type,
                               Plan::TypeName{std::string(interface_name), std::string(name)});
    else if (const auto* resource = std::get_if<ResourceType*>(&item))
      plan_.exported_resources.push_back(
          {std::string(interface_name), std::string(name), *resource});
  }
  Width export_width(const Func& func) const {
    const auto* lift = std::get_if<std::uint32_t>(&func.target);
    return lift ? plan_.lifts[*lift].options.width : Width::W32;
  }
  void export_to_host(std::string_view name, const Item& item) {
    if (const auto* func = std::get_if<Func>(&item)) {
      plan_.exports.push_back(
          {{}, std::string(name), func->target, func->type, export_width(*func)});
    } else if (const auto* type = std::get_if<TypeItem>(&item)) {
      name_type({}, name, *type);
    } else if (const auto* instance = std::get_if<InstanceItem>(&item)) {
      plan_.exported_interfaces.emplace_back(name);
      for (const auto& [inner_name, inner] : (*instance)->items) {
        if (const auto* inner_func = std::get_if<Func>(&inner)) {
          plan_.exports.push_back({std::string(name), std::string(inner_name), inner_func->target,
                                   inner_func->type, export_width(*inner_func)});
        } else if (const auto* type = std::get_if<TypeItem>(&inner)) {
          name_type(name, inner_name, *type);
        }
      }
    }
  }

  Plan& plan_;
  std::vector<std::unique_ptr<Env>> envs_;
  std::map<CoreRef, std::uint32_t> slots_;
  std::vector<std::uint32_t> parents_;  // by component instance
  std::size_t repeated_ = 0;
  std::unordered_map<std::string, std::size_t> imports_;    // positions in the plan, by name
  std::unordered_map<std::size_t, std::uint32_t> modules_;  // the same, by offset in the file
  const Type* primitives_[14] = {};
  std::unordered_map<std::uint32_t, std::optional<CoreModuleInterface>> interfaces_;
};

}  // namespace

Result<std::unique_ptr<Plan>> make_plan(std::shared_ptr<ast::Component> component) {
  auto plan = std::make_unique<Plan>();
  plan->ast = component;
  try {
    Planner(*plan).run(*component);
    see_through_shims(*plan);
  } catch (PlanError& e) {
    if (e.error.code != ErrorCode::Unsupported) return std::unexpected(std::move(e.error));
    // What comes after it in the file may depend on it.
    plan->unsupported.push_back(std::move(e.error.message));
    plan->complete = false;
  }
  return plan;
}

Result<std::unique_ptr<Plan>> read_wit_package(std::shared_ptr<ast::Component> package) {
  auto plan = std::make_unique<Plan>();
  plan->ast = package;
  try {
    Planner(*plan).read_package(*package);
  } catch (PlanError& e) {
    return std::unexpected(std::move(e.error));
  }
  return plan;
}

}  // namespace unbolt::component
