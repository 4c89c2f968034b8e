#include "unbolt/control/log_ring.h"

#include <algorithm>
#include <chrono>

namespace unbolt::control {

std::string_view to_string(LogLevel level) {
  switch (level) {
    case LogLevel::Trace: return "trace";
    case LogLevel::Debug: return "debug";
    case LogLevel::Info: return "info";
    case LogLevel::Warn: return "warn";
    case LogLevel::Error: return "error";
    case LogLevel::Critical: return "critical";
  }
  return "info";
}

void LogRing::write(LogLevel level, std::string_view source, std::string_view message) {
  next_.write(level, source, message);
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch());
  LogLine line{0, now.count(), level, std::string(source), std::string(message)};
  const std::lock_guard lock(mutex_);
  line.number = ++written_;
  bytes_ += size_of(line);
  lines_.push_back(std::move(line));
  while (bytes_ > kMostBytes) {
    bytes_ -= size_of(lines_.front());
    lines_.pop_front();
  }
}

std::uint64_t LogRing::newest() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

std::vector<LogLine> LogRing::lines(std::string_view source, std::uint64_t after,
                                    std::size_t most) const {
  std::vector<LogLine> found;
  const std::lock_guard lock(mutex_);
  for (auto line = lines_.rbegin(); line != lines_.rend() && found.size() < most; ++line) {
    if (line->number <= after) break;
    if (source.empty() || line->source == source) found.push_back(*line);
  }
  std::reverse(found.begin(), found.end());
  return found;
}

}  // namespace unbolt::control
