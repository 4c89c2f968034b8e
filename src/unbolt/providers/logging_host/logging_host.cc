#include "unbolt/providers/logging_host/logging_host.h"

#include "unbolt/contracts/text.h"

namespace unbolt::providers {

using contracts::LoggingLimits;
using contracts::printable;

void LoggingToHost::write(std::string_view component, LogLevel level, std::string_view context,
                          std::string_view message) {
  if (!log_.enabled(level)) return;
  std::string line = printable(context, LoggingLimits::kContext);
  if (!line.empty()) line += ": ";
  line += printable(message, LoggingLimits::kMessage);
  log_.write(level, component, line);
}

}  // namespace unbolt::providers
