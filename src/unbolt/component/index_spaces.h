// What the planner (planner.cc) has of a component while it carries out its definitions: the index
// spaces (Explainer.md, "Index Spaces"), filled with what each definition stands for. Nothing else
// includes this.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <fmt/format.h>

#include "unbolt/base/error.h"
#include "unbolt/component/ast.h"
#include "unbolt/component/plan.h"

namespace unbolt::component::planning {

// Found while planning; caught in `make_plan`.
struct PlanError {
  Error error;
};
template <class... Args>
[[noreturn]] void give_up(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
  throw PlanError{Error{code, fmt::format(format, std::forward<Args>(args)...), {}}};
}

struct Env;

struct CoreItem {
  CoreRef ref;
  ast::CoreSort sort;
};
struct CoreInstance {
  // An instantiated module, or a bundle of items given names.
  std::optional<std::uint32_t> step;
  std::shared_ptr<std::map<std::string_view, CoreItem>> items;
};
struct Func {
  std::variant<std::uint32_t, const ImportedFunc*> target;
  const FuncType* type;
};
// The type of an instance or component is kept as it stands in the file, with the scope it refers
// to.
struct TypeScope {
  const ast::TypeDef* def;
  const Env* scope;
};
using TypeItem = std::variant<const Type*, const FuncType*, ResourceType*, TypeScope>;
struct ComponentItem {
  const ast::Component* component;
  const Env* scope;
};
struct CoreModuleItem {
  std::uint32_t module;
};
struct Instance;
using InstanceItem = std::shared_ptr<const Instance>;
using Item = std::variant<Func, TypeItem, InstanceItem, ComponentItem, CoreModuleItem>;
struct Instance {
  std::vector<std::pair<std::string_view, Item>> items;  // in order
  const Item* find(std::string_view name) const {
    for (; indexed_ < items.size(); ++indexed_) index_.emplace(items[indexed_].first, indexed_);
    const auto found = index_.find(name);
    return found == index_.end() ? nullptr : &items[found->second].second;
  }

 private:
  // Positions by name, made when they are needed.
  mutable std::unordered_map<std::string_view, std::size_t> index_;
  mutable std::size_t indexed_ = 0;
};

// The index spaces of one component being instantiated, or of one type being read.
struct Env {
  const Env* parent = nullptr;
  std::uint32_t instance = 0;  // component instance

  std::vector<CoreItem> core_funcs, core_tables, core_memories, core_globals, core_tags;
  std::vector<CoreInstance> core_instances;
  std::vector<CoreModuleItem> core_modules;
  std::size_t core_types = 0;
  std::vector<Func> funcs;
  std::vector<TypeItem> types;
  std::vector<InstanceItem> instances;
  std::vector<ComponentItem> components;

  std::vector<std::pair<std::string_view, Item>> exports;
};

template <class T>
const T& at(const std::vector<T>& space, std::uint32_t index, std::string_view what) {
  if (index >= space.size())
    give_up(ErrorCode::InvalidFile, "{} index {} is out of bounds", what, index);
  return space[index];
}

}  // namespace unbolt::component::planning
