// Calls of one component into another, each in a store of its own: where they go, and what the
// caller holds of the other meanwhile (component_link.h is what happens before).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unbolt/component/value_call.h"
#include "unbolt/host/component_link.h"
#include "unbolt/host/component_source.h"

namespace unbolt::host {

// How many components may have called each other to come to one.
inline constexpr unsigned kMaxCallDepth = 16;

// Where the links of one component lead, on one loop. Outlives its instances.
class ComponentSources {
 public:
  void set(std::string link, ComponentSource& source);
  // Null where nothing is linked under this name.
  ComponentSource* find(std::string_view link) const;

  // What the link's imports are in this revision of the callee: checked when it is first met.
  Result<std::shared_ptr<const LinkBinding>> bind(
      const std::shared_ptr<const ComponentLink>& link,
      const std::shared_ptr<const component::LinkedComponent>& callee,
      std::string_view callee_name);

 private:
  struct Bound {
    std::shared_ptr<const ComponentLink> link;
    std::weak_ptr<const component::LinkedComponent> callee;
    std::shared_ptr<const LinkBinding> binding;
  };
  std::vector<std::pair<std::string, ComponentSource*>> sources_;  // there are few
  std::vector<Bound> bound_;                                       // the newest last
};

class Callee;

// The other components that one instance calls. Belongs to whoever made the instance and outlives
// it, on its loop: what the instance still holds when it ends takes its callees away.
class Callees {
 public:
  // `component` is the caller's name. Null `sources`: it has no links.
  Callees(std::string_view component, ComponentSources* sources, unsigned depth);
  ~Callees();
  Callees(const Callees&) = delete;
  Callees& operator=(const Callees&) = delete;

  std::string_view component() const { return component_; }
  ComponentSources* sources() const { return sources_; }
  unsigned depth() const { return depth_; }
  // For the next call of an instance that is reused.
  void set_depth(unsigned depth) { depth_ = depth; }

  Callee& of(const std::shared_ptr<const ComponentLink>& link, component::Instance& caller);
  // Instances of others that are kept because something of theirs is held.
  std::size_t kept() const;

 private:
  std::string_view component_;
  ComponentSources* sources_;
  unsigned depth_;
  std::vector<std::unique_ptr<Callee>> callees_;
};

// Calls one of a link's functions: what each of its host functions does.
Reply<component::ValueFunction::Answer> call_through(
    component::Call& call, const std::shared_ptr<const ComponentLink>& link, std::size_t function,
    component::Values arguments);

// Of handles for a callee's resources; each resource has its own copy.
component::ResourceTag callee_resource_tag();

}  // namespace unbolt::host
