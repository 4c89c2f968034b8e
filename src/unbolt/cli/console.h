// The terminal of who develops: lines of several components, each with its name, in colours where
// the terminal has them.
#pragma once

#include <mutex>
#include <string>
#include <string_view>

#include "unbolt/base/log.h"

namespace unbolt::cli {

// Thread-safe. Writes to standard output, a line at a time.
class Console final : public Log {
 public:
  enum class Tone : std::uint8_t { Plain, Good, Bad, Quiet };

  // Colours where standard output is a terminal that has them, and NO_COLOR is not set.
  Console();
  bool colours() const { return colours_; }

  // One line, or several, which all get the name. What stands in `text` was made printable, or
  // comes from the developer's own tools.
  void say(std::string_view source, std::string_view text, Tone tone = Tone::Plain);

  bool enabled(LogLevel level) const override { return level >= LogLevel::Info; }
  void write(LogLevel level, std::string_view source, std::string_view message) override;

 private:
  bool colours_;
  std::mutex mutex_;
  std::size_t width_ = 6;  // of the names, as far as they were met
};

}  // namespace unbolt::cli
