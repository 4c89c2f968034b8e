#include "unbolt/wasi/http_types.h"

#include <boost/asio/redirect_error.hpp>

namespace unbolt::wasi {

std::optional<Error> IncomingBodySource::failure() {
  if (!reader_) return Error{ErrorCode::ConnectionClosed, "the request has ended", {}};
  if (reader_->state() == http::BodyReader::State::Failed) return reader_->error();
  return std::nullopt;
}

Task<> IncomingBodySource::wait() {
  if (reader_ && reader_->available().empty() && open()) co_await reader_->wait();
}

void OutgoingBodySink::attach(http::BodyWriter* writer, std::shared_ptr<void> owner) {
  writer_ = writer;
  owner_ = std::move(owner);
  if (!buffer_.empty()) {
    // A fresh writer's buffer is larger than ours.
    if (auto written = writer_->write(buffer_); !written) failure_ = std::move(written.error());
    writer_->flush();
    buffer_ = {};
  }
  if (finished_ && !failure_) {
    if (auto done = writer_->finish(std::move(trailers_)); !done)
      failure_ = std::move(done.error());
  } else if (failure_) {
    writer_->abort();
  }
  if (attached_) attached_->cancel();
}

void OutgoingBodySink::cut_off() {
  writer_ = nullptr;
  owner_.reset();
  if (!finished_ && !failure_)
    failure_ = Error{ErrorCode::ConnectionClosed, "the request has ended", {}};
}

Result<> OutgoingBodySink::finish(http::Fields trailers) {
  if (failure_) return std::unexpected(*failure_);
  if (declared_ && written_ != *declared_) {
    failure_ = Error{
        ErrorCode::ProtocolError,
        fmt::format("the body is {} bytes shorter than content-length", *declared_ - written_),
        {}};
    if (writer_) writer_->abort();
    return std::unexpected(*failure_);
  }
  finished_ = true;
  if (writer_) return writer_->finish(std::move(trailers));
  trailers_ = std::move(trailers);
  return {};
}

void OutgoingBodySink::abandon() {
  if (finished_ || failure_) return;
  failure_ = Error{ErrorCode::ConnectionClosed, "the body was dropped before it was finished", {}};
  if (writer_) writer_->abort();
}

std::size_t OutgoingBodySink::capacity() {
  if (!open()) return 0;
  return writer_ ? writer_->capacity() : kBuffer - buffer_.size();
}

Reply<Result<>> OutgoingBodySink::write(ByteView bytes) {
  if (failure_) return Result<>(std::unexpected(*failure_));
  if (declared_ && bytes.size() > *declared_ - written_) {
    failure_ = Error{ErrorCode::LimitExceeded, "the body is longer than content-length", {}};
    if (writer_) writer_->abort();
    return Result<>(std::unexpected(*failure_));
  }
  written_ += bytes.size();
  if (!writer_) {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
    return Result<>{};
  }
  auto written = writer_->write(bytes);
  if (!written) {
    failure_ = written.error();
  } else {
    // Not at once: what a guest that now waits has written must leave; one that finishes sends it
    // all in one.
    writer_->flush();
  }
  return written;
}

Task<> OutgoingBodySink::wait() {
  if (!open() || capacity() > 0) co_return;
  if (!writer_) {
    boost::system::error_code ec;
    attached_.emplace(loop_, Timer::time_point::max());
    co_await attached_->async_wait(asio::redirect_error(use_task, ec));
    if (!writer_ || !open() || capacity() > 0) co_return;
  }
  co_await writer_->wait();
  // A writer that takes nothing although it has been waited for has lost its peer.
  if (writer_ && open() && writer_->capacity() == 0) {
    failure_ = Error{ErrorCode::ConnectionClosed, "the peer has left", {}};
  }
}

void RequestScope::end() {
  target = nullptr;
  if (request_body) request_body->cut_off();
  if (response_body) response_body->cut_off();
}

std::pair<component::Own<IncomingRequest>, component::Own<ResponseOutparam>> make_request(
    http::Request& request, std::shared_ptr<RequestScope> scope) {
  scope->request_body = std::make_shared<IncomingBodySource>(request.body);
  auto fields = std::make_shared<http::Fields>(std::move(request.head.fields));
  auto incoming = std::make_unique<IncomingRequest>(
      IncomingRequest{std::move(request.head), std::move(fields), scope->request_body});
  return {std::move(incoming),
          std::make_unique<ResponseOutparam>(ResponseOutparam{std::move(scope)})};
}

}  // namespace unbolt::wasi
