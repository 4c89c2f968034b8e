#include "unbolt/plugin/open_plugins.h"

#include <sys/stat.h>

namespace unbolt::plugin {

Result<std::shared_ptr<Provider>> OpenPlugins::open(const std::string& path,
                                                    const Provider::Options& options) {
  struct stat status{};
  (void)::stat(path.c_str(), &status);  // a file that is not there is told by who opens it
  std::string key = fmt::format("{}\n{} {} {} {}.{}", path, status.st_dev, status.st_ino,
                                status.st_size, status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  for (const auto& [name, value] : options) key += fmt::format("\n{}={}", name, value);
  const std::lock_guard lock(mutex_);
  std::erase_if(open_, [](const auto& entry) { return entry.second.expired(); });
  if (const auto found = open_.find(key); found != open_.end()) {
    if (auto provider = found->second.lock()) return provider;
  }
  UNBOLT_ASSIGN(auto provider, open_probed(command_, path, options, log_));
  open_.insert_or_assign(std::move(key), provider);
  return provider;
}

}  // namespace unbolt::plugin
