// The host of `unbolt dev`, on threads of its own, and the changes that it is asked for.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "unbolt/cli/app_host.h"
#include "unbolt/cli/console.h"
#include "unbolt/control/application.h"
#include "unbolt/host/audit.h"

namespace unbolt::cli {

// What a deployment of a project consists of.
struct Deployment {
  control::DesiredState desired;  // of the manifest, with the links that were made for it
  // The links that were made, and not by the manifest: they go when nothing imports them.
  std::map<std::string, std::set<control::LinkKey>> made;
  // Those with new files; the others stay as they are.
  std::set<std::string> rebuilt;
};

// For one thread, which is told by `wake` that there is something to `take`; it calls that on
// others.
class DevHost {
 public:
  struct Changed {
    Result<std::vector<control::ChangeReport>> reports;
    std::string words;  // what was asked for, where it was no deployment
  };
  struct News {
    std::vector<Changed> changed;
    bool ready = false;  // it serves since
    bool ended = false;  // `run` is over
  };

  DevHost(Console& console, std::optional<unsigned> threads, std::function<void()> wake);
  ~DevHost();

  // Starts a host; `listener` is its own. One at a time.
  Result<> start(Deployment deployment, int listener);
  bool running() const { return host_ != nullptr; }
  bool serves() const { return serves_; }
  // Brings the running host to it, as it was changed since by swaps. The news follow.
  void deploy(Deployment deployment);
  void swap(std::string component, std::string contract, std::string url);
  // Prints the links.
  void show_links();
  // Asks it to end; the news follow.
  void stop();
  // After it has ended: its exit status.
  int join();

  News take();

 private:
  void post(Changed changed);

  Console& console_;
  host::Audit audit_{console_};
  const std::optional<unsigned> threads_;
  std::function<void()> wake_;
  std::unique_ptr<AppHost> host_;
  std::thread thread_;
  int status_ = 0;
  bool serves_ = false;
  std::optional<control::DesiredState> base_;  // of the manifest, when it was last deployed
  std::mutex mutex_;
  News news_;
};

}  // namespace unbolt::cli
