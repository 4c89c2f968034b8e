// Where a host keeps what it must know after a restart, and where others find it.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "unbolt/base/error.h"

namespace unbolt::control {

// The folder of one application, owner-only: `$XDG_STATE_HOME/unbolt/NAME` or
// `~/.local/state/unbolt/NAME`. It holds
//   desired.yaml  the desired state, as swaps have left it, and what they replaced
//   control.sock  the control socket of the host that runs it
//   lock          held by that host
class StateFolder {
 public:
  static Result<std::filesystem::path> root();
  // Makes the folder where it is not there. Conflict where another host runs this application.
  static Result<StateFolder> claim(std::string_view application);

  StateFolder(StateFolder&& other) noexcept;
  StateFolder& operator=(StateFolder&&) = delete;
  ~StateFolder();

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path socket() const { return path_ / "control.sock"; }

  // The text that was kept last; nothing where none was. Io where it cannot be read.
  Result<std::optional<std::string>> load() const;
  // Replaces it as a whole, on the disk when this returns.
  Result<> store(std::string_view text) const;

 private:
  StateFolder(std::filesystem::path path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::filesystem::path path_;
  int lock_ = -1;
};

// The applications that a host of this user runs now.
Result<std::vector<std::string>> running_applications();
// The control socket of one of them.
Result<std::filesystem::path> control_socket(std::string_view application);

}  // namespace unbolt::control
