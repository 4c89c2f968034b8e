// The commands that speak to a running host.
#pragma once

#include <optional>
#include <string>

namespace unbolt::cli {

struct ManageOptions {
  std::string application;  // "": the one that runs
  std::string output = "text";
  bool json() const { return output == "json"; }
};

struct ApplyOptions {
  ManageOptions host;
  std::string manifest = "unbolt.yaml";
  bool dry_run = false;
};
struct SwapOptions {
  ManageOptions host;
  std::string component;
  std::string to;    // FILE, or CONTRACT=URL
  std::string link;  // the name of the link
  std::string digest;
  std::optional<std::string> traffic;  // "10%"
  bool copy = false, overwrite = false;
};
struct RollbackOptions {
  ManageOptions host;
  std::string component;
  bool copy = false, overwrite = false;
};
struct LogsOptions {
  ManageOptions host;
  std::string component;
  bool follow = false;
  unsigned lines = 100;
};

int apply_command(const ApplyOptions& options);
int ps_command(const ManageOptions& options);
int links_command(const ManageOptions& options);
int logs_command(const LogsOptions& options);
int swap_command(const SwapOptions& options);
int rollback_command(const RollbackOptions& options);
int stop_command(const ManageOptions& options);

}  // namespace unbolt::cli
