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

engine::Trap* internal_error(Instance& instance, std::exception_ptr failure) {
  return instance.store().fail(engine::Fault::Kind::Internal, describe(failure));
}

}  // namespace unbolt::component
