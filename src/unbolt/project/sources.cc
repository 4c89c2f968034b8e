#include "unbolt/project/sources.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <utility>

namespace unbolt::project {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kLargestCompared = 4 << 20;
constexpr int kBuildsInARow = 3;
constexpr std::array<std::string_view, 6> kCaches = {"node_modules", "target",    "__pycache__",
                                                     "zig-out",      "zig-cache", "CMakeFiles"};

std::optional<std::uint64_t> digest_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return std::nullopt;
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  return std::hash<std::string_view>()(text);
}

}  // namespace

bool is_litter(std::string_view name) {
  return name.starts_with('.') || name.starts_with('#') || name.ends_with('~') ||
         name.ends_with(".swp") || name.ends_with(".tmp") || name == "4913" ||
         std::ranges::find(kCaches, name) != kCaches.end();
}

Result<Sources> Sources::open(const fs::path& root, const std::vector<fs::path>& outputs,
                              fs::path memory) {
  std::set<std::string> ours;
  for (const auto& output : outputs) {
    const std::string path = output.lexically_relative(root).string();
    if (!path.empty() && path != "." && !path.starts_with("..")) ours.insert(path);
  }
  auto watch = FileWatch::open(root, [ours](const std::string& folder) {
    return is_litter(fs::path(folder).filename().string()) || ours.contains(folder);
  });
  if (!watch) return std::unexpected(std::move(watch).error());
  Sources sources(root, std::move(*watch), std::move(memory));
  sources.outputs_ = std::move(ours);
  std::ifstream remembered(sources.memory_);
  for (std::string line; std::getline(remembered, line);) sources.made_.insert(line);
  for (const std::string& path : sources.watch_.files()) {
    if (auto stamp = sources.look(path)) sources.known_.emplace(path, *stamp);
  }
  return sources;
}

std::optional<Sources::Stamp> Sources::look(const std::string& path) const {
  struct stat info;
  if (::stat((root_ / path).c_str(), &info) != 0 || !S_ISREG(info.st_mode)) return std::nullopt;
  return Stamp{static_cast<std::uint64_t>(info.st_size), info.st_ino,
               info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec, std::nullopt};
}

bool Sources::counts(const std::string& path, std::optional<Stamp> now) {
  if (outputs_.contains(path)) return false;
  const auto before = known_.find(path);
  const bool was = before != known_.end();
  if (!now) {
    if (was) known_.erase(before);
    return was && running_.empty();
  }
  if (was && before->second.size == now->size && before->second.inode == now->inode &&
      before->second.nanoseconds == now->nanoseconds) {
    return false;
  }
  if (now->size <= kLargestCompared) now->digest = digest_of(root_ / path);
  const bool same = was && before->second.digest && before->second.digest == now->digest;
  known_[path] = *now;
  if (same) return false;
  if (running_.empty()) {
    for (auto& [build, files] : suspicious_) files.erase(path);
    if (made_.erase(path)) remembered_ = false;
    return true;
  }
  if (made_.contains(path)) return false;
  if (!was) {
    made_.insert(path);
    remembered_ = false;
    return false;
  }
  for (auto& [build, files] : running_) files.insert(path);
  return true;
}

std::set<std::string> Sources::edited() {
  std::set<std::string> result;
  for (const std::string& path : watch_.changed()) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (is_litter(name) || !counts(path, look(path))) continue;
    result.insert(path);
  }
  return result;
}

void Sources::build_begins(const std::string& name) { running_[name].clear(); }

void Sources::build_ends(const std::string& name) {
  const auto ended = running_.extract(name);
  if (!ended) return;
  const auto& changed = ended.mapped();
  auto& in_a_row = suspicious_[name];
  std::erase_if(in_a_row, [&](const auto& entry) { return !changed.contains(entry.first); });
  for (const std::string& path : changed) {
    if (++in_a_row[path] < kBuildsInARow) continue;
    made_.insert(path);
    remembered_ = false;
  }
  if (!std::exchange(remembered_, true)) remember();
}

void Sources::remember() {
  std::ofstream out(memory_, std::ios::trunc);
  for (const std::string& path : made_) out << path << '\n';
}

}  // namespace unbolt::project
