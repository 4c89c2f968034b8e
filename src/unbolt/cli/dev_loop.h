// The loop of `unbolt dev`: edits, builds, deployments and keys, on one thread that polls. Builds
// of folders that lie apart run side by side, as many as there are cores.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "unbolt/cli/console.h"
#include "unbolt/cli/dev_host.h"
#include "unbolt/cli/dev_keys.h"
#include "unbolt/cli/project.h"
#include "unbolt/project/shell_command.h"
#include "unbolt/project/sources.h"

namespace unbolt::cli {

class DevLoop {
 public:
  struct Start {
    Project project;
    project::Sources sources;
    int listener;  // its own
    int signals;   // a signalfd, of the signals that end it
    int wake;      // an eventfd, that of `host`
    std::string address;
  };
  DevLoop(Start start, Console& console, DevHost& host);
  ~DevLoop();

  // Until it is ended; the exit status.
  int run();

 private:
  using Clock = std::chrono::steady_clock;

  void look_at_edits();
  void on_edits(const std::set<std::string>& files);
  void read_manifest_again();
  void want(const std::string& component);
  void begin_builds();
  void begin_build(const std::string& name);
  bool in_the_way(const std::string& name) const;
  bool may_deploy() const;
  void poll_builds();
  void end_build(const std::string& name, int status);
  void deploy();
  Result<Deployment> deployment();
  void on_news();
  void on_keys();
  void on_key(char key);
  void swap(const std::string& line);
  void open_page();
  void quit(int status);
  std::string list_of_keys() const;

  Project project_;
  project::Sources sources_;
  int listener_, signals_, wake_;
  std::string address_;
  Console& console_;
  DevHost& host_;
  DevKeys keys_;

  std::set<std::string> wanted_;   // to be built
  std::set<std::string> built_;    // since the last deployment
  std::set<std::string> waiting_;  // never built well
  struct Running {
    project::ShellCommand command;
    std::string folder;
    Clock::time_point began;
    bool told_of_slowness = false;
  };
  std::map<std::string, Running> running_;   // builds, by their components
  std::optional<Clock::time_point> edited_;  // the first of the edits that are not deployed
  std::optional<Clock::time_point> quiet_;   // when the edits that come just now are looked at
  bool deploy_wanted_ = true, deploying_ = false;
  std::map<std::string, std::set<control::LinkKey>> announced_;
  bool quitting_ = false, ended_ = false;
  int status_ = 0;
};

}  // namespace unbolt::cli
