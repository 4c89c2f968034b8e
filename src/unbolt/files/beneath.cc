#include "unbolt/files/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <climits>
#include <vector>

namespace unbolt::files {
namespace {

constexpr int kMostLinks = 40;  // the kernel's own bound

Outcome<Descriptor> as_outcome(long number) {
  if (number < 0) return last_error();
  return Descriptor(static_cast<int>(number));
}

Outcome<Descriptor> open_by_kernel(int folder, const std::string& path, int flags, mode_t mode) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(static_cast<unsigned>(flags | O_CLOEXEC));
  how.mode = flags & O_CREAT ? mode : 0;  // it refuses one that means nothing
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0;; ++attempt) {
    auto opened = as_outcome(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof how));
    if (opened) return opened;
    switch (opened.error().value) {
      case EINTR: break;
      // A rename on the way: the kernel cannot tell whether `..` has left the folder.
      case EAGAIN:
        if (attempt > 1'000) return error(EAGAIN);
        break;
      case EXDEV: return error(EPERM);
      default: return opened;
    }
  }
}

// Resolves a path name by name. `folders_` are those from the first one (not ours) to where we are.
class Walker {
 public:
  explicit Walker(int folder) : first_(folder) {}

  Outcome<Descriptor> open(std::string path, int flags, mode_t mode) {
    for (;;) {
      // The next name, and whether something follows it.
      const auto begin = path.find_first_not_of('/');
      if (begin == std::string::npos) return open_here(flags);
      if (begin > 0 && !inside_) return error(EPERM);
      inside_ = true;
      auto end = path.find('/', begin);
      const bool slash = end != std::string::npos;
      if (!slash) end = path.size();
      const std::string name = path.substr(begin, end - begin);
      const bool last = path.find_first_not_of('/', end) == std::string::npos;
      path.erase(0, end);

      if (name == ".") {
        if (last) return open_here(flags);
        continue;
      }
      if (name == "..") {
        if (folders_.empty()) return error(EPERM);
        folders_.pop_back();
        if (last) return open_here(flags);
        continue;
      }
      if (last && slash && (flags & O_CREAT)) return error(EISDIR);
      int wanted = O_PATH | O_DIRECTORY;
      if (last) wanted = slash ? flags | O_DIRECTORY : flags;
      auto opened = step(name, wanted, mode);
      // The name may be a symbolic link. It is asked for again, and may have been replaced by then:
      // whatever it is, each step opens one name without following it.
      if ((!last || slash || !(flags & O_NOFOLLOW)) && !(flags & O_EXCL && last)) {
        if (!opened ? opened.error().value == ELOOP || opened.error().value == ENOTDIR
                    : (wanted & O_PATH) && is_link(*opened)) {
          if (auto target = link_target(name)) {
            if (++links_ > kMostLinks) return error(ELOOP);
            if (target->starts_with('/')) return error(EPERM);
            path.insert(0, last && slash ? *target + '/' : *target);
            if (path.size() > std::size_t{2} * PATH_MAX) return error(ENAMETOOLONG);
            continue;
          }
          if (opened) return error(ELOOP);
        }
      }
      if (!opened || last) return opened;
      folders_.push_back(std::move(*opened));
    }
  }

 private:
  int here() const { return folders_.empty() ? first_ : folders_.back().number(); }

  Outcome<Descriptor> step(const std::string& name, int flags, mode_t mode) {
    return as_outcome(::openat(here(), name.c_str(), flags | O_NOFOLLOW | O_CLOEXEC, mode));
  }

  // What the folder we stand in is opened with.
  Outcome<Descriptor> open_here(int flags) {
    if (flags & O_CREAT) return error(flags & O_EXCL ? EEXIST : EISDIR);
    return as_outcome(::openat(here(), ".", flags | O_CLOEXEC));
  }

  // With O_PATH a link is opened itself.
  static bool is_link(const Descriptor& descriptor) {
    struct stat info{};
    return ::fstat(descriptor.number(), &info) == 0 && S_ISLNK(info.st_mode);
  }

  Outcome<std::string> link_target(const std::string& name) {
    std::array<char, PATH_MAX> target;
    const auto size = ::readlinkat(here(), name.c_str(), target.data(), target.size());
    if (size < 0) return last_error();
    return std::string(target.data(), static_cast<std::size_t>(size));
  }

  int first_;
  bool inside_ = false;
  std::vector<Descriptor> folders_;
  int links_ = 0;
};

bool kernel_has_openat2() {
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH;
  const long opened = ::syscall(SYS_openat2, AT_FDCWD, ".", &how, sizeof how);
  if (opened >= 0) ::close(static_cast<int>(opened));
  // A sandbox that does not know the call refuses it with EPERM.
  return opened >= 0 || (errno != ENOSYS && errno != EPERM);
}

}  // namespace

Method best_method() {
  static const Method method = kernel_has_openat2() ? Method::Kernel : Method::Walk;
  return method;
}

Outcome<Descriptor> open_beneath(int folder, std::string_view path, int flags, mode_t mode,
                                 Method method) {
  if (path.empty()) return error(ENOENT);
  if (path.contains('\0')) return error(EINVAL);
  if (path.size() >= PATH_MAX) return error(ENAMETOOLONG);
  if (path.starts_with('/')) return error(EPERM);
  if (method == Method::Kernel) return open_by_kernel(folder, std::string(path), flags, mode);
  return Walker(folder).open(std::string(path), flags, mode);
}

Outcome<Place> place_beneath(int folder, std::string_view path, Method method) {
  if (path.empty()) return error(ENOENT);
  if (path.contains('\0')) return error(EINVAL);
  if (path.starts_with('/')) return error(EPERM);
  const auto end = path.find_last_not_of('/') + 1;
  const auto slash = path.substr(0, end).rfind('/');
  const auto begin = slash == std::string_view::npos ? 0 : slash + 1;
  const auto name = path.substr(begin, end - begin);
  if (name == ".") return error(EINVAL);
  if (name == "..") return error(EPERM);
  if (name.size() > NAME_MAX) return error(ENAMETOOLONG);
  Place place{{}, folder, std::string(name)};
  if (end < path.size()) place.name += '/';
  if (begin > 0) {
    auto parent = open_beneath(folder, path.substr(0, begin), O_PATH | O_DIRECTORY, 0, method);
    if (!parent) return std::unexpected(parent.error());
    place.opened = std::move(*parent);
    place.folder = place.opened.number();
  }
  return place;
}

}  // namespace unbolt::files
