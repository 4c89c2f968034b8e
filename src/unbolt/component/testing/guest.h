// For tests: a component made of its text, linked to a host of the test's own, live, and called by
// C++ type.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "unbolt/base/testing/run_task.h"
#include "unbolt/component/bind.h"
#include "unbolt/engine/testing/wat.h"

namespace unbolt::component {

// An engine, a loop and the interfaces that the test adds. Outlives the guests made with it.
struct TestHost {
  engine::Engine engine{engine::EngineOptions{.max_instances = 0}};
  engine::FiberSupport fibers{engine};
  HostInterfaces interfaces;
  asio::io_context loop;
};

inline Result<std::shared_ptr<const LinkedComponent>> link_text(const TestHost& host,
                                                                std::string_view text) {
  UNBOLT_ASSIGN(auto file, ComponentFile::load(engine::wat(text), ComponentFile::Checked::No));
  return LinkedComponent::link(std::move(file), host.engine, host.interfaces, {});
}

// One live instance. `data` is what host functions find with `Call::host<T>()`.
class Guest {
 public:
  Guest(TestHost& host, std::shared_ptr<const LinkedComponent> component, void* data = nullptr,
        engine::StoreLimits limits = {})
      : host_(host), instance_(std::move(component), host.fibers, data, limits) {}
  // Throws where the text is wrong, cannot be linked, or its start functions trap.
  Guest(TestHost& host, std::string_view text, void* data = nullptr)
      : Guest(host, linked(host, text), data) {
    if (auto fault = start()) throw std::runtime_error(fault->describe());
  }

  std::optional<engine::Fault> start() { return run_task(host_.loop, instance_.start()); }
  Instance& instance() { return instance_; }

  // Calls an export of the world's top level and awaits its end.
  template <class R = void, class... Args>
  std::expected<R, engine::Fault> call(std::string_view name, Args... args) {
    return call_in<R>("", name, std::move(args)...);
  }
  template <class R = void, class... Args>
  std::expected<R, engine::Fault> call_in(std::string_view interface_name, std::string_view name,
                                          Args... args) {
    using Typed = ExportCall<R, Args...>;
    const ExportedFunc* func = instance_.component().find_export(interface_name, name);
    if (!func) throw std::runtime_error("no export " + std::string(name));
    if (!Typed::accepts(*func, instance_.component().resource_ids())) {
      throw std::runtime_error("another type: " + to_wit(*func->type));
    }
    Typed call(instance_, *func, std::move(args)...);
    if (!call.begin()) run_task(host_.loop, instance_.store().settle());
    if (auto fault = instance_.store().take_fault()) return std::unexpected(std::move(*fault));
    if constexpr (std::is_void_v<R>)
      return {};
    else
      return std::move(call.result());
  }

 private:
  static std::shared_ptr<const LinkedComponent> linked(TestHost& host, std::string_view text) {
    auto component = link_text(host, text);
    if (!component) throw std::runtime_error(component.error().message);
    return std::move(*component);
  }

  TestHost& host_;
  Instance instance_;
};

}  // namespace unbolt::component
