// `unbolt up`: run an application until it is stopped, and answer on its control socket.
#pragma once

#include <optional>
#include <string>

#include "unbolt/cli/admission_options.h"

namespace unbolt::cli {

struct UpOptions {
  std::string manifest = "unbolt.yaml";
  std::string listen = "127.0.0.1:8080";
  std::optional<unsigned> threads;
  unsigned max_instances = 1000;
  AdmissionOptions admission;
  bool reset = false;  // begin with the manifest, whatever was swapped since
};

int up_command(const UpOptions& options);

}  // namespace unbolt::cli
