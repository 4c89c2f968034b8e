// Leaving a component through one of its imports (CanonicalABI.md, "canon lower"): what host
// functions by C++ type (bind.h) and by value (value_call.h) share.
#pragma once

#include <exception>
#include <optional>
#include <string>
#include <utility>

#include "unbolt/base/reply.h"
#include "unbolt/component/lift_lower.h"

namespace unbolt::component {

// One call from the guest, as a host function sees it. Lives for the call.
class Call {
 public:
  Call(Instance& instance, const LoweredFunc& func) : instance_(instance), func_(func) {}
  Instance& instance() const { return instance_; }
  // What the instance was made with.
  template <class T>
  T& host() const {
    return *static_cast<T*>(instance_.host());
  }
  // The import's own spelling: "wasi:keyvalue/store@0.2.0-draft".
  const std::string& interface_name() const { return func_.import->interface_name; }
  const std::string& name() const { return func_.import->name; }
  // As the component imports it.
  const FuncType& type() const { return *func_.lowered->type; }

 private:
  Instance& instance_;
  const LoweredFunc& func_;
};

// False, with the context's trap set, where the guest runs on behalf of the ABI itself (realloc,
// post-return). Ask before anything is lifted.
inline bool may_leave(LiftLowerContext& cx) {
  return cx.state().may_leave || cx.fail("cannot leave component instance");
}

// The engine callback for a host function that is lowered `async`, which traps: they are not
// carried out yet.
engine::Trap* call_host_async(void* lowered_func, engine::Caller*, engine::Raw*,
                              std::size_t) noexcept;

// A host function failed: the guest traps, for a reason that says whether it took too long, found
// no room, or was left.
[[nodiscard]] engine::Trap* trap_for(Instance& instance, const Error& error);

// A host function threw: a bug of ours, never the guest's.
[[nodiscard]] engine::Trap* internal_error(Instance& instance, std::exception_ptr failure);

namespace detail {

// Runs on the loop while the guest is parked; the references are to its fiber's stack, which waits
// for us.
template <class T>
Task<> await_into(Task<T> task, std::optional<T>& value, std::exception_ptr& failure) {
  try {
    value.emplace(co_await std::move(task));
  } catch (...) {
    failure = std::current_exception();
  }
}

}  // namespace detail

// `finish(value)` with what was replied, for which the guest is parked where it comes later.
template <class T, class Finish>
[[nodiscard]] engine::Trap* when_replied(Instance& instance, Reply<T> reply, Finish finish) {
  if (reply.ready()) [[likely]]
    return finish(std::move(reply).take());
  std::optional<T> value;
  std::exception_ptr failure;
  if (auto* trap =
          instance.store().park(detail::await_into(std::move(reply).task(), value, failure))) {
    return trap;
  }
  if (failure) return internal_error(instance, failure);
  return finish(std::move(*value));
}
template <class T, class Finish>
[[nodiscard]] engine::Trap* when_replied(LiftLowerContext& cx, Reply<T> reply, Finish finish) {
  return when_replied(cx.instance(), std::move(reply), [&](T value) {
    cx.guest_ran();
    return finish(std::move(value));
  });
}

}  // namespace unbolt::component
