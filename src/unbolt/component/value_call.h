// Functions by value: exports that are called, and host functions that answer, without a C++ type
// of their own. What calls by name (`unbolt call`), tests that compare engines, and contracts that
// this program has never heard of stand on.
#pragma once

#include <functional>
#include <optional>
#include <span>

#include "unbolt/base/error.h"
#include "unbolt/base/reply.h"
#include "unbolt/component/host_interface.h"
#include "unbolt/component/lifted_call.h"
#include "unbolt/component/lowered_call.h"
#include "unbolt/component/value.h"

namespace unbolt::component {

// Whether a function can be called, or be answered, by value: not where its type holds anything
// asynchronous, or handles of imported resources that are no class of the host's (`ids` says which
// are). The message names the first that is in the way.
Result<> check_values(const FuncType& type, const ResourceIds& ids);
// The same for values that mean something outside of a store: not where the type holds any handle.
Result<> check_plain_values(const FuncType& type);
// Whether an export can be called with such values; else why not.
Result<> check_callable(const ExportedFunc& func);

// A host function by value, given to a `HostInterface`. It gets one value for each parameter, of
// the type that the component imports it with (`Call::type`), and answers a value of the result's
// type, or none where there is no result: now, or later, for which the guest is parked. An Error
// makes the guest trap, with a fault of the kind that its code says; so does an answer of another
// shape, as an internal fault. Own handles among the arguments belong to the function; what is
// lent, and every view of the instance, ends with the call. Called on the instance's loop, on the
// guest's fiber.
struct ValueFunction {
  using Answer = Result<std::optional<Value>>;
  std::function<Reply<Answer>(Call&, Values)> answer;
};

// A call of an export with values, as ExportCall (bind.h) is with C++ types. Single use. `func`
// must be a lift of the instance's component, its type pass `check_values`, and the arguments have
// its parameters' shapes (JSON that was read by value_json.h has them). Borrowed ones live until
// the call has ended.
class ValueCall final : public engine::Store::Body, private ResultTaker {
 public:
  ValueCall(Instance& instance, const ExportedFunc& func, Values arguments);

  // Starts it; true when it has ended at once. Else await `store().settle()`.
  bool begin() { return instance_.store().begin(*this); }
  // After it has ended without a fault; nothing where the function returns nothing.
  std::optional<Value>& result() { return result_; }

  engine::Trap* run(engine::Store& store) override;

 private:
  bool lower_arguments(LiftLowerContext& cx, std::span<engine::Raw> raw);
  bool take(LiftLowerContext& cx, FlatReader in, bool in_memory) override;

  Instance& instance_;
  const Lift& lift_;
  Values arguments_;
  std::optional<Value> result_;
};

// Runs the destructor of a resource that a component of the instance defines and the host was given
// (`GuestResource`). Single use.
class ResourceDrop final : public engine::Store::Body {
 public:
  ResourceDrop(Instance& instance, const ResourceType& resource, std::uint32_t rep)
      : instance_(instance), resource_(resource), rep_(rep) {}

  // As ValueCall's.
  bool begin() { return instance_.store().begin(*this); }

  engine::Trap* run(engine::Store& store) override;

 private:
  Instance& instance_;
  const ResourceType& resource_;
  const std::uint32_t rep_;
};

}  // namespace unbolt::component
