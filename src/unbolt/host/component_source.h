// Where calls of one component into another go: an instance of the other one, on the same loop.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <string_view>

#include "unbolt/base/task.h"
#include "unbolt/component/instance.h"
#include "unbolt/engine/fault.h"
#include "unbolt/engine/store.h"

namespace unbolt::host {

class ComponentPool;

// A live instance, for as long as the lease lives; keeps alive whatever the instance needs. On its
// loop. Destroying it drops the instance, with whatever was under way in it.
class ComponentLease {
 public:
  virtual ~ComponentLease() = default;
  virtual component::Instance& instance() = 0;
  // What its component allows one call to take.
  virtual std::chrono::milliseconds timeout() const = 0;
  // Gives the instance back, whole, to where it came from. Once, last: nothing of the lease is
  // called afterwards.
  virtual void release() = 0;
};

struct LeaseTerms {
  engine::Deadline deadline;  // of whoever calls
  unsigned depth;             // how many components have called each other to come here
};

// A component as one loop serves it; which revision that is may be another one each time. Outlives
// the instances whose links lead to it.
class ComponentSource {
 public:
  using Leased = std::expected<std::unique_ptr<ComponentLease>, engine::Fault>;

  // The component's, for messages.
  virtual std::string_view name() const = 0;
  // A started instance, whose deadline is the earlier of the one in `terms` and of what the
  // component itself allows; its own links are called at `terms.depth`.
  virtual Task<Leased> lease(LeaseTerms terms) = 0;

 protected:
  ~ComponentSource() = default;
};

// A component with one revision. The pool outlives the leases.
class PoolSource final : public ComponentSource {
 public:
  explicit PoolSource(ComponentPool& pool) : pool_(pool) {}
  std::string_view name() const override;
  Task<Leased> lease(LeaseTerms terms) override;

 private:
  ComponentPool& pool_;
};

}  // namespace unbolt::host
