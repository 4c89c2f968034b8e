// `unbolt dev`: builds a project, runs it, and puts each edit into service.
#pragma once

#include <optional>
#include <string>

namespace unbolt::cli {

struct DevOptions {
  std::string project = ".";
  std::string listen = "127.0.0.1:8080";
  std::optional<unsigned> threads;
};

int dev_command(const DevOptions& options);

}  // namespace unbolt::cli
