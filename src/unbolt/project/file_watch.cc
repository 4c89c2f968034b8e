#include "unbolt/project/file_watch.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace unbolt::project {
namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM |
                                  IN_MOVED_TO | IN_ONLYDIR | IN_DONT_FOLLOW | IN_EXCL_UNLINK;
constexpr std::size_t kMostLeftOut = 5;

std::string join(const std::string& folder, std::string_view name) {
  return folder.empty() ? std::string(name) : folder + "/" + std::string(name);
}

}  // namespace

Result<FileWatch> FileWatch::open(fs::path root, Skip skip) {
  const int descriptor = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor < 0) {
    return std::unexpected(
        Error{ErrorCode::LimitExceeded,
              fmt::format("changes of files cannot be watched: {}", std::strerror(errno)),
              "other programs of yours watch already; more are allowed with "
              "sysctl fs.inotify.max_user_instances=1024"});
  }
  FileWatch watch(std::move(root), std::move(skip), descriptor);
  watch.add("", nullptr);
  if (watch.folders_.empty())
    return fail(ErrorCode::Io, "'{}' cannot be watched: {}", watch.root_.string(), watch.reason_);
  return watch;
}

FileWatch::FileWatch(FileWatch&& other) noexcept
    : root_(std::move(other.root_)),
      skip_(std::move(other.skip_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      folders_(std::move(other.folders_)),
      files_(std::move(other.files_)),
      left_out_(std::move(other.left_out_)),
      reason_(std::move(other.reason_)) {}

FileWatch& FileWatch::operator=(FileWatch&& other) noexcept {
  std::swap(root_, other.root_);
  std::swap(skip_, other.skip_);
  std::swap(descriptor_, other.descriptor_);
  std::swap(folders_, other.folders_);
  std::swap(files_, other.files_);
  std::swap(left_out_, other.left_out_);
  std::swap(reason_, other.reason_);
  return *this;
}

FileWatch::~FileWatch() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void FileWatch::leave_out(const std::string& folder, std::string reason) {
  if (reason_.empty()) reason_ = std::move(reason);
  if (left_out_.size() < kMostLeftOut) left_out_.push_back(folder.empty() ? "." : folder);
}

// Breadth first: where not all can be watched, it is what lies deepest.
void FileWatch::add(const std::string& first, std::set<std::string>* found) {
  std::vector<std::string> level{first}, next;
  for (; !level.empty(); level = std::exchange(next, {})) {
    for (const std::string& folder : level) {
      if (files_.size() >= kMostFiles) {
        leave_out(folder, fmt::format("there are more than {} files", kMostFiles));
        continue;
      }
      const int number = ::inotify_add_watch(descriptor_, (root_ / folder).c_str(), kEvents);
      if (number < 0) {
        if (errno == ENOENT || errno == ENOTDIR) continue;
        leave_out(folder, errno == ENOSPC ? "the kernel allows no more watches "
                                            "(sysctl fs.inotify.max_user_watches)"
                                          : std::strerror(errno));
        continue;
      }
      folders_[number] = folder;
      std::error_code failure;
      // After the watch: what comes in between is seen twice and not never.
      for (fs::directory_iterator entry(root_ / folder, failure), end; entry != end && !failure;
           entry.increment(failure)) {
        std::error_code unknown;
        const std::string path = join(folder, entry->path().filename().string());
        const auto status = entry->symlink_status(unknown);
        if (fs::is_directory(status)) {
          if (!skip_(path)) next.push_back(path);
        } else if (fs::is_regular_file(status) || fs::is_symlink(status)) {
          if (files_.size() >= kMostFiles) {
            leave_out(folder, fmt::format("there are more than {} files", kMostFiles));
            break;
          }
          files_.insert(path);
          if (found) found->insert(path);
        }
      }
    }
  }
}

std::set<std::string> FileWatch::changed() {
  std::set<std::string> found;
  alignas(inotify_event) char buffer[16 * 1024];
  for (;;) {
    const ssize_t n = ::read(descriptor_, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return found;
    for (ssize_t at = 0; at < n;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
      at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
      if (event->mask & IN_Q_OVERFLOW) {
        // Some were not told: then it may be any.
        found.insert(files_.begin(), files_.end());
        files_.clear();
        add("", &found);
        continue;
      }
      const auto folder = folders_.find(event->wd);
      if (folder == folders_.end()) continue;
      if (event->mask & IN_IGNORED) {
        folders_.erase(folder);
        continue;
      }
      if (event->len == 0) continue;
      const std::string path = join(folder->second, event->name);
      if (event->mask & IN_ISDIR) {
        if (skip_(path)) continue;
        if (event->mask & (IN_CREATE | IN_MOVED_TO)) add(path, &found);
        if (event->mask & (IN_DELETE | IN_MOVED_FROM)) {
          const auto below = files_.lower_bound(path + "/");
          for (auto file = below; file != files_.end() && file->starts_with(path + "/");)
            found.insert(*file++);
        }
        continue;
      }
      // A file that is only made will be written and closed; a link is whole at once.
      if ((event->mask & IN_CREATE) && files_.contains(path)) continue;
      if (files_.size() < kMostFiles) files_.insert(path);
      found.insert(path);
    }
  }
}

}  // namespace unbolt::project
