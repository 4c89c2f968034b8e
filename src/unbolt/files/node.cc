#include "unbolt/files/node.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include <array>
#include <climits>
#include <cstring>

namespace unbolt::files {
namespace {

// The kernel's offsets are signed.
bool fits(std::uint64_t offset) { return offset <= INT64_MAX; }

Outcome<std::size_t> counted(ssize_t count) {
  if (count < 0) return last_error();
  return static_cast<std::size_t>(count);
}
Outcome<> done(int result) {
  if (result < 0) return last_error();
  return {};
}

// Again where a signal came between.
template <class F>
auto retried(F f) {
  auto result = f();
  while (result < 0 && errno == EINTR) result = f();
  return result;
}

Outcome<struct stat> stat_of(int descriptor) {
  struct stat info{};
  if (::fstat(descriptor, &info) < 0) return last_error();
  return info;
}

Outcome<timespec> to_timespec(const NewTime& time) {
  switch (time.kind) {
    case NewTime::Kind::Keep: return timespec{0, UTIME_OMIT};
    case NewTime::Kind::Now: return timespec{0, UTIME_NOW};
    case NewTime::Kind::At: break;
  }
  if (!fits(time.seconds) || time.nanoseconds >= 1'000'000'000) return error(EINVAL);
  return timespec{static_cast<time_t>(time.seconds), static_cast<long>(time.nanoseconds)};
}

// Also of a descriptor opened with O_PATH, and of a symbolic link itself.
Outcome<> set_times_of(int descriptor, const NewTime& access, const NewTime& modification) {
  const auto first = to_timespec(access), second = to_timespec(modification);
  if (!first) return std::unexpected(first.error());
  if (!second) return std::unexpected(second.error());
  const timespec times[2] = {*first, *second};
  if (::utimensat(descriptor, "", times, AT_EMPTY_PATH) == 0) return {};
  if (errno != EINVAL) return last_error();
  // Before Linux 5.8.
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  return done(::utimensat(AT_FDCWD, path.c_str(), times, 0));
}

int sync_flags(const Rights& rights) {
  return (rights.sync ? O_SYNC : 0) | (rights.data_sync ? O_DSYNC : 0) |
         (rights.read_sync ? O_RSYNC : 0);
}

}  // namespace

Result<std::shared_ptr<const Node>> Node::open(const std::string& path, Access access) {
  Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor) {
    const int why = errno;
    const auto code = why == ENOENT                   ? ErrorCode::NotFound
                      : why == EACCES || why == EPERM ? ErrorCode::Denied
                                                      : ErrorCode::Io;
    return fail(code, "folder '{}': {}", path, std::strerror(why));
  }
  return std::make_shared<const Node>(std::move(descriptor), S_IFDIR,
                                      Rights{.read = true, .write = false}, access);
}

// ---- A file

Outcome<std::size_t> Node::read(std::span<std::uint8_t> into, std::uint64_t offset) const {
  if (is_folder()) return error(EISDIR);
  if (!rights_.read) return error(EBADF);
  if (!fits(offset)) return error(EINVAL);
  return counted(retried(
      [&] { return ::pread(number(), into.data(), into.size(), static_cast<off_t>(offset)); }));
}

Outcome<std::size_t> Node::read_cached(std::span<std::uint8_t> into, std::uint64_t offset) const {
  if (is_folder()) return error(EISDIR);
  if (!rights_.read) return error(EBADF);
  if (!fits(offset)) return error(EINVAL);
  const iovec part{into.data(), into.size()};
  const auto count = ::preadv2(number(), &part, 1, static_cast<off_t>(offset), RWF_NOWAIT);
  if (count < 0 && (errno == EOPNOTSUPP || errno == EINTR)) return error(EAGAIN);
  return counted(count);
}

Outcome<> Node::check_writable() const {
  if (is_folder()) return error(EISDIR);
  if (!may_change()) return error(EPERM);
  if (!rights_.write) return error(EBADF);
  return {};
}

Outcome<std::size_t> Node::write(ByteView bytes, std::uint64_t offset) const {
  if (auto writable = check_writable(); !writable) return std::unexpected(writable.error());
  if (!fits(offset)) return error(EFBIG);
  return counted(retried(
      [&] { return ::pwrite(number(), bytes.data(), bytes.size(), static_cast<off_t>(offset)); }));
}

Outcome<std::size_t> Node::append(ByteView bytes) const {
  if (auto writable = check_writable(); !writable) return std::unexpected(writable.error());
  const iovec part{const_cast<std::uint8_t*>(bytes.data()), bytes.size()};
  return counted(retried([&] { return ::pwritev2(number(), &part, 1, 0, RWF_APPEND); }));
}

Outcome<> Node::set_size(std::uint64_t size) const {
  if (is_folder()) return error(EISDIR);
  if (!may_change()) return error(EPERM);
  if (!rights_.write) return error(EINVAL);
  if (!fits(size)) return error(EFBIG);
  return done(retried([&] { return ::ftruncate(number(), static_cast<off_t>(size)); }));
}

Outcome<> Node::advise(std::uint64_t offset, std::uint64_t length, int advice) const {
  if (is_folder()) return error(EBADF);
  if (!fits(offset) || !fits(length)) return error(EINVAL);
  const int why =
      ::posix_fadvise(number(), static_cast<off_t>(offset), static_cast<off_t>(length), advice);
  if (why != 0) return error(why);
  return {};
}

// ---- Either

Outcome<struct stat> Node::stat() const { return stat_of(number()); }

Outcome<> Node::sync(bool data_only) const {
  const int result = retried([&] { return data_only ? ::fdatasync(number()) : ::fsync(number()); });
  // What cannot be synchronised has nothing to lose.
  if (result < 0 && errno == EINVAL) return {};
  return done(result);
}

Outcome<> Node::set_times(const NewTime& access, const NewTime& modification) const {
  if (!may_change()) return error(EPERM);
  return set_times_of(number(), access, modification);
}

// ---- Below a folder

Outcome<std::shared_ptr<const Node>> Node::open_at(std::string_view path,
                                                   OpenOptions options) const {
  if (!is_folder()) return error(ENOTDIR);
  const bool changes = options.rights.write || options.truncate || options.create != Create::No;
  if (changes && !may_change()) return error(EPERM);
  if (options.folder && (options.create != Create::No || options.truncate)) return error(EINVAL);

  if (!options.rights.write) options.rights.read = true;
  // To truncate is to write, whatever the descriptor may do afterwards.
  int flags = !options.rights.write && !options.truncate ? O_RDONLY
              : options.rights.read                      ? O_RDWR
                                                         : O_WRONLY;
  // Opening a pipe does not wait for its other end.
  flags |= O_NONBLOCK | O_NOCTTY | sync_flags(options.rights);
  if (options.follow == Follow::No) flags |= O_NOFOLLOW;
  if (options.folder) flags |= O_DIRECTORY;
  if (options.truncate) flags |= O_TRUNC;
  if (options.create != Create::No) flags |= O_CREAT;
  if (options.create == Create::Exclusive) flags |= O_EXCL;
  auto opened = open_beneath(number(), path, flags, options.create == Create::No ? 0 : 0666);
  if (!opened) return std::unexpected(opened.error());
  const auto info = stat_of(opened->number());
  if (!info) return std::unexpected(info.error());
  return std::make_shared<const Node>(std::move(*opened), info->st_mode & S_IFMT, options.rights,
                                      granted_);
}

Outcome<struct stat> Node::stat_at(std::string_view path, Follow follow) const {
  if (!is_folder()) return error(ENOTDIR);
  auto opened = open_beneath(number(), path, O_PATH | (follow == Follow::Yes ? 0 : O_NOFOLLOW));
  if (!opened) return std::unexpected(opened.error());
  return stat_of(opened->number());
}

Outcome<> Node::set_times_at(std::string_view path, Follow follow, const NewTime& access,
                             const NewTime& modification) const {
  if (!is_folder()) return error(ENOTDIR);
  if (!may_change()) return error(EPERM);
  auto opened = open_beneath(number(), path, O_PATH | (follow == Follow::Yes ? 0 : O_NOFOLLOW));
  if (!opened) return std::unexpected(opened.error());
  return set_times_of(opened->number(), access, modification);
}

Outcome<Place> Node::place_to_change(std::string_view path) const {
  if (!is_folder()) return error(ENOTDIR);
  if (!may_change()) return error(EPERM);
  return place_beneath(number(), path);
}

Outcome<> Node::make_folder_at(std::string_view path) const {
  const auto place = place_to_change(path);
  if (!place) return std::unexpected(place.error());
  return done(::mkdirat(place->folder, place->name.c_str(), 0777));
}

Outcome<> Node::remove_folder_at(std::string_view path) const {
  const auto place = place_to_change(path);
  if (!place) return std::unexpected(place.error());
  return done(::unlinkat(place->folder, place->name.c_str(), AT_REMOVEDIR));
}

Outcome<> Node::unlink_at(std::string_view path) const {
  const auto place = place_to_change(path);
  if (!place) return std::unexpected(place.error());
  return done(::unlinkat(place->folder, place->name.c_str(), 0));
}

Outcome<std::string> Node::read_link_at(std::string_view path) const {
  if (!is_folder()) return error(ENOTDIR);
  const auto place = place_beneath(number(), path);
  if (!place) return std::unexpected(place.error());
  std::array<char, PATH_MAX> target;
  const auto size = ::readlinkat(place->folder, place->name.c_str(), target.data(), target.size());
  if (size < 0) return last_error();
  // Where it leads is no business of the guest's.
  if (size > 0 && target[0] == '/') return error(EPERM);
  return std::string(target.data(), static_cast<std::size_t>(size));
}

Outcome<> Node::make_link_at(std::string_view target, std::string_view path) const {
  const auto place = place_to_change(path);
  if (!place) return std::unexpected(place.error());
  if (target.empty()) return error(ENOENT);
  if (target.contains('\0')) return error(EINVAL);
  if (target.starts_with('/')) return error(EPERM);
  return done(::symlinkat(std::string(target).c_str(), place->folder, place->name.c_str()));
}

Outcome<> Node::hard_link_at(std::string_view path, const Node& new_folder,
                             std::string_view new_path) const {
  const auto from = place_to_change(path);
  if (!from) return std::unexpected(from.error());
  const auto to = new_folder.place_to_change(new_path);
  if (!to) return std::unexpected(to.error());
  return done(::linkat(from->folder, from->name.c_str(), to->folder, to->name.c_str(), 0));
}

Outcome<> Node::rename_at(std::string_view path, const Node& new_folder,
                          std::string_view new_path) const {
  const auto from = place_to_change(path);
  if (!from) return std::unexpected(from.error());
  const auto to = new_folder.place_to_change(new_path);
  if (!to) return std::unexpected(to.error());
  return done(::renameat(from->folder, from->name.c_str(), to->folder, to->name.c_str()));
}

// ---- Listing

namespace {

// What getdents64 gives; it has no header.
struct RawEntry {
  std::uint64_t inode;
  std::int64_t next;
  std::uint16_t size;
  std::uint8_t type;
  char name[1];
};

}  // namespace

Outcome<std::unique_ptr<Listing>> Listing::open(const Node& folder) {
  if (!folder.is_folder()) return error(ENOTDIR);
  // A position of its own.
  auto opened = open_beneath(folder.number(), ".", O_RDONLY | O_DIRECTORY);
  if (!opened) return std::unexpected(opened.error());
  return std::unique_ptr<Listing>(new Listing(std::move(*opened)));
}

Listing::~Listing() = default;

Outcome<std::optional<Listing::Entry>> Listing::next() {
  for (;;) {
    if (begin_ == end_) {
      if (ended_) return std::nullopt;
      const long size = ::syscall(SYS_getdents64, descriptor_.number(), buffer_, sizeof buffer_);
      if (size < 0) {
        ended_ = true;
        if (errno == ENOENT) return std::nullopt;  // the folder was removed meanwhile
        return last_error();
      }
      begin_ = 0;
      end_ = static_cast<std::size_t>(size);
      ended_ = size == 0;
      continue;
    }
    const auto* entry = reinterpret_cast<const RawEntry*>(buffer_ + begin_);
    begin_ += entry->size;
    const std::string_view name(entry->name);
    if (name == "." || name == "..") continue;
    auto type = static_cast<mode_t>(DTTOIF(entry->type));
    // Some file systems say no type.
    struct stat info{};
    if (type == 0 && ::fstatat(descriptor_.number(), entry->name, &info, AT_SYMLINK_NOFOLLOW) == 0)
      type = info.st_mode & S_IFMT;
    return Entry{type, std::string(name)};
  }
}

bool Listing::buffered() const { return begin_ != end_ || ended_; }

}  // namespace unbolt::files
