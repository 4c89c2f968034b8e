#include "unbolt/host/component_link.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "unbolt/component/names.h"
#include "unbolt/component/value_call.h"
#include "unbolt/host/callees.h"
#include "unbolt/host/plugin_link.h"

namespace unbolt::host {
namespace {

using component::ExportedFunc;
using component::ExportedResource;
using component::FuncType;
using component::Plan;
using component::ResourceType;
using component::Type;
using component::TypeKind;

bool same_interface(std::string_view a, std::string_view b) {
  return a == b || component::track_of(a) == component::track_of(b);
}

// Of several in the same line of versions, the one that has the very version.
const std::string* find_exported(const Plan& callee, std::string_view wanted) {
  const std::string* found = nullptr;
  for (const std::string& name : callee.exported_interfaces) {
    if (name == wanted) return &name;
    if (!found && same_interface(name, wanted)) found = &name;
  }
  return found;
}

std::string list_of(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 12;
  if (names.empty()) return "nothing";
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < kMost; ++i) text += (i ? ", " : "") + names[i];
  return names.size() > kMost ? text + ", …" : text;
}

// Everything that is wrong, gathered before anything is said.
class Problems {
 public:
  template <class... Args>
  void add(ErrorCode code, fmt::format_string<Args...> format, Args&&... args) {
    if (text_.empty()) code_ = code;
    text_ += "\n  " + fmt::format(format, std::forward<Args>(args)...);
  }
  bool empty() const { return text_.empty(); }
  Error error(std::string_view what) const {
    return {code_, std::string(what) + text_,
            "build both from the same WIT, or link to a component that exports what is imported"};
  }

 private:
  ErrorCode code_ = ErrorCode::NotFound;
  std::string text_;
};

// One function of an interface: whether the export is what the import expects.
class FunctionMatch {
 public:
  FunctionMatch(const ComponentLink& link, const Plan& callee, LinkBinding& binding,
                std::string_view callee_name, Problems& problems)
      : link_(link),
        callee_(callee),
        binding_(binding),
        callee_name_(callee_name),
        problems_(problems) {}

  void match(const ComponentLink::Function& import, const ExportedFunc& exported) {
    if (!std::holds_alternative<std::uint32_t>(exported.target)) {
      problems_.add(ErrorCode::Unsupported,
                    "{}: component '{}' only passes on what it imports itself: link to the "
                    "component that has it",
                    import.display(), callee_name_);
      return;
    }
    if (import.type->async || exported.type->async) {
      problems_.add(ErrorCode::Unsupported,
                    "{}: asynchronous functions (WASI 0.3) cannot be called across stores yet",
                    import.display());
      return;
    }
    if (const Type* part = component::find_part(
            *import.type, [&](const Type& type) { return !can_cross(type); })) {
      refuse(import, *part);
      return;
    }
    const bool equal = component::equal_shape(
        *import.type, *exported.type,
        [&](const ResourceType& a, const ResourceType& b) { return same_place(a, b); });
    if (!equal) {
      problems_.add(ErrorCode::Conflict,
                    "{}: the import is\n      {}\n    and component '{}' exports\n      {}",
                    import.display(), to_wit(*import.type), callee_name_, to_wit(*exported.type));
    }
  }

 private:
  bool can_cross(const Type& type) const {
    switch (type.kind) {
      case TypeKind::Stream:
      case TypeKind::Future:
      case TypeKind::ErrorContext: return false;
      case TypeKind::Own:
      case TypeKind::Borrow: {
        const auto number = link_.find(*type.resource);
        if (!number) return false;
        const ExportedResource* exported = exported_as(*number);
        return !exported || !exported->type->imported;
      }
      default: return true;
    }
  }
  void refuse(const ComponentLink::Function& import, const Type& part) {
    if (!part.resource) {
      problems_.add(ErrorCode::Unsupported, "{}: its type holds {}, which cannot cross stores yet",
                    import.display(), to_wit(&part));
      return;
    }
    problems_.add(ErrorCode::Unsupported,
                  "{}: its type holds {}#{}, which is no resource of component '{}': only its own "
                  "can be handed over; pass what is in it instead (bytes, strings, records)",
                  import.display(), part.resource->interface_name, part.resource->name,
                  callee_name_);
  }
  const ExportedResource* exported_as(std::size_t number) const {
    const auto& wanted = link_.resources()[number];
    for (const ExportedResource& exported : callee_.exported_resources) {
      if (exported.name == wanted.name &&
          same_interface(exported.interface_name, wanted.interface_name))
        return &exported;
    }
    return nullptr;
  }
  // The caller's and the callee's; notes which is which.
  bool same_place(const ResourceType& imported, const ResourceType& defined) {
    const auto number = link_.find(imported);
    if (!number) return false;
    const ExportedResource* exported = exported_as(*number);
    if (!exported || exported->type != &defined) return false;
    binding_.resources[*number] = &defined;
    return true;
  }

  const ComponentLink& link_;
  const Plan& callee_;
  LinkBinding& binding_;
  std::string_view callee_name_;
  Problems& problems_;
};

std::vector<std::string> functions_of(const Plan& callee, std::string_view interface_name) {
  std::vector<std::string> names;
  for (const auto& exported : callee.exports) {
    if (exported.interface_name == interface_name) names.push_back(exported.name);
  }
  return names;
}

// How closely a contract says what it means.
int narrowness(std::string_view contract) {
  return (contract.contains('/') ? 2 : 0) + (contract.contains('@') ? 1 : 0);
}

const ComponentLinks::value_type* find_link(const ComponentLinks& links,
                                            std::string_view interface_name) {
  const ComponentLinks::value_type* found = nullptr;
  for (const auto& link : links) {
    if (component::names_interface(link.first, interface_name) &&
        (!found || narrowness(link.first) > narrowness(found->first)))
      found = &link;
  }
  return found;
}

std::vector<std::string> names_of(const std::vector<component::ImportedInterface>& imports) {
  std::vector<std::string> names;
  for (const auto& import : imports) names.push_back(import.name);
  return names;
}

}  // namespace

ComponentLink::ComponentLink(std::string name,
                             std::shared_ptr<const component::ComponentFile> caller)
    : name_(std::move(name)), caller_(std::move(caller)) {}

void ComponentLink::add(const component::ImportedInterface& import) {
  interfaces_.push_back(import.name);
  for (const auto* func : import.funcs)
    functions_.push_back({func->interface_name, func->name, func->type});
  for (const auto* resource : import.resources) {
    if (!find(*resource))
      resources_.push_back({resource->interface_name, resource->name, callee_resource_tag()});
  }
}

std::optional<std::size_t> ComponentLink::find(const ResourceType& resource) const {
  for (std::size_t i = 0; i < resources_.size(); ++i) {
    if (resources_[i].name == resource.name &&
        same_interface(resources_[i].interface_name, resource.interface_name))
      return i;
  }
  return std::nullopt;
}

void ComponentLink::offer(const std::shared_ptr<const ComponentLink>& link,
                          component::HostInterfaces& host) {
  // Two versions of one interface may be imported that the host tells apart by nothing.
  std::map<std::string, component::HostInterface*> by_track;
  for (const std::string& name : link->interfaces_) {
    auto& interface = by_track[component::track_of(name)];
    if (!interface) interface = &host.add(name);
  }
  const auto of = [&](const std::string& name) -> component::HostInterface& {
    return *by_track.at(component::track_of(name));
  };
  for (const Resource& resource : link->resources_)
    of(resource.interface_name).resource(resource.name, resource.tag);
  for (std::size_t i = 0; i < link->functions_.size(); ++i) {
    const Function& function = link->functions_[i];
    of(function.interface_name)
        .func(function.name,
              component::ValueFunction{[link, i](component::Call& call, component::Values values) {
                return call_through(call, link, i, std::move(values));
              }});
  }
}

Result<LinkBinding> ComponentLink::bind(const Plan& callee, std::string_view callee_name) const {
  Problems problems;
  LinkBinding binding;
  binding.resources.resize(resources_.size());
  FunctionMatch match(*this, callee, binding, callee_name, problems);
  for (const std::string& name : interfaces_) {
    if (!find_exported(callee, name)) {
      problems.add(ErrorCode::NotFound, "{}: component '{}' does not export it; it exports {}",
                   name, callee_name, list_of(callee.exported_interfaces));
    }
  }
  for (const Function& function : functions_) {
    binding.functions.push_back(nullptr);
    const std::string* interface = find_exported(callee, function.interface_name);
    if (!interface) continue;
    const auto exported =
        std::find_if(callee.exports.begin(), callee.exports.end(), [&](const ExportedFunc& item) {
          return item.interface_name == *interface && item.name == function.name;
        });
    if (exported == callee.exports.end()) {
      problems.add(ErrorCode::NotFound, "{}: component '{}' has no such function in {}; it has {}",
                   function.display(), callee_name, *interface,
                   list_of(functions_of(callee, *interface)));
      continue;
    }
    binding.functions.back() = &*exported;
    match.match(function, *exported);
  }
  if (!problems.empty())
    return std::unexpected(
        problems.error(fmt::format("component '{}' does not meet what is imported:", callee_name)));
  return binding;
}

std::vector<const component::ImportedInterface*> imports_of(const Plan& caller,
                                                            const ComponentLinks& links,
                                                            std::string_view contract) {
  std::vector<const component::ImportedInterface*> imports;
  for (const auto& import : caller.imports) {
    const auto* found = find_link(links, import.name);
    if (found && found->first == contract) imports.push_back(&import);
  }
  return imports;
}

Result<> link_components(std::shared_ptr<const component::ComponentFile> caller,
                         const ComponentLinks& links, component::HostInterfaces& host) {
  struct Made {
    std::shared_ptr<ComponentLink> link;
    const LinkTo* to;
  };
  std::map<std::string, Made> made;
  std::set<std::string> used;
  const auto& imports = caller->plan().imports;
  for (const auto& import : imports) {
    const auto* found = find_link(links, import.name);
    if (!found) continue;
    const auto& [contract, to] = *found;
    used.insert(contract);
    if (!to.callee) continue;
    Made& of = made[to.link];
    if (!of.link) of = {std::make_shared<ComponentLink>(to.link, caller), &to};
    if (of.to->callee != to.callee)
      return fail(ErrorCode::Conflict, "link '{}' leads to two components, {} and {}", to.link,
                  of.to->component, to.component);
    of.link->add(import);
  }
  for (const auto& [contract, to] : links) {
    if (used.contains(contract)) continue;
    return std::unexpected(
        Error{ErrorCode::NotFound,
              fmt::format("the component does not import {}, which is linked to {} '{}'; it "
                          "imports {}",
                          contract, to.callee ? "component" : "plug-in", to.component,
                          list_of(names_of(imports))),
              "take the link out, or name one of these"});
  }
  for (const auto& [name, of] : made)
    UNBOLT_TRY(of.link->bind(of.to->callee->plan(), of.to->component));
  // Into a set of their own first: what fails has offered nothing.
  std::size_t place = 0;
  component::HostInterfaces trial;
  for (const auto& [contract, to] : links) {
    if (!to.callee)
      UNBOLT_TRY(offer_plugin(place++, caller, imports_of(caller->plan(), links, contract), trial));
  }
  place = 0;
  for (const auto& [contract, to] : links) {
    if (!to.callee)
      UNBOLT_TRY(offer_plugin(place++, caller, imports_of(caller->plan(), links, contract), host));
  }
  for (const auto& [name, of] : made) ComponentLink::offer(of.link, host);
  return {};
}

}  // namespace unbolt::host
