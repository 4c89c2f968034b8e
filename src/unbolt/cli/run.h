// `unbolt run`: serve one component, or run it as a command.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "unbolt/cli/admission_options.h"

namespace unbolt::cli {

struct RunOptions {
  std::string file;
  bool cgi = false;
  bool json = false;
  std::string listen = "127.0.0.1:8080";
  std::optional<std::string> telnet;
  std::vector<std::string> links, config, secrets, env, dirs, allow_hosts, allow_connect,
      allow_listen, grants;
  AdmissionOptions admission;
  std::optional<std::string> isolation;  // fresh
  std::optional<unsigned> threads;
  std::optional<double> timeout;  // seconds
  unsigned max_memory = 256;      // MiB
  unsigned max_instances = 512;   // each costs the start 3 µs, for the guard of its stack
  std::vector<std::string> arguments;
};

// The exit status of the program.
int run_command(const RunOptions& options);

}  // namespace unbolt::cli
