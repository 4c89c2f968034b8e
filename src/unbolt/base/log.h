// The log: what the operator reads. One line an event, to stderr.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace unbolt {

enum class LogLevel : std::uint8_t { Trace, Debug, Info, Warn, Error, Critical };

// Where lines go. Thread-safe; owned by the program, outlives all who write to it.
class Log {
 public:
  virtual ~Log() = default;
  virtual bool enabled(LogLevel level) const = 0;
  // `source` is a component's name or a folder of the program ("http", "host").
  virtual void write(LogLevel level, std::string_view source, std::string_view message) = 0;

  template <class... Args>
  void line(LogLevel level, std::string_view source, fmt::format_string<Args...> format,
            Args&&... args) {
    if (enabled(level)) write(level, source, fmt::format(format, std::forward<Args>(args)...));
  }
};

// The program's own log on stderr; colours on a terminal. Lines below `lowest` are dropped.
Log& stderr_log(LogLevel lowest = LogLevel::Info);

}  // namespace unbolt
