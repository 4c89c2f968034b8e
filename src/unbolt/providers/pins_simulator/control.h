// The FIFO through which inputs of a simulated board are pressed.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/files/descriptor.h"

namespace unbolt::providers::simulator {

// A line for the board: `door high`, `door low`, or `door press`, which is both. "" or what is
// wrong with it.
struct Pressed {
  std::string input;
  std::string what;
};
Result<Pressed> parse_pressed(std::string_view line);

// On one thread.
class Control {
 public:
  static constexpr std::size_t kLine = 256;  // bytes; a longer one is refused

  // Makes the FIFO, for this user alone, or takes one that is there. InvalidArgument for anything
  // else that is there.
  static Result<Control> open(const std::string& path);
  Control(Control&&) = default;
  // Takes the FIFO away where it made it.
  ~Control();

  int descriptor() const { return fifo_.number(); }
  // The whole lines that are there, without waiting.
  std::vector<std::string> lines();

 private:
  Control(files::Descriptor fifo, std::string made)
      : fifo_(std::move(fifo)), made_(std::move(made)) {}
  files::Descriptor fifo_;
  std::string made_;  // its path, where it is ours
  std::string begun_;
  bool skipping_ = false;  // the rest of a line that is too long
};

}  // namespace unbolt::providers::simulator
