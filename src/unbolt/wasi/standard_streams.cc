#include "unbolt/wasi/standard_streams.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/redirect_error.hpp>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

namespace unbolt::wasi {
namespace {

class DescriptorSource final : public Source {
 public:
  DescriptorSource(Executor loop, int descriptor) : loop_(loop), descriptor_(descriptor) {
    struct stat info{};
    // Files are always ready, and cannot be waited for.
    waits_ = fstat(descriptor, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode);
  }
  ByteView available() override {
    if (begin_ == end_ && !waits_) fill();
    return {buffer_.data() + begin_, end_ - begin_};
  }
  void consume(std::size_t size) override { begin_ += size; }
  bool open() override { return !ended_ && !failure_; }
  std::optional<Error> failure() override { return failure_; }
  Task<> wait() override {
    if (begin_ != end_ || !open()) co_return;
    if (waits_) {
      if (!stream_) stream_.emplace(loop_, ::dup(descriptor_));
      co_await stream_->async_wait(asio::posix::descriptor_base::wait_read, use_task);
    }
    fill();
  }

 private:
  void fill() {
    if (!open()) return;
    ssize_t n;
    do {
      n = ::read(descriptor_, buffer_.data(), buffer_.size());
    } while (n < 0 && errno == EINTR);
    begin_ = end_ = 0;
    if (n > 0) {
      end_ = static_cast<std::size_t>(n);
    } else if (n == 0) {
      ended_ = true;
    } else if (errno != EAGAIN) {
      failure_ = Error{ErrorCode::Io, std::strerror(errno), {}};
    }
  }

  Executor loop_;
  int descriptor_;
  bool waits_;
  bool ended_ = false;
  std::optional<asio::posix::basic_stream_descriptor<Executor>> stream_;
  std::array<std::uint8_t, 64 * 1024> buffer_;
  std::size_t begin_ = 0, end_ = 0;
  std::optional<Error> failure_;
};

class EmptySource final : public Source {
 public:
  ByteView available() override { return {}; }
  void consume(std::size_t) override {}
  bool open() override { return false; }
  std::optional<Error> failure() override { return std::nullopt; }
  Task<> wait() override { co_return; }
};

constexpr std::size_t kCapacity = 64 * 1024;

class DescriptorSink final : public Sink {
 public:
  explicit DescriptorSink(int descriptor) : descriptor_(descriptor) {}
  bool open() override { return !failure_; }
  std::optional<Error> failure() override { return failure_; }
  std::size_t capacity() override { return failure_ ? 0 : kCapacity; }
  Reply<Result<>> write(ByteView bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::write(descriptor_, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) {
        failure_ = Error{ErrorCode::Io, std::strerror(errno), {}};
        return Result<>(std::unexpected(*failure_));
      }
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    }
    return Result<>{};
  }
  void flush() override {}
  Task<> wait() override { co_return; }

 private:
  int descriptor_;
  std::optional<Error> failure_;
};

class LogSink final : public Sink {
 public:
  LogSink(contracts::Logging& logging, std::string component, std::string stream, LogLevel level)
      : logging_(logging),
        component_(std::move(component)),
        stream_(std::move(stream)),
        level_(level) {}
  ~LogSink() override {
    if (!line_.empty()) logging_.write(component_, level_, stream_, line_);
  }
  bool open() override { return true; }
  std::optional<Error> failure() override { return std::nullopt; }
  std::size_t capacity() override { return kCapacity; }
  Reply<Result<>> write(ByteView bytes) override {
    std::string_view text = as_text(bytes);
    for (std::size_t end; (end = text.find('\n')) != std::string_view::npos;
         text.remove_prefix(end + 1)) {
      line_ += text.substr(0, end);
      logging_.write(component_, level_, stream_, line_);
      line_.clear();
    }
    line_ += text;
    if (line_.size() > kLongestLine) {
      logging_.write(component_, level_, stream_, line_);
      line_.clear();
    }
    return Result<>{};
  }
  void flush() override {}
  Task<> wait() override { co_return; }

 private:
  static constexpr std::size_t kLongestLine = 8 * 1024;
  contracts::Logging& logging_;
  std::string component_, stream_;
  LogLevel level_;
  std::string line_;
};

}  // namespace

std::shared_ptr<Source> standard_input(Executor loop, int descriptor) {
  return std::make_shared<DescriptorSource>(loop, descriptor);
}
std::shared_ptr<Source> empty_input() { return std::make_shared<EmptySource>(); }
std::shared_ptr<Sink> descriptor_output(int descriptor) {
  return std::make_shared<DescriptorSink>(descriptor);
}
std::shared_ptr<Sink> log_output(contracts::Logging& logging, std::string component,
                                 std::string stream, LogLevel level) {
  return std::make_shared<LogSink>(logging, std::move(component), std::move(stream), level);
}

}  // namespace unbolt::wasi
