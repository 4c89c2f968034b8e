#include "unbolt/identity/key_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace unbolt::identity {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kSuffix = ".nk";
constexpr std::size_t kLongestName = 48;  // shorter than a seed

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_;
};

bool plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

// What is no name may be a seed that got onto the command line: it is not repeated.
Result<> check_name(std::string_view name) {
  if (name.empty() || name.size() > kLongestName || name[0] == '.' || name[0] == '-' ||
      !std::all_of(name.begin(), name.end(), plain)) {
    return fail(ErrorCode::InvalidArgument,
                "that is no name of a key: one has up to {} letters, digits, '.', '_' and '-'",
                kLongestName);
  }
  return {};
}

// Where a seed got into a path, the path is not repeated.
std::string shown(std::string_view path) {
  std::size_t run = 0;
  for (const char c : path) {
    run = (c >= 'A' && c <= 'Z') || (c >= '2' && c <= '7') ? run + 1 : 0;
    if (run > kLongestName) return "the given file";
  }
  return std::string(path);
}

Result<KeyPair> read_seed(const fs::path& path) {
  const std::string name = shown(path.native());
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!file) {
    const int error = errno;
    return fail(error == ENOENT ? ErrorCode::NotFound : ErrorCode::Io, "cannot read the key {}: {}",
                name, std::strerror(error));
  }
  struct stat info{};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return fail(ErrorCode::InvalidFile, "{}: it is no plain file", name);
  if (info.st_uid != ::geteuid() || (info.st_mode & 077) != 0) {
    return std::unexpected(
        Error{ErrorCode::Denied,
              fmt::format("{}: others than you can read or change this key: it is not used", name),
              fmt::format("chmod 600 {}; if others may have read it, make a new key", name)});
  }
  Secret<char, 256> text;
  const auto places = text.get();
  const ssize_t size = ::read(file.get(), places.data(), places.size());
  if (size < 0) return fail(ErrorCode::Io, "{}: {}", name, std::strerror(errno));
  std::string_view seed(places.data(), static_cast<std::size_t>(size));
  while (!seed.empty() && (seed.back() == '\n' || seed.back() == '\r')) seed.remove_suffix(1);
  auto key = KeyPair::from_seed(seed);
  if (!key) {
    return std::unexpected(Error{ErrorCode::InvalidFile, key.error().message, {}}.in(name));
  }
  return key;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

}  // namespace

Result<KeyStore> KeyStore::of_user() {
  if (const char* data = std::getenv("XDG_DATA_HOME"); data && *data == '/')
    return KeyStore(fs::path(data) / "unbolt" / "keys");
  if (const char* home = std::getenv("HOME"); home && *home)
    return KeyStore(fs::path(home) / ".local" / "share" / "unbolt" / "keys");
  return fail(ErrorCode::NotFound,
              "there is no folder for keys: neither XDG_DATA_HOME nor HOME is set");
}

Result<> KeyStore::check_folder() const {
  struct stat info{};
  if (::lstat(folder_.c_str(), &info) != 0)
    return fail(ErrorCode::NotFound, "{}: {}", folder_.native(), std::strerror(errno));
  if (!S_ISDIR(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & 077) != 0) {
    return std::unexpected(
        Error{ErrorCode::Denied,
              fmt::format("{}: it must be a folder that is yours alone", folder_.native()),
              fmt::format("chmod 700 {}", folder_.native())});
  }
  return {};
}

Result<> KeyStore::add(std::string_view name, const KeyPair& key) const {
  UNBOLT_TRY(check_name(name));
  std::error_code failure;
  fs::create_directories(folder_.parent_path(), failure);
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(ErrorCode::Io, "cannot make the folder {}: {}", folder_.native(),
                std::strerror(errno));
  }
  UNBOLT_TRY(check_folder());
  const fs::path path = folder_ / (std::string(name) + std::string(kSuffix));
  const fs::path aside = folder_ / fmt::format(".{}.{}", name, ::getpid());
  ::unlink(aside.c_str());
  int error = 0;
  {
    const File file(::open(aside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    const SeedText seed = key.seed();
    if (!file || !write_all(file.get(), {seed.get().data(), seed.get().size()}) ||
        !write_all(file.get(), "\n") || ::fsync(file.get()) != 0)
      error = errno;
  }
  if (error == 0 && ::link(aside.c_str(), path.c_str()) != 0) error = errno;
  ::unlink(aside.c_str());
  if (error == EEXIST) {
    return std::unexpected(
        Error{ErrorCode::Conflict, fmt::format("there is a key '{}' already", name),
              "give another name, or remove " + path.native() + " if nobody needs it any more"});
  }
  if (error != 0) {
    return fail(ErrorCode::Io, "cannot write the key {}: {}", path.native(), std::strerror(error));
  }
  return {};
}

Result<KeyPair> KeyStore::find(std::string_view which) const {
  if (which.contains('/')) return read_seed(fs::path(which));
  if (const auto key = PublicKey::parse(which)) {
    UNBOLT_ASSIGN(const auto keys, list());
    const auto found = std::find_if(keys.begin(), keys.end(),
                                    [&](const NamedKey& item) { return item.key == *key; });
    if (found == keys.end()) {
      return fail(ErrorCode::NotFound, "the seed of {} is not among the keys of {}", which,
                  folder_.native());
    }
    return find(found->name);
  }
  UNBOLT_TRY(check_name(which));
  const fs::path path = folder_ / (std::string(which) + std::string(kSuffix));
  if (std::error_code failure; !fs::exists(path, failure)) {
    return std::unexpected(Error{
        ErrorCode::NotFound, fmt::format("there is no key '{}' in {}", which, folder_.native()),
        "unbolt keys list shows those there are, unbolt keys new makes one"});
  }
  UNBOLT_TRY(check_folder());
  return read_seed(path);
}

Result<PublicKey> KeyStore::public_key(std::string_view which) const {
  if (auto key = PublicKey::parse(which)) return *key;
  UNBOLT_ASSIGN(const KeyPair pair, find(which));
  return pair.public_key();
}

Result<std::vector<NamedKey>> KeyStore::list(std::vector<std::string>* unreadable) const {
  std::vector<NamedKey> keys;
  if (std::error_code failure; !fs::exists(folder_, failure)) return keys;
  UNBOLT_TRY(check_folder());
  std::error_code failure;
  for (fs::directory_iterator item(folder_, failure), end; !failure && item != end;
       item.increment(failure)) {
    const fs::path& path = item->path();
    const std::string name = path.stem().string();
    if (path.extension() != kSuffix || !check_name(name)) continue;
    if (const auto key = read_seed(path)) {
      keys.push_back({name, key->public_key()});
    } else if (unreadable) {
      unreadable->push_back(key.error().message);
    }
  }
  if (failure) return fail(ErrorCode::Io, "{}: {}", folder_.native(), failure.message());
  std::sort(keys.begin(), keys.end(),
            [](const NamedKey& a, const NamedKey& b) { return a.name < b.name; });
  return keys;
}

}  // namespace unbolt::identity
