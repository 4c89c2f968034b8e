// Plug-ins that are loaded: the host's side of unbolt_plugin.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/base/log.h"
#include "unbolt/base/wakeup.h"
#include "unbolt/component/linked_component.h"
#include "unbolt/plugin/native_value.h"
#include "unbolt/plugin/unbolt_plugin.h"

namespace unbolt::plugin {

class Provider;

// Answers of a plug-in: the result by its type (none where the function has none), or why it
// failed.
using Answer = Result<std::optional<component::Value>>;

// A call whose answer comes later. Shared by the task that waits and the table of tickets.
struct Pending {
  const std::shared_ptr<Wakeup> wakeup = std::make_shared<Wakeup>();
  std::shared_ptr<const component::LinkedComponent> types;  // keeps `result` there
  const component::Type* result = nullptr;
  std::mutex mutex;
  std::optional<Answer> answer;
};

// A file that was opened. A value: shared by the provider that came of it. The file is read once:
// what is built in its place meanwhile is another plug-in, and each has variables of its own.
class Library {
 public:
  // NotFound, InvalidFile (no shared library, no plug-in) or Unsupported (another version). Blocks.
  static Result<std::shared_ptr<Library>> load(const std::string& path);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;

  const unbolt_plugin& plugin() const { return *plugin_; }
  const std::string& path() const { return path_; }
  std::string name() const;

 private:
  Library() = default;
  std::string path_;
  int file_ = -1;
  void* handle_ = nullptr;
  const unbolt_plugin* plugin_ = nullptr;
};

// What a plug-in finds behind its `unbolt_host*`.
struct HostSide : unbolt_host {
  Provider* provider;
};

// A provider that a plug-in opened; closed and unloaded with the last who uses it. Thread-safe.
class Provider : public std::enable_shared_from_this<Provider> {
 public:
  using Options = std::vector<std::pair<std::string, std::string>>;

  // Runs the plug-in's `open` in this process (see probe.h). The error names the file. Blocks.
  static Result<std::shared_ptr<Provider>> open(const std::string& path, const Options& options,
                                                Log& log);
  ~Provider();
  Provider(const Provider&) = delete;
  Provider& operator=(const Provider&) = delete;

  // "pricing 1.0"
  const std::string& name() const { return name_; }
  const std::string& path() const { return library_->path(); }
  Result<unbolt_binding> bind(const std::string& interface, const std::string& function,
                              const component::FuncType& type) const;

  // ---- Answers that come later

  // 0: too many wait.
  std::uint64_t wait_for(std::shared_ptr<Pending> pending);
  void forget(std::uint64_t ticket);
  int complete(std::uint64_t ticket, const void* result);
  int complete_failed(std::uint64_t ticket, std::string_view reason);
  std::size_t waiting() const;

  void log(std::int32_t level, std::string_view text) const;

 private:
  Provider(std::shared_ptr<Library> library, Log& log);
  std::shared_ptr<Pending> take(std::uint64_t ticket);

  HostSide host_;
  const std::shared_ptr<Library> library_;
  Log& log_;
  const std::string name_;
  void* opened_ = nullptr;
  bool is_open_ = false;
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<Pending>> pending_;
  std::uint64_t last_ticket_ = 0;
  unsigned unexpected_ = 0;  // answers that nobody waits for
};

// What a component's link to a plug-in calls: its functions in the order in which it imports them.
// Immutable, shared by all loops.
class Binding {
 public:
  Binding(std::shared_ptr<Provider> provider, std::vector<unbolt_binding> functions)
      : provider_(std::move(provider)), functions_(std::move(functions)) {}

  Provider& provider() const { return *provider_; }
  const unbolt_binding& function(std::size_t index) const { return functions_[index]; }

 private:
  std::shared_ptr<Provider> provider_;
  std::vector<unbolt_binding> functions_;
};

}  // namespace unbolt::plugin

// One call of a plug-in's function, on the caller's stack.
struct unbolt_call {
  unbolt::plugin::Provider& provider;
  // For an answer that comes later.
  const std::shared_ptr<const unbolt::component::LinkedComponent>& types;
  const unbolt::component::Type* result;
  std::optional<std::string> failure = std::nullopt;
  std::uint64_t ticket = 0;
  std::shared_ptr<unbolt::plugin::Pending> pending = nullptr;
  unbolt::plugin::Arena arena = {};
};
