#include "unbolt/wasi/standard_streams.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "unbolt/wasi/process_descriptor.h"

namespace unbolt::wasi {
namespace {

// Takes no more than the guest asks for: what it leaves is there for the program that reads next.
class DescriptorSource final : public Source {
 public:
  DescriptorSource(Executor loop, int descriptor)
      : descriptor_(loop, descriptor, ProcessDescriptor::Use::Read) {}
  Reply<Result<>> fetch(std::size_t limit) override {
    if (begin_ == end_ && open()) fill(std::min(limit, buffer_.size()));
    return Result<>{};
  }
  ByteView available() override { return {buffer_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t size) override { begin_ += size; }
  bool open() override { return !ended_ && !failure_; }
  std::optional<Error> failure() override { return failure_; }
  bool ready() override { return begin_ != end_ || !open() || descriptor_.ready(); }
  Task<> wait() override {
    if (begin_ == end_ && open()) co_await descriptor_.wait();
  }

 private:
  void fill(std::size_t limit) {
    const ssize_t n = descriptor_.read(buffer_.data(), limit);
    begin_ = end_ = 0;
    if (n > 0) {
      end_ = static_cast<std::size_t>(n);
    } else if (n == 0) {
      ended_ = true;
    } else if (errno != EAGAIN) {
      failure_ = Error{ErrorCode::Io, std::strerror(errno), {}, errno};
    }
  }

  ProcessDescriptor descriptor_;
  bool ended_ = false;
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

// Keeps what the system does not take at once, and has no capacity until it did.
class DescriptorSink final : public Sink {
 public:
  DescriptorSink(Executor loop, int descriptor, std::function<void()> on_broken_pipe)
      : descriptor_(loop, descriptor, ProcessDescriptor::Use::Write),
        on_broken_pipe_(std::move(on_broken_pipe)) {}
  bool open() override { return !broken_ && !failure_; }
  std::optional<Error> failure() override { return failure_; }
  std::size_t capacity() override {
    flush();
    return open() && kept_.empty() ? kCapacity : 0;
  }
  Reply<Result<>> write(ByteView bytes) override {
    const std::size_t taken = give(bytes);
    if (failure_) return Result<>(std::unexpected(*failure_));
    kept_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(taken), bytes.end());
    return Result<>{};
  }
  void flush() override {
    if (kept_.empty() || !open()) return;
    const std::size_t taken = give(kept_);
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  bool holds_back() override { return !kept_.empty(); }
  Task<> wait() override {
    while (open() && capacity() == 0) co_await descriptor_.wait();
  }
  void told_closed() override {
    if (broken_ && ++told_ == 2 && on_broken_pipe_) on_broken_pipe_();
  }

 private:
  // How much of it the system took.
  std::size_t give(ByteView bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size()) {
      const ssize_t n = descriptor_.write(bytes.subspan(taken));
      if (n < 0) {
        if (errno == EPIPE) {
          broken_ = true;
        } else if (errno != EAGAIN) {
          failure_ = Error{ErrorCode::Io, std::strerror(errno), {}, errno};
        }
        break;
      }
      taken += static_cast<std::size_t>(n);
    }
    return taken;
  }

  ProcessDescriptor descriptor_;
  std::function<void()> on_broken_pipe_;
  Bytes kept_;
  bool broken_ = false;
  int told_ = 0;
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
std::shared_ptr<Sink> descriptor_output(Executor loop, int descriptor,
                                        std::function<void()> on_broken_pipe) {
  return std::make_shared<DescriptorSink>(loop, descriptor, std::move(on_broken_pipe));
}
std::shared_ptr<Sink> log_output(contracts::Logging& logging, std::string component,
                                 std::string stream, LogLevel level) {
  return std::make_shared<LogSink>(logging, std::move(component), std::move(stream), level);
}

}  // namespace unbolt::wasi
