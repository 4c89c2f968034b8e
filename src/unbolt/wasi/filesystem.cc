// wasi:filesystem over files/: every call that may block runs where the environment says, and the
// guest is parked meanwhile.
#include <fcntl.h>

#include <algorithm>
#include <tuple>

#include "unbolt/component/bind.h"
#include "unbolt/component/strings.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/wasi/context.h"
#include "unbolt/wasi/file_streams.h"
#include "unbolt/wasi/filesystem_types.h"
#include "unbolt/wasi/interfaces.h"
#include "unbolt/wasi/standard_streams.h"

namespace unbolt::wasi {
namespace {

using component::Borrow;
using component::Call;
using component::Own;
using files::Follow;
using files::Node;
using files::Outcome;

template <class T = void>
using Answer = std::expected<T, FileError>;

// The most that `read` brings at once; a guest asks again.
constexpr std::size_t kLargestRead = 1 << 20;
// Open files and listings that one instance may hold.
constexpr long kMaxOpenFiles = 1'024;

// resource descriptor
struct FileDescriptor {
  std::shared_ptr<const OpenFile> file;
  const Node& node() const { return file->node(); }
};

// resource directory-entry-stream
struct EntryStream {
  std::unique_ptr<files::Listing> listing;
  Blocking blocking;
  std::shared_ptr<InstanceFiles> counted;
};

Context& context(Call& call) { return *call.host<contracts::Guest>().wasi; }
Blocking blocking(Call& call) { return context(call).environment->blocking; }

// One of the files that the instance may hold; null where it has them all.
std::shared_ptr<InstanceFiles> count_file(Call& call) {
  auto& files = context(call).files;
  if (!files) files = std::make_shared<InstanceFiles>();
  return files.use_count() > kMaxOpenFiles ? nullptr : files;
}

template <class T>
Answer<T> spell(Outcome<T> outcome) {
  if (!outcome) return std::unexpected(to_file_error(outcome.error()));
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return std::move(*outcome);
}

// What `work` (`Outcome<T>()`) answers, in the contract's words. The guest's arguments, and what
// its handles stand for, stay as they are until then.
template <class Work>
auto ask(Call& call, Work work) {
  return blocking(call).run([work = std::move(work)]() mutable { return spell(work()); });
}

// What a `struct stat` says, in one of the contract's records.
template <class T>
Outcome<T> described(const Outcome<struct stat>& info, T (*describe)(const struct stat&)) {
  if (!info) return std::unexpected(info.error());
  return describe(*info);
}

Follow follow(PathFlags flags) {
  return has(flags, PathFlags::SymlinkFollow) ? Follow::Yes : Follow::No;
}

files::NewTime new_time(const NewTimestamp& time) {
  using Kind = files::NewTime::Kind;
  switch (time.index()) {
    case 0: return {Kind::Keep};
    case 1: return {Kind::Now};
    default: return {Kind::At, std::get<2>(time).seconds, std::get<2>(time).nanoseconds};
  }
}

// ---- Streams

// Pipes and devices are waited for; they have no positions. They keep their file open.
template <class Stream>
std::shared_ptr<Stream> keeping(std::shared_ptr<const OpenFile> file,
                                std::shared_ptr<Stream> stream) {
  Stream* object = stream.get();
  return {object, [file = std::move(file), stream = std::move(stream)](Stream*) {}};
}

Answer<Own<InputStream>> read_via_stream(Call& call, Borrow<FileDescriptor> self,
                                         std::uint64_t offset) {
  const Node& node = self->node();
  if (node.is_folder()) return std::unexpected(FileError::IsDirectory);
  if (!node.rights().read) return std::unexpected(FileError::BadDescriptor);
  if (node.is_file()) return std::make_unique<InputStream>(file_source(self->file, offset));
  return std::make_unique<InputStream>(
      keeping(self->file, standard_input(call.host<contracts::Guest>().loop, node.number())));
}

Answer<> check_writable(const Node& node) {
  if (node.is_folder()) return std::unexpected(FileError::IsDirectory);
  if (!node.may_change()) return std::unexpected(FileError::NotPermitted);
  if (!node.rights().write) return std::unexpected(FileError::BadDescriptor);
  return {};
}
Answer<Own<OutputStream>> write_via_stream(Call& call, Borrow<FileDescriptor> self,
                                           std::uint64_t offset) {
  if (auto writable = check_writable(self->node()); !writable)
    return std::unexpected(writable.error());
  if (self->node().is_file()) return std::make_unique<OutputStream>(file_sink(self->file, offset));
  return std::make_unique<OutputStream>(keeping(
      self->file, descriptor_output(call.host<contracts::Guest>().loop, self->node().number())));
}
Answer<Own<OutputStream>> append_via_stream(Call& call, Borrow<FileDescriptor> self) {
  if (!self->node().is_file()) return write_via_stream(call, self, 0);
  if (auto writable = check_writable(self->node()); !writable)
    return std::unexpected(writable.error());
  return std::make_unique<OutputStream>(file_appender(self->file));
}

// ---- A descriptor itself

Reply<Answer<>> advise(Call& call, Borrow<FileDescriptor> self, std::uint64_t offset,
                       std::uint64_t length, Advice advice) {
  constexpr int kAdvice[] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL, POSIX_FADV_RANDOM,
                             POSIX_FADV_WILLNEED, POSIX_FADV_DONTNEED,   POSIX_FADV_NOREUSE};
  return ask(call, [&node = self->node(), offset, length,
                    how = kAdvice[static_cast<std::size_t>(advice)]] {
    return node.advise(offset, length, how);
  });
}

Reply<Answer<>> sync_data(Call& call, Borrow<FileDescriptor> self) {
  return ask(call, [&node = self->node()] { return node.sync(true); });
}
Reply<Answer<>> sync(Call& call, Borrow<FileDescriptor> self) {
  return ask(call, [&node = self->node()] { return node.sync(false); });
}

Answer<DescriptorFlags> get_flags(Call&, Borrow<FileDescriptor> self) {
  const Node& node = self->node();
  const auto& rights = node.rights();
  unsigned flags = 0;
  const auto set = [&flags](bool on, DescriptorFlags flag) {
    if (on) flags |= static_cast<unsigned>(flag);
  };
  set(rights.read, DescriptorFlags::Read);
  set(rights.write, DescriptorFlags::Write);
  set(rights.sync, DescriptorFlags::FileIntegritySync);
  set(rights.data_sync, DescriptorFlags::DataIntegritySync);
  set(rights.read_sync, DescriptorFlags::RequestedWriteSync);
  set(node.is_folder() && node.may_change(), DescriptorFlags::MutateDirectory);
  return static_cast<DescriptorFlags>(flags);
}
Answer<DescriptorType> get_type(Call&, Borrow<FileDescriptor> self) {
  return to_descriptor_type(self->node().type());
}

Reply<Answer<>> set_size(Call& call, Borrow<FileDescriptor> self, std::uint64_t size) {
  return ask(call, [&node = self->node(), size] { return node.set_size(size); });
}
Reply<Answer<>> set_times(Call& call, Borrow<FileDescriptor> self, NewTimestamp access,
                          NewTimestamp modification) {
  return ask(call, [&node = self->node(), a = new_time(access), m = new_time(modification)] {
    return node.set_times(a, m);
  });
}

Reply<Answer<std::tuple<Bytes, bool>>> read(Call& call, Borrow<FileDescriptor> self,
                                            std::uint64_t length, std::uint64_t offset) {
  const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(length, kLargestRead));
  return ask(call, [&node = self->node(), size, offset]() -> Outcome<std::tuple<Bytes, bool>> {
    Bytes bytes(size);
    const auto count = node.read(bytes, offset);
    if (!count) return std::unexpected(count.error());
    bytes.resize(*count);
    return std::tuple(std::move(bytes), *count == 0);
  });
}
Reply<Answer<std::uint64_t>> write(Call& call, Borrow<FileDescriptor> self, ByteView bytes,
                                   std::uint64_t offset) {
  return ask(call, [&node = self->node(), bytes, offset]() -> Outcome<std::uint64_t> {
    return node.write(bytes, offset);
  });
}

Reply<Answer<DescriptorStat>> stat(Call& call, Borrow<FileDescriptor> self) {
  return ask(call, [&node = self->node()] { return described(node.stat(), to_descriptor_stat); });
}
Reply<Answer<MetadataHash>> metadata_hash(Call& call, Borrow<FileDescriptor> self) {
  return ask(call, [&node = self->node()] { return described(node.stat(), to_metadata_hash); });
}

// Both are open, so nothing waits for a disk.
bool is_same_object(Call&, Borrow<FileDescriptor> self, Borrow<FileDescriptor> other) {
  const auto a = self->node().stat(), b = other->node().stat();
  return a && b && a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

// ---- A path below a folder

Reply<Answer<Own<FileDescriptor>>> open_at(Call& call, Borrow<FileDescriptor> self,
                                           PathFlags path_flags, std::string_view path,
                                           OpenFlags open_flags, DescriptorFlags flags) {
  auto counted = count_file(call);
  if (!counted) return Answer<Own<FileDescriptor>>(std::unexpected(FileError::InsufficientMemory));
  files::OpenOptions options{
      .follow = follow(path_flags),
      .folder = has(open_flags, OpenFlags::Directory),
      .truncate = has(open_flags, OpenFlags::Truncate),
      .rights = {.read = has(flags, DescriptorFlags::Read),
                 .write = has(flags, DescriptorFlags::Write),
                 .sync = has(flags, DescriptorFlags::FileIntegritySync),
                 .data_sync = has(flags, DescriptorFlags::DataIntegritySync),
                 .read_sync = has(flags, DescriptorFlags::RequestedWriteSync)},
  };
  if (has(open_flags, OpenFlags::Create)) {
    options.create =
        has(open_flags, OpenFlags::Exclusive) ? files::Create::Exclusive : files::Create::IfMissing;
  }
  const bool changes = has(flags, DescriptorFlags::MutateDirectory);
  return ask(call,
             [&node = self->node(), path, options, changes, counted = std::move(counted),
              where = blocking(call)]() mutable -> Outcome<Own<FileDescriptor>> {
               if (changes && !node.may_change()) return files::error(EPERM);
               auto opened = node.open_at(path, options);
               if (!opened) return std::unexpected(opened.error());
               return std::make_unique<FileDescriptor>(
                   std::make_shared<const OpenFile>(std::move(*opened), where, std::move(counted)));
             });
}

Reply<Answer<DescriptorStat>> stat_at(Call& call, Borrow<FileDescriptor> self, PathFlags flags,
                                      std::string_view path) {
  return ask(call, [&node = self->node(), how = follow(flags), path] {
    return described(node.stat_at(path, how), to_descriptor_stat);
  });
}
Reply<Answer<MetadataHash>> metadata_hash_at(Call& call, Borrow<FileDescriptor> self,
                                             PathFlags flags, std::string_view path) {
  return ask(call, [&node = self->node(), how = follow(flags), path] {
    return described(node.stat_at(path, how), to_metadata_hash);
  });
}
Reply<Answer<>> set_times_at(Call& call, Borrow<FileDescriptor> self, PathFlags flags,
                             std::string_view path, NewTimestamp access,
                             NewTimestamp modification) {
  return ask(call, [&node = self->node(), how = follow(flags), path, a = new_time(access),
                    m = new_time(modification)] { return node.set_times_at(path, how, a, m); });
}
Reply<Answer<>> create_directory_at(Call& call, Borrow<FileDescriptor> self,
                                    std::string_view path) {
  return ask(call, [&node = self->node(), path] { return node.make_folder_at(path); });
}
Reply<Answer<>> remove_directory_at(Call& call, Borrow<FileDescriptor> self,
                                    std::string_view path) {
  return ask(call, [&node = self->node(), path] { return node.remove_folder_at(path); });
}
Reply<Answer<>> unlink_file_at(Call& call, Borrow<FileDescriptor> self, std::string_view path) {
  return ask(call, [&node = self->node(), path] { return node.unlink_at(path); });
}
// A target that is no UTF-8 cannot be told.
Reply<Answer<std::string>> readlink_at(Call& call, Borrow<FileDescriptor> self,
                                       std::string_view path) {
  return ask(call, [&node = self->node(), path]() -> Outcome<std::string> {
    auto target = node.read_link_at(path);
    if (target && !component::valid_utf8(as_bytes(*target))) return files::error(EILSEQ);
    return target;
  });
}
Reply<Answer<>> symlink_at(Call& call, Borrow<FileDescriptor> self, std::string_view target,
                           std::string_view path) {
  return ask(call,
             [&node = self->node(), target, path] { return node.make_link_at(target, path); });
}
Reply<Answer<>> link_at(Call& call, Borrow<FileDescriptor> self, PathFlags flags,
                        std::string_view path, Borrow<FileDescriptor> new_folder,
                        std::string_view new_path) {
  return ask(call,
             [&node = self->node(), how = follow(flags), path, &to = new_folder->node(),
              new_path]() -> Outcome<> {
               if (how == Follow::Yes) return files::error(EINVAL);
               return node.hard_link_at(path, to, new_path);
             });
}
Reply<Answer<>> rename_at(Call& call, Borrow<FileDescriptor> self, std::string_view path,
                          Borrow<FileDescriptor> new_folder, std::string_view new_path) {
  return ask(call, [&node = self->node(), path, &to = new_folder->node(), new_path] {
    return node.rename_at(path, to, new_path);
  });
}

// ---- Listings

Reply<Answer<Own<EntryStream>>> read_directory(Call& call, Borrow<FileDescriptor> self) {
  auto counted = count_file(call);
  if (!counted) return Answer<Own<EntryStream>>(std::unexpected(FileError::InsufficientMemory));
  return ask(call,
             [&node = self->node(), counted = std::move(counted),
              where = blocking(call)]() mutable -> Outcome<Own<EntryStream>> {
               auto listing = files::Listing::open(node);
               if (!listing) return std::unexpected(listing.error());
               return std::make_unique<EntryStream>(std::move(*listing), where, std::move(counted));
             });
}

Outcome<std::optional<DirectoryEntry>> next_entry(files::Listing& listing) {
  auto entry = listing.next();
  if (!entry) return std::unexpected(entry.error());
  if (!*entry) return std::nullopt;
  if (!component::valid_utf8(as_bytes((*entry)->name))) return files::error(EILSEQ);
  return DirectoryEntry{to_descriptor_type((*entry)->type), std::move((*entry)->name)};
}
Reply<Answer<std::optional<DirectoryEntry>>> read_directory_entry(Call&, Borrow<EntryStream> self) {
  if (self->listing->buffered()) return spell(next_entry(*self->listing));
  return self->blocking.run([&listing = *self->listing] { return spell(next_entry(listing)); });
}

// ---- The rest

std::optional<FileError> filesystem_error_code(Call&, Borrow<IoError> error) {
  if (error->error.system == 0) return std::nullopt;
  return to_file_error({error->error.system});
}

std::vector<std::tuple<Own<FileDescriptor>, std::string>> get_directories(Call& call) {
  std::vector<std::tuple<Own<FileDescriptor>, std::string>> out;
  for (const auto& preopen : context(call).environment->preopens) {
    auto file = std::make_shared<const OpenFile>(preopen.folder, blocking(call), nullptr);
    out.emplace_back(std::make_unique<FileDescriptor>(std::move(file)), preopen.guest_path);
  }
  return out;
}

}  // namespace

void add_filesystem(component::HostInterfaces& host) {
  host.add("wasi:filesystem/types@0.2.12")
      .resource<FileDescriptor>("descriptor")
      .resource<EntryStream>("directory-entry-stream")
      .func<&read_via_stream>("[method]descriptor.read-via-stream")
      .func<&write_via_stream>("[method]descriptor.write-via-stream")
      .func<&append_via_stream>("[method]descriptor.append-via-stream")
      .func<&advise>("[method]descriptor.advise")
      .func<&sync_data>("[method]descriptor.sync-data")
      .func<&get_flags>("[method]descriptor.get-flags")
      .func<&get_type>("[method]descriptor.get-type")
      .func<&set_size>("[method]descriptor.set-size")
      .func<&set_times>("[method]descriptor.set-times")
      .func<&read>("[method]descriptor.read")
      .func<&write>("[method]descriptor.write")
      .func<&read_directory>("[method]descriptor.read-directory")
      .func<&sync>("[method]descriptor.sync")
      .func<&create_directory_at>("[method]descriptor.create-directory-at")
      .func<&stat>("[method]descriptor.stat")
      .func<&stat_at>("[method]descriptor.stat-at")
      .func<&set_times_at>("[method]descriptor.set-times-at")
      .func<&link_at>("[method]descriptor.link-at")
      .func<&open_at>("[method]descriptor.open-at")
      .func<&readlink_at>("[method]descriptor.readlink-at")
      .func<&remove_directory_at>("[method]descriptor.remove-directory-at")
      .func<&rename_at>("[method]descriptor.rename-at")
      .func<&symlink_at>("[method]descriptor.symlink-at")
      .func<&unlink_file_at>("[method]descriptor.unlink-file-at")
      .func<&is_same_object>("[method]descriptor.is-same-object")
      .func<&metadata_hash>("[method]descriptor.metadata-hash")
      .func<&metadata_hash_at>("[method]descriptor.metadata-hash-at")
      .func<&read_directory_entry>("[method]directory-entry-stream.read-directory-entry")
      .func<&filesystem_error_code>("filesystem-error-code");
  host.add("wasi:filesystem/preopens@0.2.12").func<&get_directories>("get-directories");
}

}  // namespace unbolt::wasi
