// The last lines of the log, kept for `unbolt logs`, on their way to the operator's terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/log.h"

namespace unbolt::control {

struct LogLine {
  std::uint64_t number = 0;       // counts up from 1
  std::int64_t milliseconds = 0;  // since 1970
  LogLevel level = LogLevel::Info;
  std::string source, message;
};

std::string_view to_string(LogLevel level);

// Passes lines on and keeps the last of them. Thread-safe; `next` outlives it.
class LogRing final : public Log {
 public:
  static constexpr std::size_t kMostBytes = 4 << 20;

  explicit LogRing(Log& next) : next_(next) {}

  bool enabled(LogLevel level) const override { return next_.enabled(level); }
  void write(LogLevel level, std::string_view source, std::string_view message) override;

  // The number of the last line.
  std::uint64_t newest() const;
  // At most `most` lines after number `after`, the newest of them, oldest first; of one source, or
  // of all where `source` is empty.
  std::vector<LogLine> lines(std::string_view source, std::uint64_t after, std::size_t most) const;

 private:
  static std::size_t size_of(const LogLine& line) {
    return sizeof line + line.source.size() + line.message.size();
  }

  Log& next_;
  mutable std::mutex mutex_;
  std::deque<LogLine> lines_;
  std::size_t bytes_ = 0;
  std::uint64_t written_ = 0;
};

}  // namespace unbolt::control
