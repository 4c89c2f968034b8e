// The logging capability: what a component tells the operator.
#pragma once

#include <cstddef>
#include <string_view>

#include "unbolt/base/log.h"

namespace unbolt::contracts {

// Bytes of the guest's text that are kept; the rest is cut, and the line says so.
struct LoggingLimits {
  static constexpr std::size_t kContext = 256;
  static constexpr std::size_t kMessage = 8192;
};

// What a provider of `wasi:logging` implements. Shared by all loops: thread-safe, answers at once
// and never fails; a provider that sends lines elsewhere queues a bounded number of them and counts
// what it drops.
class Logging {
 public:
  virtual ~Logging() = default;

  // `component` is the name that the host gave, never the guest's word. `context` and `message` are
  // the guest's: any bytes of any length, held until the call returns. A provider writes them
  // through `printable` (text.h), so that no guest forges a line or speaks to a terminal.
  virtual void write(std::string_view component, LogLevel level, std::string_view context,
                     std::string_view message) = 0;
};

}  // namespace unbolt::contracts
