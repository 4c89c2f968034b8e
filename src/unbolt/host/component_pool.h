// Live instances of one component on one loop: made when they are needed, fresh for each request or
// reused.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "unbolt/component/instance.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/engine/store.h"
#include "unbolt/host/callees.h"
#include "unbolt/host/concurrency_gate.h"
#include "unbolt/wasi/context.h"

namespace unbolt::host {

// How long an instance lives. Fresh: one request. Reused: so many, one after the other.
struct Isolation {
  std::uint32_t requests = 1;
  bool fresh() const { return requests == 1; }
};
// `fresh` or `reused:N`.
Result<Isolation> parse_isolation(std::string_view text);

struct Limits {
  std::uint64_t memory_bytes = 256ull << 20;  // of each memory of an instance
  std::chrono::milliseconds timeout{30'000};  // of one request, from its head to its end
  std::size_t instances = 1'000;              // live at a time, over all loops
};

// One component as it is served: what all loops share. Immutable once served, but for the count of
// instances.
struct ServedComponent {
  std::string name;
  std::shared_ptr<const component::LinkedComponent> component;
  wasi::Environment environment;
  contracts::Links links;
  wasi::StandardStreams streams;
  Limits limits;
  Isolation isolation;
  std::string revision = {};              // the digest of its file, for the audit log
  contracts::AuditLog* audit = nullptr;   // outlives it; null: nobody is told
  std::shared_ptr<ConcurrencyGate> gate;  // null: as many calls at a time as there may be instances
  mutable std::atomic<std::size_t> live_instances = 0;
};

// An instance with what stands behind it.
class LiveInstance {
 public:
  LiveInstance(const ServedComponent& served, const engine::FiberSupport& fibers,
               http::Client& client, Executor loop, ComponentSources* sources = nullptr,
               unsigned depth = 0);
  ~LiveInstance();
  LiveInstance(const LiveInstance&) = delete;
  LiveInstance& operator=(const LiveInstance&) = delete;

  component::Instance& instance() { return instance_; }
  wasi::Context& wasi() { return wasi_; }
  Callees& callees() { return callees_; }
  // Links that it chooses by name: those of its start hold for every request, those of a request
  // for that one alone. To be said when it has started, and before each further request.
  void keep_choices() { chosen_at_start_ = guest_.chosen; }
  void reset_choices() { guest_.chosen = chosen_at_start_; }
  std::uint32_t requests = 0;

 private:
  const ServedComponent& served_;
  wasi::Context wasi_;
  Callees callees_;
  contracts::Guest guest_;
  contracts::LinkChoices chosen_at_start_;
  component::Instance instance_;
};

// Bound to one loop; outlived by what it is made with.
class ComponentPool {
 public:
  // `sources`: where its links to other components lead; null: it has none.
  ComponentPool(const ServedComponent& served, const engine::FiberSupport& fibers,
                http::Client& client, Executor loop, ComponentSources* sources = nullptr)
      : served_(served), fibers_(fibers), client_(client), loop_(loop), sources_(sources) {}

  // A started instance; its deadline is set first, so that a start that never ends is ended.
  // `depth`: how many components have called each other to come to this one.
  Task<std::expected<std::unique_ptr<LiveInstance>, engine::Fault>> lease(engine::Deadline deadline,
                                                                          unsigned depth = 0);
  // One for this request alone, which `prepare` sees before any of its code runs.
  Task<std::expected<std::unique_ptr<LiveInstance>, engine::Fault>> make(
      engine::Deadline deadline, std::function<void(wasi::Context&)> prepare, unsigned depth = 0);
  // Gives back an instance that is whole. One that trapped or timed out is dropped instead of being
  // given back.
  void release(std::unique_ptr<LiveInstance> instance);
  // Lets go of idle instances that keep one of another component.
  void drop_holders();

  const ServedComponent& served() const { return served_; }

 private:
  const ServedComponent& served_;
  const engine::FiberSupport& fibers_;
  http::Client& client_;
  Executor loop_;
  ComponentSources* sources_;
  std::vector<std::unique_ptr<LiveInstance>> idle_;
};

}  // namespace unbolt::host
