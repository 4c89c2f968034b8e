// One command of the shell that runs beside us, with what it prints, line by line.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "unbolt/base/error.h"

namespace unbolt::project {

// For one thread, which polls `output()` for reading and then calls `read`. The command and all
// that it starts form a process group of their own, which ends with this object at the latest.
class ShellCommand {
 public:
  // Runs in `folder`, with nothing to read and `environment` added to ours.
  static Result<ShellCommand> start(const std::string& command, const std::string& folder,
                                    const std::map<std::string, std::string>& environment);
  ShellCommand(ShellCommand&& other) noexcept;
  ShellCommand& operator=(ShellCommand&& other) noexcept;
  ~ShellCommand();

  int output() const { return output_; }
  // Readable once the command has ended.
  int process() const { return process_; }

  // Takes what is there, and gives each line of it away; the last one may lack its end. A line of
  // more than 64 KiB comes in pieces.
  using OnLine = std::function<void(std::string_view)>;
  void read(const OnLine& line);

  // How it ended: its exit status, or 128 and the signal. Nothing while it runs. What it printed
  // last is given away then; what it left running in the background is ended.
  std::optional<int> ended(const OnLine& line);

  // Asks it to end; who is asked again after two seconds, does.
  void interrupt();
  bool interrupted() const { return interrupted_.has_value(); }

  // Until it has ended; for a thread that has nothing else to do. Calls `tick` ten times a second.
  int wait(const OnLine& line, const std::function<void()>& tick);

 private:
  ShellCommand(int process, int group, int output)
      : process_(process), group_(group), output_(output) {}
  void signal_group(int signal) const;
  void end();

  int process_ = -1;
  int group_ = -1;  // -1: it was waited for
  int output_ = -1;
  std::string pending_;  // a line without its end
  std::optional<std::chrono::steady_clock::time_point> interrupted_;
  std::optional<int> status_;
};

}  // namespace unbolt::project
