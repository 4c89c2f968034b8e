// What the host offers to components: interfaces by name and version, with functions bound by their
// C++ types, or by value.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unbolt/component/handle_table.h"
#include "unbolt/component/types.h"
#include "unbolt/engine/module.h"

namespace unbolt::component {

// By ResourceType::index: what stands for the resource at run time. Null for imports whose class is
// not known.
using ResourceIds = std::vector<ResourceId>;

struct Plan;

struct ValueFunction;  // value_call.h

// A function of the host's, made by `HostInterface::func`.
struct HostFunction {
  engine::HostCallback callback;
  // Whether the C++ signature has the shape of `type`.
  bool (*accepts)(const FuncType& type, const ResourceIds& ids);
  std::shared_ptr<const ValueFunction> by_value;  // null: bound by its C++ type
  std::shared_ptr<const void> context = nullptr;  // what a callback of another kind needs to know
};
// By value, with whatever type a component imports it. Defined beside value_call.h.
HostFunction host_function(ValueFunction function);

template <auto Fn>
struct HostThunk;  // bind.h

// One interface. Built at start, then immutable.
class HostInterface {
 public:
  explicit HostInterface(std::string name) : name_(std::move(name)) {}

  // `Fn` is `R (Call&, Args...)`; its signature is checked against a component's import when that
  // is linked. Include bind.h to use it.
  template <auto Fn>
  HostInterface& func(std::string_view name) {
    funcs_.emplace(name, HostFunction{&HostThunk<Fn>::invoke, &HostThunk<Fn>::accepts, nullptr});
    return *this;
  }
  // By value, with whatever type a component imports it. Include value_call.h to use these.
  HostInterface& func(std::string_view name, ValueFunction function);
  // With a callback of its own; its `env` is the LoweredFunc (linked_component.h).
  HostInterface& func(std::string_view name, HostFunction function) {
    funcs_.emplace(name, std::move(function));
    return *this;
  }
  // The same for every function that is not here by its name.
  HostInterface& otherwise(ValueFunction function);
  // Says that objects of class T stand for the resource `name`.
  template <class T>
  HostInterface& resource(std::string_view name) {
    return resource(name, kResourceTag<T>);
  }
  // The same for objects that no C++ class tells apart. The tag outlives everything made of it.
  HostInterface& resource(std::string_view name, const ResourceTag& tag) {
    resources_.emplace(name, &tag);
    return *this;
  }

  // Offers it to imports of its path in every version; whether a component's functions are of these
  // types is checked when it is linked, as for those of this version.
  HostInterface& every_version() {
    every_version_ = true;
    return *this;
  }
  bool is_every_version() const { return every_version_; }

  const std::string& name() const { return name_; }
  const HostFunction* find(std::string_view name) const {
    const auto found = funcs_.find(name);
    if (found != funcs_.end()) return &found->second;
    return otherwise_ ? &*otherwise_ : nullptr;
  }
  // The function's type by the contract's WIT, for messages and for comparing labels; null where it
  // is not known.
  const FuncType* declared(std::string_view name) const {
    const auto found = declared_.find(name);
    return found == declared_.end() ? nullptr : found->second;
  }
  void declare(std::string_view name, const FuncType* type) { declared_.emplace(name, type); }
  const ResourceTag* find_resource(std::string_view name) const {
    const auto found = resources_.find(name);
    return found == resources_.end() ? nullptr : found->second;
  }

 private:
  std::string name_;
  bool every_version_ = false;
  std::map<std::string, HostFunction, std::less<>> funcs_;
  std::optional<HostFunction> otherwise_;
  std::map<std::string, const ResourceTag*, std::less<>> resources_;
  std::map<std::string, const FuncType*, std::less<>> declared_;
};

// All of them. Built at start by whoever wires the program; immutable and shared afterwards.
class HostInterfaces {
 public:
  HostInterfaces() = default;
  // With what `base` has where there is nothing here by the name; it outlives this.
  explicit HostInterfaces(const HostInterfaces* base) : base_(base) {}

  // `name` carries the newest version that is offered ("wasi:io/streams@0.2.12").
  HostInterface& add(std::string name) { return interfaces_.emplace_back(std::move(name)); }
  // Tells the interfaces of a WIT package (plan.h, `read_wit_package`) the types of their
  // functions, and keeps it.
  void declare(std::shared_ptr<const Plan> package);
  // The one that meets an import by semver, else one of its path that is offered in every version;
  // null where there is none.
  const HostInterface* find(std::string_view import_name) const;
  // The name most like it, for messages: of its path, of its package, or one spelled nearly so; ""
  // where nothing is.
  std::string nearest(std::string_view import_name) const;
  // Without those of a base.
  const std::deque<HostInterface>& all() const { return interfaces_; }

 private:
  const HostInterfaces* base_ = nullptr;
  std::deque<HostInterface> interfaces_;
  std::vector<std::shared_ptr<const Plan>> declarations_;
};

}  // namespace unbolt::component
