// Host functions and calls of exports, bound by C++ type.
//
// A host function is a free function `R f(Call&, Args...)`. What R is decides how it answers:
//   T                       the value
//   Result<T>               the value, or an Error that makes the guest trap
//   Reply<T>, Reply<Result<T>>   now, or later: the guest is parked until the task has ended
// A WIT `result` is `std::expected<T, E>` with the contract's own error type.
#pragma once

#include <exception>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

#include "unbolt/base/error.h"
#include "unbolt/base/reply.h"
#include "unbolt/component/abi.h"
#include "unbolt/component/instance.h"
#include "unbolt/component/lifted_call.h"
#include "unbolt/component/lowered_call.h"

namespace unbolt::component {

namespace detail {

template <class T>
struct Unwrap {
  using Value = T;
  static constexpr bool kReply = false, kResult = false;
};
template <class T>
struct Unwrap<std::expected<T, Error>> {
  using Value = T;
  static constexpr bool kReply = false, kResult = true;
};
template <class T>
struct Unwrap<Reply<T>> {
  using Value = typename Unwrap<T>::Value;
  static constexpr bool kReply = true, kResult = Unwrap<T>::kResult;
};

template <class T>
constexpr std::size_t flat_of() {
  if constexpr (std::is_void_v<T>)
    return 0;
  else
    return Abi<T>::kFlat;
}

}  // namespace detail

template <class R, class... Args, R (*Fn)(Call&, Args...)>
  requires(!std::is_void_v<R>)
struct HostThunk<Fn> {
  using Value = typename detail::Unwrap<R>::Value;
  using Tuple = std::tuple<std::remove_cvref_t<Args>...>;
  using Params = FieldsAbi<std::remove_cvref_t<Args>...>;
  static constexpr auto kIndices = std::index_sequence_for<Args...>{};
  static constexpr bool kParamsInMemory = Params::kFlat > kMaxFlatParams;
  static constexpr bool kResultInMemory = detail::flat_of<Value>() > kMaxFlatResults;
  static constexpr std::size_t kResultPointer = kParamsInMemory ? 1 : Params::kFlat;

  static engine::Trap* invoke(void* env, engine::Caller* caller, engine::Raw* raw,
                              std::size_t) noexcept {
    const auto& func = *static_cast<const LoweredFunc*>(env);
    Instance& instance = Instance::of(caller);
    LiftLowerContext cx(instance, func.lowered->options, func.lowered->instance);
    if (!may_leave(cx)) [[unlikely]]
      return cx.trap();
    const std::uint32_t result_pointer =
        kResultInMemory ? static_cast<std::uint32_t>(raw[kResultPointer].i32) : 0;
    try {
      Tuple args;
      if (!lift_args(cx, raw, args)) return cx.trap();
      Call call(instance, func);
      return std::apply(
          [&](auto&... a) { return answer(cx, raw, result_pointer, Fn(call, std::move(a)...)); },
          args);
    } catch (...) {
      return internal_error(instance, std::current_exception());
    }
  }

  static bool accepts(const FuncType& type, const ResourceIds& ids) {
    if (type.params.size() != sizeof...(Args)) return false;
    std::size_t i = 0;
    if (!(Abi<std::remove_cvref_t<Args>>::matches(type.params[i++].type, ids) && ...)) return false;
    if constexpr (std::is_void_v<Value>)
      return type.result == nullptr;
    else
      return Abi<Value>::matches(type.result, ids);
  }

 private:
  static bool lift_args(LiftLowerContext& cx, const engine::Raw* raw, Tuple& args) {
    return std::apply(
        [&](auto&... a) {
          if constexpr (kParamsInMemory) {
            const auto at = static_cast<std::uint32_t>(raw[0].i32);
            return cx.aligned(at, Params::kAlign) && cx.in_bounds(at, Params::kSize) &&
                   Params::load(cx, at, kIndices, a...);
          } else {
            FlatReader in(raw);
            return Params::lift(cx, in, a...);
          }
        },
        args);
  }

  // For functions without a value: `Fn` returned nothing.
  template <class Answer>
  static engine::Trap* answer(LiftLowerContext& cx, engine::Raw* raw, std::uint32_t result_pointer,
                              Answer reply) {
    if constexpr (detail::Unwrap<Answer>::kReply) {
      return when_replied(cx, std::move(reply), [&](auto value) {
        return finish(cx, raw, result_pointer, std::move(value));
      });
    } else {
      return finish(cx, raw, result_pointer, std::move(reply));
    }
  }

  template <class Done>
  static engine::Trap* finish(LiftLowerContext& cx, engine::Raw* raw, std::uint32_t result_pointer,
                              Done done) {
    if constexpr (std::same_as<Done, std::expected<Value, Error>>) {
      if (!done) return cx.instance().store().fail(engine::Fault::Kind::Trap, done.error().message);
      if constexpr (!std::is_void_v<Value>)
        return lower_result(cx, raw, result_pointer, *done);
      else
        return nullptr;
    } else {
      return lower_result(cx, raw, result_pointer, done);
    }
  }

  template <class T>
  static engine::Trap* lower_result(LiftLowerContext& cx, engine::Raw* raw,
                                    std::uint32_t result_pointer, T& value) {
    if constexpr (kResultInMemory) {
      if (!cx.aligned(result_pointer, Abi<T>::kAlign) ||
          !cx.in_bounds(result_pointer, Abi<T>::kSize) ||
          !Abi<T>::store(cx, result_pointer, value)) {
        return cx.trap();
      }
    } else {
      FlatWriter out(raw);
      if (!Abi<T>::lower(cx, out, value)) return cx.trap();
    }
    return nullptr;
  }
};

// The same for functions that return nothing.
template <class... Args, void (*Fn)(Call&, Args...)>
struct HostThunk<Fn> {
  static std::expected<void, Error> wrapped(Call& call, Args... args) {
    Fn(call, std::move(args)...);
    return {};
  }
  static engine::Trap* invoke(void* env, engine::Caller* caller, engine::Raw* raw,
                              std::size_t n) noexcept {
    return HostThunk<&wrapped>::invoke(env, caller, raw, n);
  }
  static bool accepts(const FuncType& type, const ResourceIds& ids) {
    return HostThunk<&wrapped>::accepts(type, ids);
  }
};

// A call of an export, from the loop: `R(Args...)` in C++ types, checked with `accepts` once when
// the export is found. Single use. The arguments may own resources, which the guest then owns.
template <class R, class... Args>
class ExportCall final : public engine::Store::Body, private ResultTaker {
 public:
  using Params = FieldsAbi<std::remove_cvref_t<Args>...>;
  static_assert(Params::kFlat <= kMaxFlatParams,
                "exports with more than 16 flat parameters go the dynamic way");

  // `func` must be a lift of the instance's component.
  ExportCall(Instance& instance, const ExportedFunc& func, Args... args)
      : instance_(instance),
        lift_(instance.component().plan().lifts[std::get<std::uint32_t>(func.target)]),
        args_(std::move(args)...) {}

  static bool accepts(const ExportedFunc& func, const ResourceIds& ids) {
    if (!std::holds_alternative<std::uint32_t>(func.target) || func.width != Width::W32 ||
        func.type->params.size() != sizeof...(Args))
      return false;
    std::size_t i = 0;
    if (!(Abi<std::remove_cvref_t<Args>>::matches(func.type->params[i++].type, ids) && ...))
      return false;
    if constexpr (std::is_void_v<R>)
      return func.type->result == nullptr;
    else
      return Abi<R>::matches(func.type->result, ids);
  }

  // Starts it; true when it has ended at once. Else await `store().settle()`.
  bool begin() { return instance_.store().begin(*this); }

  // After it has ended without a fault.
  auto& result() { return *result_; }

  engine::Trap* run(engine::Store&) override {
    LiftLowerContext cx(instance_, lift_.options, lift_.instance);
    if (!may_enter(cx)) return cx.trap();
    engine::Raw raw[kMaxFlatParams + 1];
    FlatWriter out(raw);
    const bool lowered =
        std::apply([&](auto&... a) { return Params::lower(cx, out, a...); }, args_);
    if (!lowered) return cx.trap();
    return call_lifted(cx, lift_, raw, *this);
  }

 private:
  bool take(LiftLowerContext& cx, FlatReader in, bool in_memory) override {
    if constexpr (std::is_void_v<R>)
      return true;
    else {
      auto& value = result_.emplace();
      if (!in_memory) return Abi<R>::lift(cx, in, value);
      const auto at = in.u32();
      return cx.aligned(at, Abi<R>::kAlign) && cx.in_bounds(at, Abi<R>::kSize) &&
             Abi<R>::load(cx, at, value);
    }
  }
  using Stored = std::conditional_t<std::is_void_v<R>, std::monostate, R>;
  Instance& instance_;
  const Lift& lift_;
  std::tuple<std::remove_cvref_t<Args>...> args_;
  std::optional<Stored> result_;
};

}  // namespace unbolt::component
