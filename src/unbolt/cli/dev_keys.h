// What is typed while a program runs: single keys, and now and then a line.
#pragma once

#include <termios.h>

#include <optional>
#include <string>

namespace unbolt::cli {

// The terminal gives each key at once from the constructor to the destructor; where standard input
// is no terminal, or not ours, there are no keys. One in a process at a time. For one thread.
class DevKeys {
 public:
  DevKeys();
  ~DevKeys();
  DevKeys(const DevKeys&) = delete;

  bool there() const { return there_; }
  // Reads what was typed. Keys are those of it that are printable, in lower case.
  std::string read();

  // From here on a line is typed, with its editing, until the terminal gives it.
  void begin_line();
  bool in_line() const { return in_line_; }
  // The line once it is whole: then keys are single ones again.
  std::optional<std::string> read_line();

 private:
  bool there_ = false, in_line_ = false;
  termios before_{};
};

}  // namespace unbolt::cli
