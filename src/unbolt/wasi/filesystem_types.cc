#include "unbolt/wasi/filesystem_types.h"

#include <cerrno>

namespace unbolt::wasi {
namespace {

struct Pair {
  int system;
  FileError error;
};
constexpr Pair kErrors[] = {
    {EACCES, FileError::Access},
    {EAGAIN, FileError::WouldBlock},
    {EALREADY, FileError::Already},
    {EBADF, FileError::BadDescriptor},
    {EBUSY, FileError::Busy},
    {EDEADLK, FileError::Deadlock},
    {EDQUOT, FileError::Quota},
    {EEXIST, FileError::Exist},
    {EFBIG, FileError::FileTooLarge},
    {EILSEQ, FileError::IllegalByteSequence},
    {EINPROGRESS, FileError::InProgress},
    {EINTR, FileError::Interrupted},
    {EINVAL, FileError::Invalid},
    {EIO, FileError::Io},
    {EISDIR, FileError::IsDirectory},
    {ELOOP, FileError::Loop},
    {EMFILE, FileError::InsufficientMemory},
    {ENFILE, FileError::InsufficientMemory},
    {EMLINK, FileError::TooManyLinks},
    {EMSGSIZE, FileError::MessageSize},
    {ENAMETOOLONG, FileError::NameTooLong},
    {ENODEV, FileError::NoDevice},
    {ENOENT, FileError::NoEntry},
    {ENOLCK, FileError::NoLock},
    {ENOMEM, FileError::InsufficientMemory},
    {ENOSPC, FileError::InsufficientSpace},
    {ENOTDIR, FileError::NotDirectory},
    {ENOTEMPTY, FileError::NotEmpty},
    {ENOTRECOVERABLE, FileError::NotRecoverable},
    {EOPNOTSUPP, FileError::Unsupported},
    {ENOSYS, FileError::Unsupported},
    {ENOTTY, FileError::NoTty},
    {ENXIO, FileError::NoSuchDevice},
    {EOVERFLOW, FileError::Overflow},
    {EPERM, FileError::NotPermitted},
    {EPIPE, FileError::Pipe},
    {EROFS, FileError::ReadOnly},
    {ESPIPE, FileError::InvalidSeek},
    {ETXTBSY, FileError::TextFileBusy},
    {EXDEV, FileError::CrossDevice},
};

// A time before 1970 cannot be said.
std::optional<Datetime> to_datetime(const timespec& time) {
  if (time.tv_sec < 0) return std::nullopt;
  return Datetime{static_cast<std::uint64_t>(time.tv_sec),
                  static_cast<std::uint32_t>(time.tv_nsec)};
}

// splitmix64: spreads what differs in a few bits over all of them.
std::uint64_t spread(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace

FileError to_file_error(files::Errno why) {
  for (const auto& [system, error] : kErrors) {
    if (system == why.value) return error;
  }
  return FileError::Io;
}

DescriptorType to_descriptor_type(mode_t type) {
  switch (type & S_IFMT) {
    case S_IFBLK: return DescriptorType::BlockDevice;
    case S_IFCHR: return DescriptorType::CharacterDevice;
    case S_IFDIR: return DescriptorType::Directory;
    case S_IFIFO: return DescriptorType::Fifo;
    case S_IFLNK: return DescriptorType::SymbolicLink;
    case S_IFREG: return DescriptorType::RegularFile;
    case S_IFSOCK: return DescriptorType::Socket;
    default: return DescriptorType::Unknown;
  }
}

DescriptorStat to_descriptor_stat(const struct stat& info) {
  return {to_descriptor_type(info.st_mode),
          info.st_nlink,
          static_cast<std::uint64_t>(info.st_size),
          to_datetime(info.st_atim),
          to_datetime(info.st_mtim),
          to_datetime(info.st_ctim)};
}

// Of what makes an object itself, so that it stays while the object is written: preview1 programs
// see it as the inode's number.
MetadataHash to_metadata_hash(const struct stat& info) {
  const std::uint64_t lower = spread(info.st_ino ^ spread(info.st_dev));
  return {lower, spread(lower ^ info.st_ino)};
}

}  // namespace unbolt::wasi
