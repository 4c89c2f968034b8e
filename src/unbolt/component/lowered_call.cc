#include "unbolt/component/lowered_call.h"

namespace unbolt::component {
namespace {

std::string describe(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "unknown exception";
  }
}

}  // namespace

engine::Trap* call_host_async(void*, engine::Caller* caller, engine::Raw*, std::size_t) noexcept {
  return Instance::of(caller).store().fail(
      engine::Fault::Kind::Trap,
      "an asynchronous call of a host function is not supported yet (WASI 0.3)");
}

engine::Trap* trap_for(Instance& instance, const Error& error) {
  using Kind = engine::Fault::Kind;
  const Kind kind = [&] {
    switch (error.code) {
      case ErrorCode::Timeout: return Kind::Deadline;
      case ErrorCode::Cancelled: return Kind::Cancelled;
      case ErrorCode::LimitExceeded: return Kind::Limit;
      case ErrorCode::Internal: return Kind::Internal;
      default: return Kind::Trap;
    }
  }();
  return instance.store().fail(kind, error.message);
}

engine::Trap* internal_error(Instance& instance, std::exception_ptr failure) {
  return instance.store().fail(engine::Fault::Kind::Internal, describe(failure));
}

}  // namespace unbolt::component
