// The commands for who writes components: what they are called, their flags and their help.
#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "unbolt/cli/build.h"
#include "unbolt/cli/dev.h"
#include "unbolt/cli/new.h"
#include "unbolt/cli/wit.h"

namespace unbolt::cli {

// Holds what was given on the command line: it outlives the parsing.
class Authoring {
 public:
  explicit Authoring(CLI::App& app);
  Authoring(const Authoring&) = delete;

  // The exit status of the one that was called; nothing where it was none of these.
  std::optional<int> run() const;

 private:
  CLI::App& add(CLI::App& app, const char* name, const char* what, std::function<int()> command);

  NewOptions new_;
  DoctorOptions doctor_;
  BuildOptions build_;
  DevOptions dev_;
  WitOptions wit_;
  BindgenOptions bindgen_;
  ComponentizeOptions componentize_;
  std::vector<std::pair<CLI::App*, std::function<int()>>> commands_;
};

}  // namespace unbolt::cli
