// What components log, in the program's own log.
#pragma once

#include "unbolt/contracts/logging.h"

namespace unbolt::providers {

// `log` outlives it.
class LoggingToHost final : public contracts::Logging {
 public:
  explicit LoggingToHost(Log& log) : log_(log) {}
  void write(std::string_view component, LogLevel level, std::string_view context,
             std::string_view message) override;

 private:
  Log& log_;
};

}  // namespace unbolt::providers
