#include "unbolt/providers/config_file/config_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "unbolt/providers/config_file/flat_yaml.h"

namespace unbolt::providers {
namespace {

using contracts::ConfigValues;

constexpr std::size_t kLargest = 1 << 20;
// Who writes a file has written all of it when it has not changed for so long; the system's clock
// for files ticks slowly, too.
constexpr std::chrono::milliseconds kSettled{200};

std::int64_t nanoseconds(const timespec& time) {
  return static_cast<std::int64_t>(time.tv_sec) * 1'000'000'000 + time.tv_nsec;
}

std::unexpected<Error> cannot_read(int why) {
  const auto code = why == ENOENT || why == ENOTDIR ? ErrorCode::NotFound
                    : why == EACCES                 ? ErrorCode::Denied
                                                    : ErrorCode::Io;
  return fail(code, "it cannot be read: {}", std::strerror(why));
}

}  // namespace

Result<ConfigFromFile::Version> ConfigFromFile::version() const {
  struct stat info{};
  if (::stat(options_.path.c_str(), &info) != 0) return cannot_read(errno);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::InvalidArgument, "it is not a file");
  return Version{info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size),
                 nanoseconds(info.st_mtim), nanoseconds(info.st_ctim)};
}

Result<std::string> ConfigFromFile::content() const {
  const int file = ::open(options_.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) return cannot_read(errno);
  std::string text;
  std::array<char, 16 << 10> part;
  ssize_t count = 0;
  while (text.size() <= kLargest &&
         ((count = ::read(file, part.data(), part.size())) > 0 || (count < 0 && errno == EINTR))) {
    if (count > 0) text.append(part.data(), static_cast<std::size_t>(count));
  }
  const int why = errno;
  ::close(file);
  if (text.size() > kLargest)
    return fail(ErrorCode::LimitExceeded, "it is longer than {} bytes", kLargest);
  if (count < 0) return cannot_read(why);
  return text;
}

// Reads the file where it has changed.
Result<bool> ConfigFromFile::look(When when) {
  const auto found = version();
  if (!found) {
    seen_.reset();
    return std::unexpected(found.error());
  }
  const Version& before = *found;
  if (before == seen_) return false;
  const auto age = std::chrono::system_clock::now().time_since_epoch() -
                   std::chrono::nanoseconds(std::max(before.modified, before.changed));
  // One of the future is of another clock, and says nothing.
  const bool settled = age < age.zero() || age > kSettled;
  if (!settled && when == When::Settled) return false;
  UNBOLT_ASSIGN(const std::string text, content());
  UNBOLT_ASSIGN(const Version after, version());
  if (after == before && settled) seen_ = after;
  if (after != before && when == When::Settled) return false;
  UNBOLT_ASSIGN(auto values, read_flat_yaml(text));
  const std::lock_guard lock(mutex_);
  if (*values_ != values) values_ = std::make_shared<const ConfigValues>(std::move(values));
  return true;
}

void ConfigFromFile::watch(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  while (!never.wait_for(lock, stop, options_.every, [&] { return stop.stop_requested(); })) {
    const auto before = snapshot();
    const auto looked = look(When::Settled);
    if (looked && !*looked) continue;
    if (!looked) {
      if (looked.error().message == complaint_) continue;
      complaint_ = looked.error().message;
      log_.line(LogLevel::Warn, "config", "'{}': {}; the values from before stay", options_.path,
                complaint_);
    } else if (const auto after = snapshot(); before != after) {
      log_.line(LogLevel::Info, "config", "'{}': {} values from now on", options_.path,
                after->size());
      complaint_.clear();
    } else if (!std::exchange(complaint_, {}).empty()) {
      log_.line(LogLevel::Info, "config", "'{}': it can be used again", options_.path);
    }
  }
}

Result<std::shared_ptr<ConfigFromFile>> ConfigFromFile::open(ConfigFileOptions options, Log& log) {
  std::shared_ptr<ConfigFromFile> config(new ConfigFromFile(std::move(options), log));
  if (auto looked = config->look(When::Now); !looked)
    return std::unexpected(std::move(looked).error().in("'" + config->options_.path + "'"));
  config->thread_ =
      std::jthread([&config = *config](const std::stop_token& stop) { config.watch(stop); });
  return config;
}

ConfigFromFile::~ConfigFromFile() = default;

std::shared_ptr<const ConfigValues> ConfigFromFile::snapshot() const {
  const std::lock_guard lock(mutex_);
  return values_;
}

Result<std::shared_ptr<contracts::Config>> open_config_file(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context) {
  static constexpr std::string_view kOptions[] = {"every"};
  UNBOLT_TRY(url.only_options(kOptions));
  ConfigFileOptions options;
  UNBOLT_ASSIGN(options.path, url.local_path("file", "file:settings.yaml"));
  UNBOLT_ASSIGN(const std::uint64_t every, url.milliseconds_option("every", 1000));
  options.every = std::chrono::milliseconds(std::clamp<std::uint64_t>(every, 10, 3'600'000));
  return ConfigFromFile::open(std::move(options), context.log);
}

}  // namespace unbolt::providers
