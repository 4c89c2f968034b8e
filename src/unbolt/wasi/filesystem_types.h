// The types of wasi:filesystem/types, in the order of its WIT.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "unbolt/component/abi.h"
#include "unbolt/files/descriptor.h"
#include "unbolt/wasi/datetime.h"

namespace unbolt::wasi {

enum class FileError : std::uint8_t {
  Access,
  WouldBlock,
  Already,
  BadDescriptor,
  Busy,
  Deadlock,
  Quota,
  Exist,
  FileTooLarge,
  IllegalByteSequence,
  InProgress,
  Interrupted,
  Invalid,
  Io,
  IsDirectory,
  Loop,
  TooManyLinks,
  MessageSize,
  NameTooLong,
  NoDevice,
  NoEntry,
  NoLock,
  InsufficientMemory,
  InsufficientSpace,
  NotDirectory,
  NotEmpty,
  NotRecoverable,
  Unsupported,
  NoTty,
  NoSuchDevice,
  Overflow,
  NotPermitted,
  Pipe,
  ReadOnly,
  InvalidSeek,
  TextFileBusy,
  CrossDevice,
};
FileError to_file_error(files::Errno why);

enum class DescriptorType : std::uint8_t {
  Unknown,
  BlockDevice,
  CharacterDevice,
  Directory,
  Fifo,
  SymbolicLink,
  RegularFile,
  Socket,
};
DescriptorType to_descriptor_type(mode_t type);

enum class Advice : std::uint8_t { Normal, Sequential, Random, WillNeed, DontNeed, NoReuse };

enum class DescriptorFlags : std::uint8_t {
  Read = 1,
  Write = 2,
  FileIntegritySync = 4,
  DataIntegritySync = 8,
  RequestedWriteSync = 16,
  MutateDirectory = 32,
};
enum class PathFlags : std::uint8_t { SymlinkFollow = 1 };
enum class OpenFlags : std::uint8_t { Create = 1, Directory = 2, Exclusive = 4, Truncate = 8 };

template <class E>
  requires(component::kFlagBits<E> > 0)
constexpr bool has(E flags, E flag) {
  return (static_cast<unsigned>(flags) & static_cast<unsigned>(flag)) != 0;
}

struct DescriptorStat {
  DescriptorType type;
  std::uint64_t link_count, size;
  std::optional<Datetime> accessed, modified, changed;
};
DescriptorStat to_descriptor_stat(const struct stat& info);

// no-change, now, timestamp
using NewTimestamp = std::variant<std::monostate, std::monostate, Datetime>;

struct DirectoryEntry {
  DescriptorType type;
  std::string name;
};

struct MetadataHash {
  std::uint64_t lower, upper;
};
MetadataHash to_metadata_hash(const struct stat& info);

}  // namespace unbolt::wasi

template <>
inline constexpr std::size_t unbolt::component::kEnumCases<unbolt::wasi::FileError> = 37;
template <>
inline constexpr std::size_t unbolt::component::kEnumCases<unbolt::wasi::DescriptorType> = 8;
template <>
inline constexpr std::size_t unbolt::component::kEnumCases<unbolt::wasi::Advice> = 6;
template <>
inline constexpr std::size_t unbolt::component::kFlagBits<unbolt::wasi::DescriptorFlags> = 6;
template <>
inline constexpr std::size_t unbolt::component::kFlagBits<unbolt::wasi::PathFlags> = 1;
template <>
inline constexpr std::size_t unbolt::component::kFlagBits<unbolt::wasi::OpenFlags> = 4;
