// The control socket: a request in JSON on one line, answers in JSON on lines of their own.
#pragma once

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

#include "unbolt/base/error.h"
#include "unbolt/base/log.h"
#include "unbolt/base/task.h"

namespace unbolt::control {

using Json = nlohmann::json;

// Where the answers to one request go. Lives until its handler has ended.
class ControlAnswer {
 public:
  virtual ~ControlAnswer() = default;
  // ConnectionClosed when who asked has left.
  virtual Task<Result<>> send(const Json& line) = 0;
  // Whether who asked has left; for a handler that may have nothing to send for long.
  virtual bool is_deserted() const = 0;
};

// What the commands of the control socket are, and how each answers, docs/control-path.md says.
// Bound to one loop; destroyed while that does not run.
class ControlServer {
 public:
  // Many at a time. An error becomes the last line, `{"error": {…}}`; success `{"done": true}`.
  using Handle = std::function<Task<Result<>>(Json request, ControlAnswer& answer)>;

  static constexpr std::size_t kLongestLine = 4 << 20;
  static constexpr std::size_t kMostClients = 64;

  ControlServer(Executor loop, Handle handle, Log& log);
  ~ControlServer();

  // Only the user whose process this is, and root, may connect. A socket that is there already is
  // taken away: who calls holds the lock of the folder.
  Result<> start(const std::filesystem::path& socket);
  // Takes no more requests and removes the socket.
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace unbolt::control
