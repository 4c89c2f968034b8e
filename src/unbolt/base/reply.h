// A contract's answer: the value now, or a task that will have it.
#pragma once

#include <utility>
#include <variant>

#include "unbolt/base/task.h"

namespace unbolt {

// A `Reply<T>` made of a `T` costs no coroutine frame and no fiber switch; one made of a `Task<T>`
// parks the guest until the task ends. A value type, single use: ask `ready()`, then take.
template <class T>
class [[nodiscard]] Reply {
 public:
  using value_type = T;

  template <class U>
    requires std::convertible_to<U&&, T>
  Reply(U&& value) : state_(std::in_place_index<0>, std::forward<U>(value)) {}
  Reply(Task<T> task) : state_(std::in_place_index<1>, std::move(task)) {}

  bool ready() const { return state_.index() == 0; }
  T take() && { return std::get<0>(std::move(state_)); }
  Task<T> task() && { return std::get<1>(std::move(state_)); }

  // For a caller that is a coroutine itself.
  Task<T> wait() && {
    if (ready()) co_return std::get<0>(std::move(state_));
    co_return co_await std::get<1>(std::move(state_));
  }

 private:
  std::variant<T, Task<T>> state_;
};

}  // namespace unbolt
