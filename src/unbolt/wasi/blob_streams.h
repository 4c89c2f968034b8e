// Blobs on their way, as wasi:io streams.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "unbolt/contracts/blob_store.h"
#include "unbolt/wasi/streams.h"

namespace unbolt::wasi {

// What the blobs of one instance share. Each that is open has a share of this, which is how they
// are counted.
struct InstanceBlobs {
  static constexpr long kMaxOpen = 256;
  // Of all values that were written to before they were given to a container.
  static constexpr std::size_t kMaxEarly = 1 << 20;
  std::size_t early = 0;
};

// An object that is read. Bound to its loop.
class BlobSource final : public Source {
 public:
  explicit BlobSource(std::unique_ptr<contracts::BlobReader> reader) : reader_(std::move(reader)) {}

  Reply<Result<>> fetch(std::size_t limit) override;
  ByteView available() override { return available_; }
  void consume(std::size_t size) override { available_ = available_.subspan(size); }
  bool open() override { return !at_end_ && !failure_; }
  std::optional<Error> failure() override { return failure_; }
  // Like a file's.
  bool ready() override { return true; }
  Task<> wait() override { co_return; }

 private:
  Result<> fetched(Result<ByteView> piece);
  Task<Result<>> fetch_later(Task<Result<ByteView>> piece);

  std::unique_ptr<contracts::BlobReader> reader_;
  ByteView available_;  // the reader's
  bool at_end_ = false;
  std::optional<Error> failure_;
};

// An object that is written. The guest may write before it has said which object that is: until
// then a bounded buffer stands in for it. Bound to its loop.
class BlobSink final : public Sink {
 public:
  explicit BlobSink(std::shared_ptr<InstanceBlobs> instance) : instance_(std::move(instance)) {}
  ~BlobSink() override { drop_early(); }

  // What is written goes there; answers when what was written before has. Once; the sink outlives
  // the task.
  Task<Result<>> attach(std::unique_ptr<contracts::BlobWriter> writer);
  bool attached() const { return attached_; }
  // Puts the object in place. The sink outlives the task.
  Task<Result<>> finish();
  // The object will not come: the old one stays.
  void abandon();

  bool open() override { return !failure_ && !ended_; }
  std::optional<Error> failure() override { return failure_; }
  std::size_t capacity() override { return open() ? contracts::BlobLimits::kPiece : 0; }
  Reply<Result<>> write(ByteView bytes) override;
  void flush() override {}
  Task<> wait() override { co_return; }

 private:
  Result<> write_early(ByteView bytes);
  Result<> kept(Result<> result);
  Task<Result<>> write_later(Task<Result<>> written) {
    co_return kept(co_await std::move(written));
  }
  void drop_early();

  std::shared_ptr<InstanceBlobs> instance_;
  std::unique_ptr<contracts::BlobWriter> writer_;
  bool attached_ = false, ended_ = false;
  Bytes early_;
  std::optional<Error> failure_;
};

}  // namespace unbolt::wasi
