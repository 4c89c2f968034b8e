#include "unbolt/wasi/sockets_tcp_streams.h"

#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace unbolt::wasi {
namespace {

Error failure_of(int error) {
  return {ErrorCode::ConnectionClosed, std::strerror(error), {}, error};
}

// Calls again what a signal interrupted.
template <class Call>
ssize_t uninterrupted(Call call) {
  ssize_t result;
  do {
    result = call();
  } while (result < 0 && errno == EINTR);
  return result;
}

}  // namespace

TcpConnection::TcpConnection(std::shared_ptr<NativeSocket> socket,
                             std::shared_ptr<InstanceNetwork> network)
    : socket_(std::move(socket)), network_(std::move(network)) {}

TcpConnection::~TcpConnection() { drop_rest(); }

void TcpConnection::receive(std::size_t limit) {
  if (input_ended_ || limit == 0) return;
  const auto scratch = network_->scratch();
  limit = std::min(limit, scratch.size());
  const auto n =
      uninterrupted([&] { return ::recv(socket_->number(), scratch.data(), limit, MSG_DONTWAIT); });
  if (n > 0) {
    received_ = scratch.first(static_cast<std::size_t>(n));
  } else if (n == 0) {
    input_ended_ = true;
  } else if (errno != EAGAIN) {
    input_ended_ = true;
    input_failure_ = failure_of(errno);
  }
}

bool TcpConnection::input_ready() {
  if (input_ended_ || !received_.empty()) return true;
  char byte;
  const auto n =
      uninterrupted([&] { return ::recv(socket_->number(), &byte, 1, MSG_PEEK | MSG_DONTWAIT); });
  if (n > 0) return true;
  if (n < 0 && errno == EAGAIN) return false;
  input_ended_ = true;
  if (n < 0) input_failure_ = failure_of(errno);
  return true;
}

void TcpConnection::shut_input() {
  input_ended_ = true;
  received_ = {};
  ::shutdown(socket_->number(), SHUT_RD);
}

std::size_t TcpConnection::capacity() const {
  return output_ended_ || !rest_.empty() ? 0 : network_->room_for_unsent();
}

std::size_t TcpConnection::send_now(ByteView bytes) {
  const auto n = uninterrupted([&] {
    return ::send(socket_->number(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  });
  if (n >= 0) return static_cast<std::size_t>(n);
  if (errno != EAGAIN) output_failed(errno);
  return 0;
}

Result<> TcpConnection::send(ByteView bytes) {
  if (bytes.empty()) return {};
  const std::size_t sent = send_now(bytes);
  if (output_ended_) return std::unexpected(output_failure_ ? *output_failure_ : failure_of(EPIPE));
  if (sent == bytes.size()) return {};
  rest_ = to_bytes(bytes.subspan(sent));
  network_->add_unsent(rest_.size());
  send_rest_later();
  return {};
}

void TcpConnection::send_rest_later() {
  socket_->async_wait_writable([self = shared_from_this()](boost::system::error_code ec) {
    if (ec)
      self->drop_rest();
    else
      self->send_rest();
  });
}

void TcpConnection::send_rest() {
  if (rest_.empty()) return;
  const std::size_t sent = send_now(ByteView(rest_).subspan(rest_sent_));
  if (rest_.empty()) return;  // it failed
  rest_sent_ += sent;
  if (rest_sent_ == rest_.size()) return drop_rest();
  if (linger_ && sent > 0) linger_on();
  send_rest_later();
}

// What is sent or lost is no more held.
void TcpConnection::drop_rest() {
  network_->remove_unsent(rest_.size());
  rest_ = {};
  rest_sent_ = 0;
  if (std::exchange(shut_when_sent_, false)) ::shutdown(socket_->number(), SHUT_WR);
  if (rest_gone_) rest_gone_->cancel();
  if (linger_) {
    linger_->cancel();
    linger_.reset();
    network_->services().lingering.fetch_sub(1, std::memory_order_relaxed);
  }
}

// Nothing that is written from here on would arrive. That the peer has left is told once, and then
// no more than the end of the stream.
void TcpConnection::output_failed(int error) {
  output_ended_ = true;
  if (error != EPIPE) output_failure_ = failure_of(error);
  drop_rest();
}

Task<> TcpConnection::wait_for_output() {
  // A writer that waits again and again for a peer that is slow: the timer is made once.
  if (!rest_gone_) rest_gone_.emplace(socket_->loop(), Timer::time_point::max());
  while (!rest_.empty()) {
    boost::system::error_code ignored;
    co_await rest_gone_->async_wait(asio::redirect_error(use_task, ignored));
  }
}

void TcpConnection::shut_output() {
  if (std::exchange(output_ended_, true)) return;
  if (rest_.empty())
    ::shutdown(socket_->number(), SHUT_WR);
  else
    shut_when_sent_ = true;
}

void TcpConnection::let_go() {
  input_ended_ = true;
  if (rest_.empty()) return;
  network_->services().lingering.fetch_add(1, std::memory_order_relaxed);
  linger_.emplace(socket_->loop());
  linger_end_ = std::chrono::steady_clock::now() + kLinger;
  linger_on();
}

void TcpConnection::linger_on() {
  linger_->expires_at(std::min(std::chrono::steady_clock::now() + kLingerForPiece, linger_end_));
  linger_->async_wait([self = weak_from_this()](boost::system::error_code ec) {
    if (ec) return;
    // Only the wait for the peer holds the connection.
    if (const auto connection = self.lock()) connection->socket_->cancel();
  });
}

namespace {

class TcpSource final : public Source {
 public:
  explicit TcpSource(std::shared_ptr<TcpHold> hold) : hold_(std::move(hold)) {}
  Reply<Result<>> fetch(std::size_t limit) override {
    (*hold_)->receive(limit);
    return Result<>{};
  }
  ByteView available() override { return (*hold_)->received(); }
  void consume(std::size_t size) override { (*hold_)->consume(size); }
  bool open() override { return (*hold_)->input_open(); }
  std::optional<Error> failure() override { return (*hold_)->input_failure(); }
  bool ready() override { return (*hold_)->input_ready(); }
  Task<> wait() override { return (*hold_)->wait_for_input(); }

 private:
  std::shared_ptr<TcpHold> hold_;
};

class TcpSink final : public Sink {
 public:
  explicit TcpSink(std::shared_ptr<TcpHold> hold) : hold_(std::move(hold)) {}
  ~TcpSink() override { (*hold_)->shut_output(); }
  bool open() override { return (*hold_)->output_open(); }
  std::optional<Error> failure() override { return (*hold_)->output_failure(); }
  std::size_t capacity() override { return (*hold_)->capacity(); }
  Reply<Result<>> write(ByteView bytes) override { return (*hold_)->send(bytes); }
  void flush() override {}
  bool holds_back() override { return (*hold_)->holds_back(); }
  Task<> wait() override { return (*hold_)->wait_for_output(); }

 private:
  std::shared_ptr<TcpHold> hold_;
};

}  // namespace

std::shared_ptr<Source> tcp_source(std::shared_ptr<TcpHold> hold) {
  return std::make_shared<TcpSource>(std::move(hold));
}
std::shared_ptr<Sink> tcp_sink(std::shared_ptr<TcpHold> hold) {
  return std::make_shared<TcpSink>(std::move(hold));
}

}  // namespace unbolt::wasi
