#include "unbolt/wasi/file_streams.h"

#include <algorithm>
#include <cstring>

namespace unbolt::wasi {
namespace {

// The most that one write moves.
constexpr std::size_t kLargestWrite = 256 * 1024;

Result<> to_result(const files::Outcome<>& outcome) {
  if (!outcome) return std::unexpected(to_error(outcome.error()));
  return {};
}

class FileSource final : public Source {
 public:
  FileSource(std::shared_ptr<const OpenFile> file, std::uint64_t offset)
      : file_(std::move(file)), offset_(offset) {}

  Reply<Result<>> fetch(std::size_t limit) override {
    const std::span into(file_->instance()->buffer(), std::min(limit, InstanceFiles::kLargestRead));
    fetched_ = {};
    const auto& node = file_->node();
    if (!file_->blocking().at_once()) {
      const auto cached = node.read_cached(into, offset_);
      if (!cached && cached.error().value == EAGAIN) return fetch_from_disk(into);
      return fetched(into, cached);
    }
    return fetched(into, node.read(into, offset_));
  }
  ByteView available() override { return fetched_; }
  void consume(std::size_t size) override { fetched_ = fetched_.subspan(size); }
  // A file may grow after its end was met, so the next `fetch` looks again.
  bool open() override { return !at_end_; }
  std::optional<Error> failure() override { return std::nullopt; }
  bool ready() override { return true; }
  Task<> wait() override { co_return; }

 private:
  Result<> fetched(std::span<std::uint8_t> into, const files::Outcome<std::size_t>& count) {
    if (!count) return std::unexpected(to_error(count.error()));
    fetched_ = into.first(*count);
    offset_ += *count;
    at_end_ = *count == 0;
    return {};
  }
  Task<Result<>> fetch_from_disk(std::span<std::uint8_t> into) {
    const auto& node = file_->node();
    const std::uint64_t offset = offset_;
    co_return fetched(into, co_await file_->blocking()
                                .run([&node, into, offset] { return node.read(into, offset); })
                                .wait());
  }

  std::shared_ptr<const OpenFile> file_;
  std::uint64_t offset_;
  ByteView fetched_;  // in the instance's buffer, until it was given
  bool at_end_ = false;
};

// Answers a write when the system has taken all of it.
class FileSink final : public Sink {
 public:
  FileSink(std::shared_ptr<const OpenFile> file, std::optional<std::uint64_t> offset)
      : file_(std::move(file)), offset_(offset) {}

  bool open() override { return true; }
  std::optional<Error> failure() override { return std::nullopt; }
  std::size_t capacity() override { return kLargestWrite; }
  Reply<Result<>> write(ByteView bytes) override {
    if (file_->blocking().at_once()) return to_result(write_all(bytes));
    return write_on_thread(bytes);
  }
  void flush() override {}
  Task<> wait() override { co_return; }

 private:
  files::Outcome<> write_all(ByteView bytes) {
    const auto& node = file_->node();
    while (!bytes.empty()) {
      const auto count = offset_ ? node.write(bytes, *offset_) : node.append(bytes);
      if (!count) return std::unexpected(count.error());
      if (offset_) *offset_ += *count;
      bytes = bytes.subspan(*count);
    }
    return {};
  }
  Task<Result<>> write_on_thread(ByteView bytes) {
    co_return to_result(
        co_await file_->blocking().run([this, bytes] { return write_all(bytes); }).wait());
  }

  std::shared_ptr<const OpenFile> file_;
  std::optional<std::uint64_t> offset_;  // none: at the end
};

}  // namespace

// To close the last descriptor of a file that was removed is to free it: that may take long.
OpenFile::~OpenFile() {
  if (node_->is_file() && node_->may_change() && node_.use_count() == 1)
    blocking_.post([node = std::move(node_)]() noexcept {});
}

Error to_error(files::Errno why) {
  return {ErrorCode::Io, std::strerror(why.value), {}, why.value};
}

std::shared_ptr<Source> file_source(std::shared_ptr<const OpenFile> file, std::uint64_t offset) {
  return std::make_shared<FileSource>(std::move(file), offset);
}
std::shared_ptr<Sink> file_sink(std::shared_ptr<const OpenFile> file, std::uint64_t offset) {
  return std::make_shared<FileSink>(std::move(file), offset);
}
std::shared_ptr<Sink> file_appender(std::shared_ptr<const OpenFile> file) {
  return std::make_shared<FileSink>(std::move(file), std::nullopt);
}

}  // namespace unbolt::wasi
