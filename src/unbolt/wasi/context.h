// What WASI has for one live component: its environment, its streams, its way out.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "unbolt/base/blocking.h"
#include "unbolt/base/task.h"
#include "unbolt/contracts/grants.h"
#include "unbolt/files/node.h"
#include "unbolt/http/client.h"
#include "unbolt/wasi/streams.h"

namespace unbolt::wasi {

class InstanceFiles;
struct InstanceBlobs;

struct NetworkServices;  // sockets_network.h
class InstanceNetwork;
std::shared_ptr<NetworkServices> make_network_services();
// Connections that guests have let go of and whose last bytes are still on their way, each for a
// bounded time. Thread-safe.
std::size_t lingering(const NetworkServices& services);

// A folder of this machine as the component sees it.
struct Preopen {
  std::shared_ptr<const files::Node> folder;
  std::string guest_path;
};

// The part that all instances of a component share. Immutable, shared by all loops.
struct Environment {
  std::vector<std::string> arguments;
  contracts::Grants grants;
  std::vector<Preopen> preopens;
  Blocking blocking = Blocking::here();  // for files
  std::shared_ptr<NetworkServices> network = make_network_services();
  bool stdin_is_terminal = false, stdout_is_terminal = false, stderr_is_terminal = false;
};

// Makes the standard streams of an instance, when it first asks for them. Shared by all loops.
struct StandardStreams {
  std::function<std::shared_ptr<Source>(Executor)> input;
  std::function<std::shared_ptr<Sink>(Executor)> output, error;
};

// Belongs to whoever made the instance, outlives it, on its loop.
struct Context {
  const Environment* environment = nullptr;
  // Where this instance has its own, in place of the environment's.
  std::optional<std::vector<std::pair<std::string, std::string>>> variables;
  std::optional<std::vector<std::string>> arguments;
  const StandardStreams* streams = nullptr;
  http::Client* http_client = nullptr;  // the loop's
  // Null until asked for.
  std::shared_ptr<InstanceNetwork> network;
  std::shared_ptr<Source> standard_input;
  std::shared_ptr<Sink> standard_output, standard_error;
  std::shared_ptr<InstanceFiles> files;  // file_streams.h
  std::shared_ptr<InstanceBlobs> blobs;  // blob_streams.h
  std::optional<int> exit_status;        // set by wasi:cli/exit, which then traps
};

}  // namespace unbolt::wasi
