#include "unbolt/wasi/blob_streams.h"

namespace unbolt::wasi {

// ---- BlobSource

Result<> BlobSource::fetched(Result<ByteView> piece) {
  if (!piece) {
    failure_ = piece.error();
    return std::unexpected(std::move(piece.error()));
  }
  available_ = *piece;
  at_end_ = piece->empty();
  return {};
}

Task<Result<>> BlobSource::fetch_later(Task<Result<ByteView>> piece) {
  co_return fetched(co_await std::move(piece));
}

Reply<Result<>> BlobSource::fetch(std::size_t limit) {
  if (!available_.empty() || !open()) return Result<>{};
  auto piece = reader_->next(limit);
  if (!piece.ready()) return fetch_later(std::move(piece).task());
  return fetched(std::move(piece).take());
}

// ---- BlobSink

void BlobSink::drop_early() {
  instance_->early -= early_.size();
  early_ = {};
}

Result<> BlobSink::kept(Result<> result) {
  if (result) return result;
  failure_ = result.error();
  writer_.reset();
  return result;
}

Result<> BlobSink::write_early(ByteView bytes) {
  if (bytes.size() > InstanceBlobs::kMaxEarly - instance_->early) {
    drop_early();
    return kept(fail(ErrorCode::LimitExceeded,
                     "more than {} bytes were written to values that no container was given: call "
                     "write-data before writing",
                     InstanceBlobs::kMaxEarly));
  }
  early_.insert(early_.end(), bytes.begin(), bytes.end());
  instance_->early += bytes.size();
  return {};
}

Reply<Result<>> BlobSink::write(ByteView bytes) {
  if (failure_) return Result<>(std::unexpected(*failure_));
  if (!writer_) return write_early(bytes);
  auto written = writer_->write(bytes);
  if (!written.ready()) return write_later(std::move(written).task());
  return kept(std::move(written).take());
}

Task<Result<>> BlobSink::attach(std::unique_ptr<contracts::BlobWriter> writer) {
  attached_ = true;
  if (failure_) co_return std::unexpected(*failure_);
  writer_ = std::move(writer);
  if (!early_.empty()) {
    auto written = kept(co_await writer_->write(early_).wait());
    drop_early();
    co_return written;
  }
  co_return Result<>{};
}

Task<Result<>> BlobSink::finish() {
  if (failure_) co_return std::unexpected(*failure_);
  ended_ = true;
  if (!writer_) {
    drop_early();
    co_return kept(fail(ErrorCode::InvalidArgument,
                        "the value is finished, and no container was given it (write-data)"));
  }
  auto finished = kept(co_await writer_->finish().wait());
  writer_.reset();
  co_return finished;
}

void BlobSink::abandon() {
  ended_ = true;
  writer_.reset();
  drop_early();
}

}  // namespace unbolt::wasi
