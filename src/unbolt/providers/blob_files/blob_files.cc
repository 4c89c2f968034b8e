#include "unbolt/providers/blob_files/blob_files.h"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace unbolt::providers {
namespace {

using blob_files::Draft;
using blob_files::NodePointer;
using blob_files::StoreFolder;
using blob_files::to_error;
using contracts::BlobLimits;
using contracts::BlobName;
using contracts::BlobRange;
using contracts::BlobReader;
using contracts::BlobStore;
using contracts::BlobWriter;
using contracts::ContainerInfo;
using contracts::NamePage;
using contracts::ObjectInfo;

// Of one reader; more of them are open at a time than writers need.
constexpr std::size_t kReadBuffer = 64 << 10;
// So much is copied before the thread is given back.
constexpr std::size_t kCopyStep = 16 << 20;

struct OwnName {
  explicit OwnName(BlobName name) : container(name.container), object(name.object) {}
  operator BlobName() const { return {container, object}; }
  std::string container, object;
};

std::optional<std::string> own(std::optional<std::string_view> cursor) {
  return cursor ? std::optional<std::string>(*cursor) : std::nullopt;
}

// What the provider, its readers, its writers and their tasks share.
struct Shared {
  std::shared_ptr<StoreFolder> folder;
  BlockingPool& blocking;
};

class Reader final : public BlobReader {
 public:
  Reader(Shared shared, NodePointer file, std::uint64_t at, std::uint64_t size)
      : shared_(std::move(shared)), file_(std::move(file)), at_(at), size_(size), left_(size) {}
  // To close the last descriptor of a file that was removed is to free it: that may take long.
  ~Reader() override {
    shared_.blocking.post([file = std::move(file_)]() noexcept {});
  }

  std::uint64_t size() const override { return size_; }
  Reply<Result<ByteView>> next(std::size_t limit) override {
    if (left_ == 0 || limit == 0) return Result<ByteView>(ByteView{});
    if (!buffer_) {
      capacity_ = static_cast<std::size_t>(std::min<std::uint64_t>(left_, kReadBuffer));
      buffer_ = std::make_unique_for_overwrite<std::uint8_t[]>(capacity_);
    }
    const std::span into(buffer_.get(), static_cast<std::size_t>(std::min<std::uint64_t>(
                                            left_, std::min(limit, capacity_))));
    const auto cached = file_->read_cached(into, at_);
    if (!cached && cached.error().value == EAGAIN) return from_disk(into);
    return taken(into, cached);
  }

 private:
  Task<Result<ByteView>> from_disk(std::span<std::uint8_t> into) {
    const auto& file = *file_;
    const std::uint64_t at = at_;
    co_return taken(
        into, co_await shared_.blocking.run([&file, into, at] { return file.read(into, at); }));
  }
  Result<ByteView> taken(std::span<std::uint8_t> into, const files::Outcome<std::size_t>& count) {
    if (!count) return std::unexpected(to_error("the object cannot be read", count.error()));
    // Objects are never changed; their files may be, by others.
    if (*count == 0) return fail(ErrorCode::Io, "the object has become shorter");
    at_ += *count;
    left_ -= *count;
    return ByteView(into.first(*count));
  }

  Shared shared_;
  NodePointer file_;
  std::uint64_t at_, size_, left_;
  std::unique_ptr<std::uint8_t[]> buffer_;
  std::size_t capacity_ = 0;
};

class Writer final : public BlobWriter {
 public:
  Writer(Shared shared, OwnName name, std::unique_ptr<Draft> draft)
      : shared_(std::move(shared)), name_(std::move(name)), draft_(std::move(draft)) {}
  // Removes the draft where it was not finished.
  ~Writer() override {
    shared_.blocking.post([draft = std::move(draft_)]() noexcept {});
  }

  Reply<Result<>> write(ByteView bytes) override { return write_all(bytes); }
  Reply<Result<>> finish() override { return put(); }

 private:
  Task<Result<>> write_all(ByteView bytes) {
    co_return co_await shared_.blocking.run([this, bytes]() mutable -> Result<> {
      while (!bytes.empty()) {
        const auto count = draft_->file().write(bytes, size_);
        if (!count) return std::unexpected(to_error("the object cannot be written", count.error()));
        size_ += *count;
        bytes = bytes.subspan(*count);
      }
      return {};
    });
  }
  Task<Result<>> put() {
    co_return co_await shared_.blocking.run(
        [this] { return shared_.folder->finish(*draft_, name_); });
  }

  Shared shared_;
  OwnName name_;
  std::unique_ptr<Draft> draft_;
  std::uint64_t size_ = 0;
};

// How many bytes went over; 0 at the end of `from`. Within the kernel where it can.
Result<std::size_t> copy_some(const files::Node& from, const files::Node& to, std::uint64_t at) {
  auto in = static_cast<loff_t>(at), out = in;
  const auto count = ::copy_file_range(from.number(), &in, to.number(), &out, kCopyStep, 0);
  if (count > 0) return static_cast<std::size_t>(count);
  // Some file systems answer 0 to what they cannot do.
  const auto buffer = std::make_unique_for_overwrite<std::uint8_t[]>(kReadBuffer);
  const auto read = from.read({buffer.get(), kReadBuffer}, at);
  if (!read) return std::unexpected(to_error("the object cannot be read", read.error()));
  for (std::size_t done = 0; done < *read;) {
    const auto written = to.write({buffer.get() + done, *read - done}, at + done);
    if (!written) return std::unexpected(to_error("the object cannot be written", written.error()));
    done += *written;
  }
  return *read;
}

template <class T>
Reply<Result<T>> refused(Result<>& checked) {
  return Result<T>(std::unexpected(std::move(checked.error())));
}
// `work` owns what it needs.
template <class Work>
Task<std::invoke_result_t<Work&, StoreFolder&>> run_later(Shared shared, Work work) {
  co_return co_await shared.blocking.run([&] { return work(*shared.folder); });
}

Task<Result<>> delete_later(Shared shared, std::string container) {
  auto taken =
      co_await shared.blocking.run([&] { return shared.folder->take_container(container); });
  if (!taken) co_return std::unexpected(std::move(taken.error()));
  // Nobody has to wait for that.
  if (!taken->empty()) {
    shared.blocking.post([folder = shared.folder, path = std::move(*taken)]() noexcept {
      folder->remove_tree(path);
    });
  }
  co_return Result<>{};
}

Task<Result<std::unique_ptr<BlobReader>>> read_later(Shared shared, OwnName name, BlobRange range) {
  std::uint64_t size = 0;
  auto file = co_await shared.blocking.run([&]() -> Result<NodePointer> {
    UNBOLT_ASSIGN(auto opened, shared.folder->open_object(name));
    const auto info = opened->stat();
    if (!info) return std::unexpected(to_error("the object cannot be read", info.error()));
    size = static_cast<std::uint64_t>(info->st_size);
    return opened;
  });
  if (!file) co_return std::unexpected(std::move(file.error()));
  const std::uint64_t at = std::min(range.offset, size);
  co_return std::make_unique<Reader>(std::move(shared), std::move(*file), at,
                                     std::min(range.length, size - at));
}

Task<Result<std::unique_ptr<BlobWriter>>> write_later(Shared shared, OwnName name) {
  auto draft = co_await shared.blocking.run([&] { return shared.folder->begin(name.container); });
  if (!draft) co_return std::unexpected(std::move(draft.error()));
  co_return std::make_unique<Writer>(std::move(shared), std::move(name), std::move(*draft));
}

// One who is cancelled leaves no draft: it ends on a thread that may block.
Task<Result<>> copy_later(Shared shared, OwnName from, OwnName to) {
  NodePointer source;
  std::unique_ptr<Draft, std::function<void(Draft*)>> draft(
      nullptr,
      [&pool = shared.blocking](Draft* gone) { pool.post([gone]() noexcept { delete gone; }); });
  auto begun = co_await shared.blocking.run([&]() -> Result<> {
    UNBOLT_ASSIGN(source, shared.folder->open_object(from));
    UNBOLT_ASSIGN(auto made, shared.folder->begin(to.container));
    draft.reset(made.release());
    return {};
  });
  if (!begun) co_return begun;
  for (std::uint64_t at = 0;;) {
    auto copied =
        co_await shared.blocking.run([&] { return copy_some(*source, draft->file(), at); });
    if (!copied) co_return std::unexpected(std::move(copied.error()));
    if (*copied == 0) break;
    at += *copied;
  }
  co_return co_await shared.blocking.run([&] { return shared.folder->finish(*draft, to); });
}

class BlobFiles final : public BlobStore {
 public:
  BlobFiles(std::shared_ptr<StoreFolder> folder, BlockingPool& blocking)
      : shared_{std::move(folder), blocking} {}

  Reply<Result<>> create_container(std::string_view container) override {
    if (auto ok = contracts::check_container_name(container); !ok) return ok;
    return run_later(shared_, [container = std::string(container)](StoreFolder& folder) {
      return folder.create_container(container);
    });
  }
  Reply<Result<>> delete_container(std::string_view container) override {
    if (auto ok = contracts::check_container_name(container); !ok) return ok;
    return delete_later(shared_, std::string(container));
  }
  Reply<Result<bool>> container_exists(std::string_view container) override {
    if (auto ok = contracts::check_container_name(container); !ok) return refused<bool>(ok);
    return run_later(shared_, [container = std::string(container)](StoreFolder& folder) {
      return folder.container_exists(container);
    });
  }
  Reply<Result<ContainerInfo>> container_info(std::string_view container) override {
    if (auto ok = contracts::check_container_name(container); !ok)
      return refused<ContainerInfo>(ok);
    return run_later(shared_, [container = std::string(container)](StoreFolder& folder) {
      return folder.container_info(container);
    });
  }
  Reply<Result<NamePage>> list_containers(std::optional<std::string_view> cursor) override {
    if (auto ok = contracts::check_blob_cursor(cursor); !ok) return refused<NamePage>(ok);
    return run_later(shared_, [cursor = own(cursor)](StoreFolder& folder) {
      return folder.list_containers(cursor);
    });
  }
  Reply<Result<>> clear(std::string_view container) override {
    if (auto ok = contracts::check_container_name(container); !ok) return ok;
    return run_later(shared_, [container = std::string(container)](StoreFolder& folder) {
      return folder.clear(container);
    });
  }

  Reply<Result<std::unique_ptr<BlobReader>>> read(BlobName name, BlobRange range) override {
    if (auto ok = contracts::check_blob_name(name); !ok)
      return refused<std::unique_ptr<BlobReader>>(ok);
    return read_later(shared_, OwnName(name), range);
  }
  Reply<Result<std::unique_ptr<BlobWriter>>> write(BlobName name) override {
    if (auto ok = contracts::check_blob_name(name); !ok)
      return refused<std::unique_ptr<BlobWriter>>(ok);
    return write_later(shared_, OwnName(name));
  }
  Reply<Result<bool>> exists(BlobName name) override {
    if (auto ok = contracts::check_blob_name(name); !ok) return refused<bool>(ok);
    return run_later(shared_, [name = OwnName(name)](StoreFolder& folder) -> Result<bool> {
      auto info = folder.info(name);
      if (info) return true;
      UNBOLT_ASSIGN(const bool there, folder.container_exists(name.container));
      if (there && info.error().code == ErrorCode::NotFound) return false;
      return std::unexpected(std::move(info.error()));
    });
  }
  Reply<Result<ObjectInfo>> info(BlobName name) override {
    if (auto ok = contracts::check_blob_name(name); !ok) return refused<ObjectInfo>(ok);
    return run_later(shared_,
                     [name = OwnName(name)](StoreFolder& folder) { return folder.info(name); });
  }
  Reply<Result<>> remove_many(std::string_view container,
                              std::span<const std::string_view> objects) override {
    if (auto ok = contracts::check_blob_names(container, objects); !ok) return ok;
    return run_later(shared_,
                     [container = std::string(container),
                      names = std::vector<std::string>(objects.begin(), objects.end())](
                         StoreFolder& folder) { return folder.remove_many(container, names); });
  }
  Reply<Result<>> copy(BlobName from, BlobName to) override {
    if (auto ok = contracts::check_blob_name(from); !ok) return ok;
    if (auto ok = contracts::check_blob_name(to); !ok) return ok;
    return copy_later(shared_, OwnName(from), OwnName(to));
  }
  Reply<Result<>> move(BlobName from, BlobName to) override {
    if (auto ok = contracts::check_blob_name(from); !ok) return ok;
    if (auto ok = contracts::check_blob_name(to); !ok) return ok;
    return run_later(shared_, [from = OwnName(from), to = OwnName(to)](StoreFolder& folder) {
      return folder.move(from, to);
    });
  }
  Reply<Result<NamePage>> list_objects(std::string_view container,
                                       std::optional<std::string_view> cursor) override {
    if (auto ok = contracts::check_container_name(container); !ok) return refused<NamePage>(ok);
    if (auto ok = contracts::check_blob_cursor(cursor); !ok) return refused<NamePage>(ok);
    return run_later(
        shared_, [container = std::string(container), cursor = own(cursor)](StoreFolder& folder) {
          return folder.list_objects(container, cursor);
        });
  }

 private:
  Shared shared_;
};

}  // namespace

Result<std::shared_ptr<BlobStore>> make_blob_files(const BlobFilesOptions& options,
                                                   BlockingPool& blocking) {
  UNBOLT_ASSIGN(auto folder, StoreFolder::open(options.path, options.durability));
  return std::make_shared<BlobFiles>(std::move(folder), blocking);
}

Result<std::shared_ptr<BlobStore>> open_blob_files(const contracts::ProviderUrl& url,
                                                   const contracts::ProviderContext& context) {
  static constexpr std::string_view kOptions[] = {"sync"};
  UNBOLT_TRY(url.only_options(kOptions));
  BlobFilesOptions options;
  UNBOLT_ASSIGN(options.path, url.local_path("folder", "file:data"));
  if (auto found = url.query.find("sync"); found != url.query.end()) {
    if (found->second != "on" && found->second != "off")
      return fail(ErrorCode::InvalidArgument, "'{}': sync is on or off", url.shown());
    if (found->second == "off") options.durability = blob_files::Durability::Crash;
  }
  return make_blob_files(options, context.blocking);
}

}  // namespace unbolt::providers
