#include "unbolt/host/audit.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>

namespace unbolt::host {
namespace {

std::string now_text() {
  const auto now = std::chrono::system_clock::now();
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(now)));
}

std::string line_of(const nlohmann::ordered_json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

Audit::~Audit() {
  if (file_ >= 0) ::close(file_);
}

Result<> Audit::open(const std::string& file) {
  file_ = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (file_ < 0) return fail(ErrorCode::Io, "the audit log {}: {}", file, std::strerror(errno));
  return {};
}

void Audit::refused(const contracts::Refusal& refusal) noexcept {
  try {
    const std::lock_guard lock(mutex_);
    write(refusal);
  } catch (...) {
    // Out of memory: the call is refused all the same.
  }
}

void Audit::write(const contracts::Refusal& refusal) {
  auto& minute = minutes_[std::string(refusal.component)];
  const auto now = Clock::now();
  if (now - minute.begun >= std::chrono::minutes(1)) {
    if (minute.more > 0) {
      log_.line(LogLevel::Warn, refusal.component,
                "denied: {} more calls, which are not told apart", minute.more);
      append(
          line_of({{"time", now_text()}, {"component", refusal.component}, {"more", minute.more}}));
    }
    minute = {now};
  }
  if (minute.written == kMostPerMinute) {
    ++minute.more;
    return;
  }
  ++minute.written;
  log_.line(LogLevel::Warn, refusal.component, "denied: {}#{}{}: {}", refusal.contract,
            refusal.function, refusal.about.empty() ? "" : fmt::format(" '{}'", refusal.about),
            refusal.reason);
  append(line_of({{"time", now_text()},
                  {"component", refusal.component},
                  {"revision", refusal.revision},
                  {"contract", refusal.contract},
                  {"function", refusal.function},
                  {"about", refusal.about},
                  {"reason", refusal.reason}}));
}

void Audit::append(std::string line) {
  if (file_ < 0) return;
  // One write, so that several hosts may share the file.
  if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    log_.line(LogLevel::Error, "audit", "the audit log cannot be written: {}",
              std::strerror(errno));
  }
}

}  // namespace unbolt::host
