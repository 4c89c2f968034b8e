// Open files and folders of this machine, as far as they were granted.
//
// Whoever has a Node may do with it, and with what lies below it, what its rights say; nothing
// outside of it can be reached (beneath.h). Thread: any; every call may block, unless it says
// otherwise, and is made on one thread at a time or is safe as the system call it wraps is.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/files/beneath.h"

namespace unbolt::files {

enum class Access : bool { Read, ReadWrite };
enum class Follow : bool { No, Yes };

enum class Create : std::uint8_t { No, IfMissing, Exclusive };

// What a node is opened for. Without `write`, it is opened for reading.
struct Rights {
  bool read = false, write = false;
  bool sync = false, data_sync = false, read_sync = false;  // O_SYNC, O_DSYNC, O_RSYNC
};

struct OpenOptions {
  Follow follow = Follow::No;
  Create create = Create::No;
  bool folder = false;  // ENOTDIR where it is anything else
  bool truncate = false;
  Rights rights{};
};

// A time to set. `now` is the system's.
struct NewTime {
  enum class Kind : std::uint8_t { Keep, Now, At } kind = Kind::Keep;
  std::uint64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};

class Node {
 public:
  // The root of a grant: a folder of this machine, by its own path. Errors name the path.
  static Result<std::shared_ptr<const Node>> open(const std::string& path, Access access);

  Node(Descriptor descriptor, mode_t type, Rights rights, Access granted)
      : descriptor_(std::move(descriptor)), type_(type), rights_(rights), granted_(granted) {}

  // ---- Known since it was opened; none of these blocks.
  int number() const { return descriptor_.number(); }
  mode_t type() const { return type_; }  // S_IFREG, S_IFDIR…
  bool is_folder() const { return type_ == S_IFDIR; }
  bool is_file() const { return type_ == S_IFREG; }
  const Rights& rights() const { return rights_; }
  // What was granted for it and for all that lies below it.
  bool may_change() const { return granted_ == Access::ReadWrite; }

  // ---- A file. EISDIR where it is a folder, EBADF where it was not opened for that, EPERM where
  // that was not granted.
  Outcome<std::size_t> read(std::span<std::uint8_t> into, std::uint64_t offset) const;
  // The same from the page cache alone: EAGAIN where it would block.
  Outcome<std::size_t> read_cached(std::span<std::uint8_t> into, std::uint64_t offset) const;
  Outcome<std::size_t> write(ByteView bytes, std::uint64_t offset) const;
  Outcome<std::size_t> append(ByteView bytes) const;
  Outcome<> set_size(std::uint64_t size) const;
  Outcome<> advise(std::uint64_t offset, std::uint64_t length, int advice) const;

  // ---- Either.
  Outcome<struct stat> stat() const;
  Outcome<> sync(bool data_only) const;
  Outcome<> set_times(const NewTime& access, const NewTime& modification) const;

  // ---- A folder, and a path below it. ENOTDIR where it is none.
  Outcome<std::shared_ptr<const Node>> open_at(std::string_view path, OpenOptions options) const;
  Outcome<struct stat> stat_at(std::string_view path, Follow follow) const;
  Outcome<> set_times_at(std::string_view path, Follow follow, const NewTime& access,
                         const NewTime& modification) const;
  Outcome<> make_folder_at(std::string_view path) const;
  Outcome<> remove_folder_at(std::string_view path) const;
  Outcome<> unlink_at(std::string_view path) const;
  Outcome<std::string> read_link_at(std::string_view path) const;
  // A target that is absolute is refused: it would lead whoever follows it out of the folder.
  Outcome<> make_link_at(std::string_view target, std::string_view path) const;
  // EPERM unless both folders may be changed: a second name would carry a file into other rights.
  Outcome<> hard_link_at(std::string_view path, const Node& new_folder,
                         std::string_view new_path) const;
  Outcome<> rename_at(std::string_view path, const Node& new_folder,
                      std::string_view new_path) const;

 private:
  Outcome<> check_writable() const;
  Outcome<Place> place_to_change(std::string_view path) const;

  Descriptor descriptor_;
  mode_t type_;
  Rights rights_;
  Access granted_;
};

// The names in a folder, in no order, without `.` and `..`. One thread at a time.
class Listing {
 public:
  struct Entry {
    mode_t type;  // S_IFREG…; 0 unknown
    std::string name;
  };

  static Outcome<std::unique_ptr<Listing>> open(const Node& folder);
  ~Listing();
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;
  // Nothing at the end.
  Outcome<std::optional<Entry>> next();
  // Whether the next answer is in memory, so that `next` does not block.
  bool buffered() const;

 private:
  explicit Listing(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}
  Descriptor descriptor_;
  alignas(8) std::uint8_t buffer_[8 * 1024];
  std::size_t begin_ = 0, end_ = 0;
  bool ended_ = false;
};

}  // namespace unbolt::files
