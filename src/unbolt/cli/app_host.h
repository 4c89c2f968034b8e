// One host that runs one application, whoever started it: `unbolt up` or `unbolt dev`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "unbolt/base/log.h"
#include "unbolt/base/task.h"
#include "unbolt/claims/admission.h"
#include "unbolt/component/linked_component.h"
#include "unbolt/contracts/audit.h"
#include "unbolt/control/application.h"
#include "unbolt/control/desired_state.h"
#include "unbolt/control/revision_store.h"
#include "unbolt/control/state_folder.h"

namespace unbolt::cli {

struct HostOptions {
  Log& log;                    // outlives the host
  contracts::AuditLog& audit;  // the same
  std::optional<unsigned> threads;
  unsigned max_instances = 1000;
  // Whether it goes on as it was changed when the manifest is still the same, begins with the
  // manifest, or keeps nothing for later either.
  enum class Memory : std::uint8_t { Kept, Begun, None } memory = Memory::Kept;
  // Who takes SIGINT and SIGTERM: this host, which ends then, or whoever made it.
  enum class Signals : std::uint8_t { End, NotOurs } signals = Signals::End;
  // Whether core modules stay as they are, so that faults can name the lines of their sources.
  component::CompileOptions::Modules modules = component::CompileOptions::Modules::Fused;
  // Which files it runs, also those that come later.
  claims::Admission admission{};
  // See engine::EngineOptions.
  std::string kept_functions{};
  // Called on the control loop once it serves, with its address: "127.0.0.1:8080".
  std::function<void(const std::string& address, const control::Application&)> ready;
};

class AppHost {
 public:
  // Takes the listening socket over.
  AppHost(HostOptions options, control::DesiredState desired, control::StateFolder folder,
          control::RevisionStore revisions, int listener);
  ~AppHost();
  AppHost(const AppHost&) = delete;

  // Until it is stopped; the exit status. A start that fails was reported.
  int run();
  // From any thread: ends `run`, after the calls under way.
  void stop();

  // What changes the application, on the loop to which it is bound.
  Executor control();
  control::Application& application();

 private:
  class Body;
  std::unique_ptr<Body> body_;
};

}  // namespace unbolt::cli
