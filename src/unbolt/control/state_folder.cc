#include "unbolt/control/state_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "unbolt/contracts/text.h"

namespace unbolt::control {
namespace {

namespace fs = std::filesystem;

constexpr struct flock kWholeFile = {F_WRLCK, SEEK_SET, 0, 0, 0};
constexpr std::size_t kLargestState = 4 << 20;

std::unexpected<Error> system_error(std::string_view what, const fs::path& path) {
  const int error = errno;
  Error failure{
      ErrorCode::Io, fmt::format("{} {}: {}", what, path.string(), std::strerror(error)), {}};
  failure.system = error;
  return std::unexpected(std::move(failure));
}

// A name that is a folder's name and nothing else; the manifest allows no others.
Result<> check_name(std::string_view name) {
  const bool good =
      !name.empty() && name.size() <= 64 && std::ranges::all_of(name, [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
      });
  if (good) return {};
  return fail(ErrorCode::InvalidArgument,
              "'{}' is no name of an application: small letters, digits and '-', at most 64",
              contracts::printable(name, 80));
}

struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

Result<> write_all(int fd, std::string_view text, const fs::path& path) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("cannot write", path);
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  if (::fsync(fd) != 0) return system_error("cannot write", path);
  return {};
}

}  // namespace

Result<fs::path> StateFolder::root() {
  if (const char* state = std::getenv("XDG_STATE_HOME"); state && *state == '/')
    return fs::path(state) / "unbolt";
  if (const char* home = std::getenv("HOME"); home && *home == '/')
    return fs::path(home) / ".local/state/unbolt";
  return std::unexpected(Error{ErrorCode::NotFound, "there is no folder for the host's state",
                               "set HOME or XDG_STATE_HOME"});
}

Result<StateFolder> StateFolder::claim(std::string_view application) {
  UNBOLT_TRY(check_name(application));
  UNBOLT_ASSIGN(const fs::path root, StateFolder::root());
  const fs::path path = root / application;
  std::error_code failure;
  fs::create_directories(root, failure);
  if (failure) return fail(ErrorCode::Io, "cannot make {}: {}", root.string(), failure.message());
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return system_error("cannot make", path);
  struct stat about{};
  if (::lstat(path.c_str(), &about) != 0) return system_error("cannot look at", path);
  if (!S_ISDIR(about.st_mode) || about.st_uid != ::geteuid()) {
    return fail(ErrorCode::Denied, "{} is not a folder of this user's", path.string());
  }
  if ((about.st_mode & 0077) != 0 && ::chmod(path.c_str(), 0700) != 0)
    return system_error("cannot make owner-only", path);
  const fs::path lock = path / "lock";
  Descriptor held{::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (held.fd < 0) return system_error("cannot open", lock);
  struct flock whole = kWholeFile;
  if (::fcntl(held.fd, F_OFD_SETLK, &whole) != 0) {
    if (errno != EAGAIN && errno != EACCES) return system_error("cannot lock", lock);
    return std::unexpected(
        Error{ErrorCode::Conflict,
              fmt::format("a host of this user runs the application '{}' already", application),
              "change it with `unbolt apply MANIFEST`, or end it with `unbolt stop`"});
  }
  return StateFolder(path, std::exchange(held.fd, -1));
}

StateFolder::StateFolder(StateFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

StateFolder::~StateFolder() {
  if (lock_ >= 0) ::close(lock_);
}

Result<std::optional<std::string>> StateFolder::load() const {
  const fs::path path = path_ / "desired.yaml";
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (file.fd < 0) {
    if (errno == ENOENT) return std::nullopt;
    return system_error("cannot open", path);
  }
  std::string text;
  char buffer[65536];
  while (true) {
    const auto size = ::read(file.fd, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return system_error("cannot read", path);
    if (size == 0) return text;
    text.append(buffer, static_cast<std::size_t>(size));
    if (text.size() > kLargestState)
      return fail(ErrorCode::LimitExceeded, "{} is larger than 4 MiB", path.string());
  }
}

Result<> StateFolder::store(std::string_view text) const {
  const fs::path path = path_ / "desired.yaml", next = path_ / "desired.yaml.new";
  {
    // It holds what the manifest held, passwords in URLs too.
    Descriptor file{
        ::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (file.fd < 0) return system_error("cannot open", next);
    UNBOLT_TRY(write_all(file.fd, text, next));
  }
  if (::rename(next.c_str(), path.c_str()) != 0) return system_error("cannot replace", path);
  Descriptor folder{::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.fd < 0 || ::fsync(folder.fd) != 0) return system_error("cannot write", path_);
  return {};
}

Result<std::vector<std::string>> running_applications() {
  UNBOLT_ASSIGN(const fs::path root, StateFolder::root());
  std::vector<std::string> running;
  std::error_code failure;
  for (fs::directory_iterator entry(root, failure), end; !failure && entry != end;
       entry.increment(failure)) {
    const fs::path lock = entry->path() / "lock";
    const Descriptor file{::open(lock.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
    if (file.fd < 0) continue;
    struct flock holder = kWholeFile;  // asks who would be in the way, and takes nothing
    if (::fcntl(file.fd, F_OFD_GETLK, &holder) != 0 || holder.l_type == F_UNLCK) continue;
    running.push_back(entry->path().filename().string());
  }
  std::ranges::sort(running);
  return running;
}

Result<fs::path> control_socket(std::string_view application) {
  UNBOLT_TRY(check_name(application));
  UNBOLT_ASSIGN(const fs::path root, StateFolder::root());
  return root / application / "control.sock";
}

}  // namespace unbolt::control
