// Contracts of one's own: interfaces that one component imports and another exports, each in a
// store of its own. This is what happens when the caller is linked; callees.h is what happens at a
// call.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/component/host_interface.h"
#include "unbolt/component/linked_component.h"

namespace unbolt::host {

// Another component that meets a contract, or a plug-in.
struct LinkTo {
  std::string link;       // by which callees.h finds where its calls go
  std::string component;  // its name, for messages
  std::shared_ptr<const component::LinkedComponent> callee;  // null: a plug-in (plugin_link.h)
};
// By contract: an interface ("shop:pricing/prices@1.2.0" by semver, "shop:pricing/prices" in every
// version) or a whole package ("shop:pricing"); the narrowest one counts. Where several name the
// same link, they lead to the same instances, and resources of one interface may appear in another.
using ComponentLinks = std::map<std::string, LinkTo, std::less<>>;

// What the caller imports through the link of this contract.
std::vector<const component::ImportedInterface*> imports_of(const component::Plan& caller,
                                                            const ComponentLinks& links,
                                                            std::string_view contract);

// Adds to `host` every interface that `caller` imports and one of `links` meets, after checking
// that the callee exports each function that is imported, of exactly the same type (labels
// included; a resource by its place in the interface). The error names all that does not fit:
// NotFound (an interface or a function is missing, or nothing imports the contract), Conflict
// (another type), Unsupported (asynchronous functions, streams, futures, and resources that are not
// the callee's own). With a HostInterfaces that is then thrown away, it checks whether a new
// revision of either fits.
Result<> link_components(std::shared_ptr<const component::ComponentFile> caller,
                         const ComponentLinks& links, component::HostInterfaces& host);

// What a link's imports are in one revision of the callee, in the order in which the link has them.
// Belongs to that revision's plan.
struct LinkBinding {
  std::vector<const component::ExportedFunc*> functions;
  std::vector<const component::ResourceType*> resources;  // null: no function speaks of it
};

// What a component imports through one link. Immutable, shared by all loops.
class ComponentLink {
 public:
  struct Function {
    std::string interface_name, name;  // as they are imported
    const component::FuncType* type;
    std::string display() const { return interface_name + "#" + name; }
  };
  struct Resource {
    std::string interface_name, name;
    component::ResourceTag tag;  // of its handles in the caller
  };

  ComponentLink(std::string name, std::shared_ptr<const component::ComponentFile> caller);
  ComponentLink(const ComponentLink&) = delete;
  ComponentLink& operator=(const ComponentLink&) = delete;

  // While it is being made.
  void add(const component::ImportedInterface& import);
  static void offer(const std::shared_ptr<const ComponentLink>& link,
                    component::HostInterfaces& host);

  const std::string& name() const { return name_; }
  const std::vector<Function>& functions() const { return functions_; }
  const std::deque<Resource>& resources() const { return resources_; }
  // The number of a resource that the caller imports; nothing where it is not of this link.
  std::optional<std::size_t> find(const component::ResourceType& resource) const;

  // Whether this revision of the callee fits, as `link_components` says.
  Result<LinkBinding> bind(const component::Plan& callee, std::string_view callee_name) const;

 private:
  std::string name_;
  std::shared_ptr<const component::ComponentFile> caller_;
  std::vector<std::string> interfaces_;
  std::vector<Function> functions_;
  std::deque<Resource> resources_;  // the addresses of tags are stable
};

}  // namespace unbolt::host
