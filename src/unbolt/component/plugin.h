// Components as plug-ins of a C++ program: load one, give it functions, call it, drop it.
//
// The whole layer behind blocking calls, for programs without an event loop of Asio's. Those that
// have one, or many threads, use LinkedComponent, Instance and ExportCall (bind.h) themselves.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "unbolt/base/task.h"
#include "unbolt/component/bind.h"
#include "unbolt/component/export_names.h"
#include "unbolt/engine/compiled_cache.h"
#include "unbolt/engine/engine.h"

namespace unbolt::component {

class Plugin;
class PluginInstance;

struct PluginOptions {
  std::uint64_t memory_bytes = 256ull << 20;  // of each memory of an instance
  std::chrono::milliseconds timeout{10'000};  // of a start, and of each call
  // Where compiled code is kept from one run of the program to the next; empty: nowhere.
  std::filesystem::path cache;
  engine::EngineOptions engine{.max_instances = 0};
};

// The engine, and what the program offers to its plug-ins. Used by one thread at a time, together
// with all that comes of it, which it outlives. A program may have several.
class PluginHost {
 public:
  explicit PluginHost(PluginOptions options = {});
  PluginHost(const PluginHost&) = delete;
  PluginHost& operator=(const PluginHost&) = delete;

  // An interface for plug-ins to import, "package:name/interface"; add its functions at once
  // (host_interface.h), and all interfaces before the first plug-in is loaded.
  HostInterface& offer(std::string name) { return interfaces_.add(std::move(name)); }

  // Validates, links and compiles. The error says what the file is, or what it imports that is not
  // offered, or with another type.
  Result<Plugin> load(const std::filesystem::path& file);
  Result<Plugin> load(Bytes bytes);

  // What host functions that answer later (base/reply.h) wait on. It runs during calls alone.
  asio::io_context& loop() { return loop_; }

 private:
  friend class Plugin;
  friend class PluginInstance;
  // Runs the loop until the task has ended.
  void run(Task<> task);

  const PluginOptions options_;
  engine::Engine engine_;
  engine::FiberSupport fibers_;
  HostInterfaces interfaces_;
  asio::io_context loop_;
  bool busy_ = false;  // a guest runs
};

// A component that is loaded: makes instances that know nothing of one another. A value.
class Plugin {
 public:
  // `data` is what the host functions find with `Call::host<T>()`; it outlives the instance.
  Result<PluginInstance> start(void* data = nullptr) const;

  const LinkedComponent& component() const { return *component_; }

 private:
  friend class PluginHost;
  Plugin(PluginHost& host, std::shared_ptr<const LinkedComponent> component);

  PluginHost* host_;
  std::shared_ptr<const LinkedComponent> component_;
  std::shared_ptr<const ExportNames> names_;
};

// A live plug-in, with a memory of its own; destroying it takes everything back that it had. Once a
// call has failed it is over, and every later call fails.
class PluginInstance {
 public:
  // Calls "package:name/interface.function" (the package and the version may be left out), or a
  // function of the world's top level, and waits until it has returned. R owns what it holds:
  // std::string, std::vector, aggregates and so on (abi.h). Fails with NotFound for a function that
  // is not there, Conflict for one of another type or where a plug-in is called from within a call,
  // Trap, Timeout or LimitExceeded where the plug-in failed.
  template <class R = void, class... Args>
  Result<R> call(std::string_view function, Args&&... args);

  Instance& instance() { return *instance_; }

 private:
  friend class Plugin;
  PluginInstance(PluginHost& host, std::shared_ptr<const ExportNames> names,
                 std::unique_ptr<Instance> instance)
      : host_(&host), names_(std::move(names)), instance_(std::move(instance)) {}

  // What an argument is passed as: any text as a view, which lives until the call has ended.
  template <class T>
  using Passed = std::conditional_t<std::is_convertible_v<T, std::string_view>, std::string_view,
                                    std::remove_cvref_t<T>>;

  Result<> start();
  Result<> run(std::string_view function, engine::Store::Body& body);

  PluginHost* host_;
  std::shared_ptr<const ExportNames> names_;
  std::unique_ptr<Instance> instance_;
  bool over_ = false;
};

template <class R, class... Args>
Result<R> PluginInstance::call(std::string_view function, Args&&... args) {
  static_assert(!std::is_same_v<R, std::string_view>, "it would outlive what it looks into");
  using Typed = ExportCall<R, Passed<Args>...>;
  UNBOLT_ASSIGN(const ExportedFunc* func, names_->find(function));
  if (!Typed::accepts(*func, instance_->component().resource_ids())) {
    return fail(ErrorCode::Conflict, "{} is called with other types than its own: {}", function,
                to_wit(*func->type));
  }
  Typed call(*instance_, *func, std::forward<Args>(args)...);
  UNBOLT_TRY(run(function, call));
  if constexpr (std::is_void_v<R>)
    return {};
  else
    return std::move(call.result());
}

}  // namespace unbolt::component
