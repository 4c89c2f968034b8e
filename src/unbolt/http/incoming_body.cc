#include "unbolt/http/incoming_body.h"

#include <algorithm>

namespace unbolt::http {
namespace {
constexpr std::size_t kSmallBuffer = 4096;
constexpr std::size_t kFraming = 512;  // room for the chunk headers around a chunk
}  // namespace

void IncomingBody::start(Channel& channel, BodyDecoder::Kind kind, std::uint64_t length,
                         const Limits& limits) {
  channel_ = &channel;
  limits_ = limits;
  failed_ = false;
  decoder_.start(kind, length, limits.body_bytes, limits.trailer_bytes);
  if (kind != BodyDecoder::Kind::Empty) settle();
}

ByteView IncomingBody::available() const {
  if (failed_ || !channel_) return {};
  std::size_t ready = decoder_.ready(channel_->in);
  return as_bytes(channel_->in.view().substr(0, ready));
}

void IncomingBody::consume(std::size_t size) {
  if (size == 0) return;
  decoder_.consume(channel_->in, size);
  settle();
}

BodyReader::State IncomingBody::state() const {
  if (failed_) return State::Failed;
  switch (decoder_.progress()) {
    case BodyDecoder::Progress::Open: return State::Open;
    case BodyDecoder::Progress::End: return State::End;
    case BodyDecoder::Progress::Failed: return State::Failed;
  }
  return State::Failed;
}

const Error& IncomingBody::error() const { return failed_ ? error_ : decoder_.error(); }

Task<> IncomingBody::wait() {
  if (settled()) co_return;
  owner_.on_body_wait();
  while (!settled()) {
    read();
    co_await waiter_.wait();
  }
}

void IncomingBody::on_input() {
  settle();
  if (!waiter_.waiting()) return;
  if (settled()) return waiter_.resume();
  read();
}

void IncomingBody::fail(Error error) {
  if (state() != State::Open) return;
  failed_ = true;
  error_ = std::move(error);
  waiter_.post();
}

// What had arrived before the peer left is still handed out.
void IncomingBody::settle() {
  if (failed_ || decoder_.advance(channel_->in) != BodyDecoder::Progress::Open) return;
  if (channel_->ended() && decoder_.ready(channel_->in) == 0) {
    if (channel_->read_error() == asio::error::eof) {
      decoder_.close();
    } else {
      fail(Error{
          ErrorCode::ConnectionClosed,
          "the connection broke in the middle of the body: " + channel_->read_error().message(),
          {}});
    }
  }
}

void IncomingBody::read() {
  auto content = std::min<std::uint64_t>(decoder_.expected(), limits_.buffer_bytes);
  channel_->read(std::max(
      kSmallBuffer, std::min(static_cast<std::size_t>(content) + kFraming, limits_.buffer_bytes)));
}

}  // namespace unbolt::http
