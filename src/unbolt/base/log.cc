#include "unbolt/base/log.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>

namespace unbolt {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::Trace: return spdlog::level::trace;
    case LogLevel::Debug: return spdlog::level::debug;
    case LogLevel::Info: return spdlog::level::info;
    case LogLevel::Warn: return spdlog::level::warn;
    case LogLevel::Error: return spdlog::level::err;
    case LogLevel::Critical: return spdlog::level::critical;
  }
  return spdlog::level::info;
}

class StderrLog final : public Log {
 public:
  explicit StderrLog(LogLevel lowest)
      : logger_("unbolt", std::make_shared<spdlog::sinks::stderr_color_sink_mt>()) {
    logger_.set_pattern("%Y-%m-%dT%H:%M:%S.%e %^%-5l%$ %v");
    logger_.set_level(to_spdlog(lowest));
  }
  bool enabled(LogLevel level) const override { return logger_.should_log(to_spdlog(level)); }
  void write(LogLevel level, std::string_view source, std::string_view message) override {
    logger_.log(to_spdlog(level), "[{}] {}", source, message);
  }

 private:
  spdlog::logger logger_;
};

}  // namespace

Log& stderr_log(LogLevel lowest) {
  static StderrLog log(lowest);
  return log;
}

}  // namespace unbolt
