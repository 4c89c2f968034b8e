// Where refused calls are written down: the log, and a file of JSON lines for those who keep it.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "unbolt/base/error.h"
#include "unbolt/base/log.h"
#include "unbolt/contracts/audit.h"

namespace unbolt::host {

// Writes as many refusals of a component as fit a minute, and then how many there were more. Owned
// by the program, outlives the instances.
class Audit final : public contracts::AuditLog {
 public:
  static constexpr unsigned kMostPerMinute = 100;

  explicit Audit(Log& log) : log_(log) {}
  ~Audit() override;
  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;

  // Appends to the file too, which only its owner may read. The error names it.
  Result<> open(const std::string& file);
  void refused(const contracts::Refusal& refusal) noexcept override;

 private:
  using Clock = std::chrono::steady_clock;
  struct Minute {
    Clock::time_point begun;
    unsigned written = 0;
    std::uint64_t more = 0;
  };
  void write(const contracts::Refusal& refusal);
  void append(std::string line);

  Log& log_;
  int file_ = -1;
  std::mutex mutex_;
  std::map<std::string, Minute, std::less<>> minutes_;  // by component
};

}  // namespace unbolt::host
