// What the control socket can be asked for; docs/control-path.md lists it.
#pragma once

#include <functional>
#include <string>

#include "unbolt/control/application.h"
#include "unbolt/control/control_server.h"
#include "unbolt/control/log_ring.h"
#include "unbolt/control/manifest.h"

namespace unbolt::control {

// Bound to the control loop; outlived by all that it is made with.
class Commands {
 public:
  struct Parts {
    Application& application;
    LogRing& log;
    ManifestContext manifests;  // without variables: who sends a manifest has put them in
    std::string listen;         // where HTTP is served: "http://127.0.0.1:8080"
    std::function<void()> stop;
  };
  explicit Commands(Parts parts) : parts_(std::move(parts)) {}

  Task<Result<>> handle(Json request, ControlAnswer& answer);

 private:
  Task<Result<>> status(ControlAnswer& answer);
  Task<Result<>> apply(const Json& request, ControlAnswer& answer);
  Task<Result<>> swap(const Json& request, ControlAnswer& answer);
  Task<Result<>> roll_back(const Json& request, ControlAnswer& answer);
  Task<Result<>> logs(const Json& request, ControlAnswer& answer);
  Result<> check_source(const std::string& name) const;
  // A line of the log for what was changed.
  void note(const ChangeReport& report);

  Parts parts_;
};

// One report as the socket sends it.
Json to_json(const ChangeReport& report);

}  // namespace unbolt::control
