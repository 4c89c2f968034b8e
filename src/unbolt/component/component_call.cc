#include "unbolt/component/component_call.h"

#include "unbolt/component/lifted_call.h"
#include "unbolt/component/lowered_call.h"
#include "unbolt/component/transfer.h"

namespace unbolt::component {
namespace {

using engine::Raw;
using engine::Trap;

constexpr std::size_t kRawValues = kMaxFlatParams + 1;
// CanonicalABI.md, "Subtask.State": what an async call answers that has returned already.
constexpr std::int32_t kReturned = 2;

// The result's way back to the caller.
class TakeBack final : public ResultTaker {
 public:
  TakeBack(LiftLowerContext& caller, std::uint32_t caller_instance, const Type* result, Side to)
      : caller_(caller), caller_instance_(caller_instance), result_(result), to_(to) {}

  bool take(LiftLowerContext& callee, FlatReader in, bool in_memory) override {
    caller_.guest_ran();
    if (!result_) return true;
    // The reader's values are not written.
    const Side from = in_memory ? Side(InMemory{in.pointer(callee.width())})
                                : Side(FlatValues{const_cast<Raw*>(in.rest())});
    // Here the callee's context is the one that values are lifted from.
    Transfer out(callee, caller_, caller_instance_);
    return out.result(*result_, from, to_) || pass_on(callee);
  }

 private:
  // A trap of either side is the callee's to report.
  bool pass_on(LiftLowerContext& callee) {
    if (Trap* trap = caller_.trap()) callee.adopt(trap);
    return false;
  }

  LiftLowerContext& caller_;
  std::uint32_t caller_instance_;
  const Type* result_;
  Side to_;
};

Trap* either_trap(LiftLowerContext& a, LiftLowerContext& b) {
  if (Trap* first = a.trap()) {
    if (Trap* second = b.trap()) wasm_trap_delete(second);
    return first;
  }
  return b.trap();
}

}  // namespace

Trap* call_component(void* env, engine::Caller* caller, Raw* raw, std::size_t) noexcept {
  const auto& func = *static_cast<const LoweredFunc*>(env);
  Instance& instance = Instance::of(caller);
  const Lowered& lowered = *func.lowered;
  const Lift& lift = func.component->plan().lifts[std::get<std::uint32_t>(lowered.target)];
  const FuncType& type = *lowered.type;
  const FlatSignature& outside = lowered.signature;
  const FlatSignature& inside = lift.signature;

  using Peer = LiftLowerContext::Peer;
  LiftLowerContext outer(instance, lowered.options, lowered.instance, Peer::Guest);
  LiftLowerContext inner(instance, lift.options, lift.instance, Peer::Guest);
  if (!may_leave(outer)) return outer.trap();
  if (lowered.recursive) inner.fail("cannot enter component instance");
  if (lowered.recursive || !may_enter(inner)) return inner.trap();

  Raw values[kRawValues];
  Transfer in(outer, inner, lift.instance);
  Side to = FlatValues{values};
  if (inside.params_in_memory) {
    const Layout& layout = type.params_in(inner.width());
    std::uint64_t at;
    if (!inner.allocate(layout.size, layout.alignment, at)) return either_trap(outer, inner);
    FlatWriter(values).u64(at);
    to = InMemory{at};
  }
  const Side from = outside.params_in_memory
                        ? Side(InMemory{FlatReader(raw).pointer(outer.width())})
                        : Side(FlatValues{raw});
  if (!in.params(type, from, to)) return either_trap(outer, inner);

  const Side back =
      outside.result_in_memory
          ? Side(InMemory{FlatReader(raw + outside.core.params.size() - 1).pointer(outer.width())})
          : Side(FlatValues{raw});
  TakeBack results(outer, lowered.instance, type.result, back);
  if (Trap* trap = call_lifted(inner, lift, values, results)) return trap;
  if (lowered.options.async) raw[0].i32 = kReturned;
  return nullptr;
}

}  // namespace unbolt::component
