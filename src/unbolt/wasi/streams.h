// wasi:io: streams, pollables and errors over whatever moves the bytes.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/base/reply.h"
#include "unbolt/base/task.h"
#include "unbolt/component/host_interface.h"

namespace unbolt::wasi {

// Where the bytes of an input stream come from. Bound to its loop.
class Source {
 public:
  virtual ~Source() = default;
  // Brings up to `limit` bytes that are there but not in memory yet. Files have such, which are
  // always ready, and reading them waits for the disk; and connections, whose bytes the system
  // keeps until they are asked for.
  virtual Reply<Result<>> fetch(std::size_t limit) {
    (void)limit;
    return Result<>{};
  }
  // What has arrived or was fetched; valid until `consume`, `fetch` or `wait`.
  virtual ByteView available() = 0;
  virtual void consume(std::size_t size) = 0;
  // With nothing available: whether more may come; if not, whether that is a failure.
  virtual bool open() = 0;
  virtual std::optional<Error> failure() = 0;
  virtual bool ready() { return !available().empty() || !open(); }
  // Ends when there are bytes or it is no longer open; where they have to be fetched, it may end
  // early. At most one at a time; cancellable.
  virtual Task<> wait() = 0;
};

// Where the bytes of an output stream go. Bound to its loop.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual bool open() = 0;
  virtual std::optional<Error> failure() = 0;
  // How much `write` takes now; 0: `wait` first. What is no longer open takes nothing.
  virtual std::size_t capacity() = 0;
  // `bytes` stay valid until the answer, which a file gives when the system has taken them.
  virtual Reply<Result<>> write(ByteView bytes) = 0;
  // Sends what is buffered, without waiting.
  virtual void flush() = 0;
  // Whether bytes are kept that a write which blocks has to see gone; there is no capacity then.
  virtual bool holds_back() { return false; }
  // Ends when there is capacity or it is no longer open. At most one at a time; cancellable.
  virtual Task<> wait() = 0;
  // The guest learns that it is no longer open, once more.
  virtual void told_closed() {}
};

// ---- Resources

// wasi:io/error
struct IoError {
  Error error;
};

// wasi:io/poll
class Pollable {
 public:
  virtual ~Pollable() = default;
  virtual bool ready() = 0;
  // Ends when it is ready. Cancellable.
  virtual Task<> wait() = 0;
  // Pollables with the same key wait for the same thing, and only one of them may at a time.
  virtual const void* key() const { return this; }
};

// Which resources were made from one that must outlive them: it holds one of these, each of them a
// share of it.
class Children {
 public:
  std::shared_ptr<void> add() {
    if (!count_) count_ = std::make_shared<char>();
    return count_;
  }
  bool any() const { return count_.use_count() > 1; }

 private:
  std::shared_ptr<void> count_;
};

// wasi:io/streams. What was given to the guest is consumed with the next operation, so that it is
// copied only once.
class InputStream {
 public:
  explicit InputStream(std::shared_ptr<Source> source, std::shared_ptr<void> child_of = nullptr)
      : source_(std::move(source)), child_of_(std::move(child_of)) {}
  ~InputStream() { consume_given(); }
  const std::shared_ptr<Source>& source() {
    consume_given();
    return source_;
  }
  // At most `limit` bytes of what is there; given to the guest.
  ByteView give(std::uint64_t limit) {
    consume_given();
    const ByteView view = source_->available();
    given_ = static_cast<std::size_t>(std::min<std::uint64_t>(limit, view.size()));
    return view.first(given_);
  }

 private:
  void consume_given() {
    if (given_) source_->consume(std::exchange(given_, 0));
  }
  std::shared_ptr<Source> source_;
  std::shared_ptr<void> child_of_;
  std::size_t given_ = 0;
};

class OutputStream {
 public:
  explicit OutputStream(std::shared_ptr<Sink> sink, std::shared_ptr<void> child_of = nullptr)
      : sink_(std::move(sink)), child_of_(std::move(child_of)) {}
  Sink& sink() { return *sink_; }
  const std::shared_ptr<Sink>& shared() const { return sink_; }

 private:
  std::shared_ptr<Sink> sink_;
  std::shared_ptr<void> child_of_;
};

}  // namespace unbolt::wasi
