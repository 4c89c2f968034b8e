// `file:PATH`, configuration in a file that may change.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "unbolt/base/log.h"
#include "unbolt/contracts/config.h"
#include "unbolt/contracts/provider_table.h"

namespace unbolt::providers {

struct ConfigFileOptions {
  std::string path;
  std::chrono::milliseconds every{1000};
};

// Has a thread of its own, which its destructor ends.
class ConfigFromFile final : public contracts::Config {
 public:
  // What is wrong with the file is an error now, and a line in the log later. Blocks.
  static Result<std::shared_ptr<ConfigFromFile>> open(ConfigFileOptions options, Log& log);
  ~ConfigFromFile() override;

  std::shared_ptr<const contracts::ConfigValues> snapshot() const override;

 private:
  // Which content the file has, as far as the system tells.
  struct Version {
    std::uint64_t device = 0, inode = 0, size = 0;
    std::int64_t modified = 0, changed = 0;  // nanoseconds
    bool operator==(const Version&) const = default;
  };
  ConfigFromFile(ConfigFileOptions options, Log& log) : options_(std::move(options)), log_(log) {}
  Result<Version> version() const;
  Result<std::string> content() const;
  // Now, or when nobody is writing it any more.
  enum class When : bool { Now, Settled };
  Result<bool> look(When when);  // whether it was read
  void watch(const std::stop_token& stop);

  const ConfigFileOptions options_;
  Log& log_;
  mutable std::mutex mutex_;
  std::shared_ptr<const contracts::ConfigValues> values_ =
      std::make_shared<const contracts::ConfigValues>();
  // The thread's alone, once it runs.
  std::optional<Version> seen_;
  std::string complaint_;  // the last one
  std::jthread thread_;
};

// The factory for `file:PATH[?every=1s]`.
Result<std::shared_ptr<contracts::Config>> open_config_file(
    const contracts::ProviderUrl& url, const contracts::ProviderContext& context);

}  // namespace unbolt::providers
