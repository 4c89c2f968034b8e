// What happens to a connection while its coroutine rests.
#include "unbolt/http/connection.h"

#include <utility>

namespace unbolt::http {
namespace {

constexpr std::size_t kSmallBuffer = 4096;
constexpr std::size_t kReadAhead = 16 * 1024;  // behind a request under way
constexpr std::chrono::seconds kLinger{2};

}  // namespace

void Connection::on_input() {
  Ref<Connection> self(this);
  in_turn_ = true;
  switch (phase_) {
    case Phase::Handling:
    case Phase::Draining: request_body_.on_input(); break;
    case Phase::Writing: break;
    default: input_.resume();
  }
  in_turn_ = false;
  on_turn_end();
}

void Connection::on_output() {
  Ref<Connection> self(this);
  if (phase_ == Phase::Handling) {
    if (response_.started()) response_.body().on_output();
    on_turn_end();
  } else {
    if (phase_ == Phase::Writing) set_phase(Phase::Writing);
    output_.resume();
  }
}

// The coroutine rests: send what waits, and look out for the client's departure.
void Connection::on_turn_end() {
  if (phase_ != Phase::Handling || lost_) return;
  OutgoingBody& body = response_.body();
  if (body.started()) {
    if (!body.aborted() && (earlier_ || body.flush_wanted())) body.send();
  } else if (earlier_) {
    channel_->send();
  }
  earlier_ = earlier_ && channel_->sending();
  bool left = channel_->ended() && !body.finished();
  if (left || channel_->broken()) return lost();
  watch();
  set_phase(Phase::Handling);
}

void Connection::watch() {
  if (channel_->reading() || channel_->ended() || channel_->in.size() >= kReadAhead) return;
  if (request_body_.available().empty()) {
    channel_->read(kSmallBuffer);
  } else {
    channel_->read_behind();
  }
}

void Connection::on_body_wait() {
  if (std::exchange(continue_due_, false)) response_.send_continue();
  server_->deadlines->set(*this, server_->limits.body_timeout);
}

void Connection::on_flush_wanted() {
  if (!in_turn_ && phase_ == Phase::Handling) server_->turns->add(*this);
}

// The end of the handler ends the connection.
void Connection::on_abort() {}

void Connection::set_phase(Phase phase) {
  Phase before = std::exchange(phase_, phase);
  const ServerLimits& limits = server_->limits;
  Deadlines& deadlines = *server_->deadlines;
  switch (phase) {
    case Phase::Idle: return deadlines.set(*this, limits.idle_timeout);
    case Phase::Head:
      if (before != phase) deadlines.set(*this, limits.head_timeout);
      return;
    case Phase::Handling:
      if (request_body_.waiting() || channel_->sending())
        return deadlines.set(*this, limits.body_timeout);
      return deadlines.clear(*this);
    case Phase::Draining:
    case Phase::Writing: return deadlines.set(*this, limits.body_timeout);
    case Phase::Lingering: return deadlines.set(*this, kLinger);
    case Phase::Over: return deadlines.clear(*this);
  }
}

void Connection::on_deadline() {
  Ref<Connection> self(this);
  switch (phase_) {
    case Phase::Handling:
    case Phase::Draining:
      if (request_body_.waiting()) {
        request_body_.fail(Error{ErrorCode::Timeout, "the request's body stopped coming", {}});
      } else if (channel_->sending()) {
        lost();
      }
      return;
    case Phase::Writing: channel_->close(); return output_.resume();
    default: quit_ = true; input_.resume();
  }
}

void Connection::lost() {
  if (lost_) return;
  Ref<Connection> self(this);
  lost_ = true;
  server_->deadlines->clear(*this);
  request_body_.fail(Error{ErrorCode::ConnectionClosed, "the client has left", {}});
  channel_->close();
  response_.body().on_output();
  cancel_.emit(asio::cancellation_type::terminal);
}

void Connection::stop() {
  bool idle = phase_ == Phase::Idle && input_.waiting();
  if (!idle || channel_->transport()->peek() != Transport::Peek::Nothing) return;
  quit_ = true;
  input_.post();
}

void Connection::kill() {
  if (phase_ == Phase::Handling || phase_ == Phase::Draining) return lost();
  quit_ = true;
  channel_->close();
  input_.post();
  output_.post();
}

void Connection::log_failure(std::string_view what) {
  server_->log.line(LogLevel::Error, "http", "{} {}: the handler failed: {}", request_.head.method,
                    request_.head.target, what);
}

}  // namespace unbolt::http
