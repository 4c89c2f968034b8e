#include "unbolt/http/connection.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace unbolt::http {
namespace {

constexpr std::size_t kSmallBuffer = 4096;
constexpr std::size_t kKeptBuffer = 16 * 1024;    // by an idle connection
constexpr std::size_t kCoalesce = 16 * 1024;      // of pipelined responses
constexpr std::size_t kMostDrained = 256 * 1024;  // of a request's body that nobody read
constexpr std::size_t kMostLingered = 4 * 1024 * 1024;

}  // namespace

Connection::Connection(Ref<ServerCore> server, Socket socket)
    : server_(std::move(server)),
      channel_(new Channel),
      parser_(server_->limits.max_head_bytes),
      request_body_(*this),
      response_(*this, server_->date, server_->limits.body_buffer_bytes) {
  boost::system::error_code left_already;
  request_.remote = socket.remote_endpoint(left_already);
  channel_->attach(make_tcp_transport(std::move(socket)));
  channel_->listen(this);
  request_.body = &request_body_;
  ++server_->connections;
}

Connection::~Connection() {
  channel_->listen(nullptr);
  channel_->close();
  if (Deadlines::Entry::is_linked()) server_->deadlines->remove(*this);
  ConnectionHook::unlink();
  --server_->connections;
  if (server_->watcher) server_->watcher->on_connection_gone();
}

void Connection::start() {
  Ref<Connection> self(this);
  asio::co_spawn(server_->loop, serve(self),
                 asio::bind_cancellation_slot(cancel_.slot(), [self](std::exception_ptr) {
                   // The slot is looked at once more after this.
                   asio::post(self->server_->loop, [self] {});
                 }));
}

Task<> Connection::serve(Ref<Connection> self) {
  try {
    co_await self->serve_requests();
  } catch (const std::exception& failure) {
    if (!self->lost_)
      self->server_->log.line(LogLevel::Error, "http", "a connection ended: {}", failure.what());
  }
  self->phase_ = Phase::Over;
  self->channel_->close();
}

Task<> Connection::serve_requests() {
  for (;;) {
    HeadParser::Progress progress;
    while ((progress = parser_.read_request(channel_->in, request_.head)) ==
           HeadParser::Progress::More) {
      channel_->send();
      bool idle = !parser_.started() && channel_->in.empty();
      if (channel_->ended() || (idle && server_->stopping &&
                                channel_->transport()->peek() == Transport::Peek::Nothing)) {
        if (channel_->sending()) co_await write_out();
        co_return;
      }
      if (idle) channel_->trim(kKeptBuffer);
      set_phase(idle ? Phase::Idle : Phase::Head);
      channel_->read(kSmallBuffer);
      co_await input_.wait_to_the_end();
      if (!quit_) continue;
      if (phase_ == Phase::Head && !channel_->closed())
        co_await refuse(408, "the request's head took too long");
      co_return;
    }
    if (progress == HeadParser::Progress::Failed)
      co_return co_await refuse(parser_.bad().status, parser_.bad().why);
    if (!begin_request()) co_return co_await refuse(413, "the request's body is too large");

    try {
      co_await server_->handler.handle(request_, response_);
    } catch (const std::exception& failure) {
      if (!lost_) log_failure(failure.what());
    } catch (...) {
      if (!lost_) log_failure("an exception of unknown type");
    }
    TurnEnd::Item::unlink();
    if (lost_) co_return;
    bool whole = response_.body().finished() && request_body_.state() == BodyReader::State::End;
    bool goes_on = whole ? response_.keeps_alive() : co_await settle();
    if (lost_) co_return;
    if (!goes_on) co_return co_await linger();
    if (channel_->sending()) co_await write_out();
    if (channel_->out.size() >= kCoalesce) channel_->send();
    if (channel_->broken()) co_return;
  }
}

bool Connection::begin_request() {
  const HeadFacts& facts = parser_.facts();
  const ServerLimits& limits = server_->limits;
  std::uint64_t length = facts.content_length.value_or(0);
  request_.http_1_0 = facts.http_1_0;
  response_.begin(*channel_, request_.head, facts);
  if (length > limits.max_body_bytes) return false;
  auto kind = facts.chunked ? BodyDecoder::Kind::Chunked
              : length      ? BodyDecoder::Kind::Length
                            : BodyDecoder::Kind::Empty;
  request_body_.start(*channel_, kind, length,
                      {limits.max_body_bytes, limits.max_head_bytes, limits.body_buffer_bytes});
  continue_due_ = facts.expects_continue && !facts.http_1_0 &&
                  request_body_.state() == BodyReader::State::Open && channel_->in.empty();
  earlier_ = !channel_->out.empty();
  set_phase(Phase::Handling);
  if (!in_turn_) server_->turns->add(*this);
  return true;
}

bool Connection::may_keep_alive() const {
  const HeadFacts& facts = parser_.facts();
  return !last_ && !facts.close && (!facts.http_1_0 || facts.keep_alive) && !server_->stopping &&
         !continue_due_;
}

// After a handler that left something undone. True where the connection can go on.
Task<bool> Connection::settle() {
  OutgoingBody& body = response_.body();
  if (!response_.started()) {
    int status = 500;
    std::string_view why = "the handler did not answer";
    if (request_body_.state() == BodyReader::State::Failed) {
      const Error& error = request_body_.error();
      status = error.code == ErrorCode::LimitExceeded ? 413
               : error.code == ErrorCode::Timeout     ? 408
                                                      : 400;
      why = error.message;
      last_ = true;
    }
    response_.answer(status, why);
  } else if (!body.finished()) {
    body.abort();
    co_return false;
  }
  if (request_body_.state() == BodyReader::State::Open && response_.keeps_alive())
    co_return co_await drain_request();
  co_return response_.keeps_alive() && request_body_.state() == BodyReader::State::End;
}

Task<bool> Connection::drain_request() {
  channel_->send();
  set_phase(Phase::Draining);
  std::size_t drained = 0;
  while (request_body_.state() == BodyReader::State::Open) {
    std::size_t size = request_body_.available().size();
    if ((drained += size) > kMostDrained) co_return false;
    request_body_.consume(size);
    co_await request_body_.wait();
  }
  co_return request_body_.state() == BodyReader::State::End;
}

Task<> Connection::refuse(int status, std::string_view why) {
  last_ = true;
  response_.begin(*channel_, {}, {});
  response_.answer(status, why);
  co_await linger();
}

// The last response must not be lost to a reset because of bytes that nobody read.
Task<> Connection::linger() {
  OutgoingBody& body = response_.body();
  co_await write_out();
  if (channel_->broken()) co_return;
  if (body.started() && !body.finished() && body.until_close())
    co_return channel_->close(Transport::How::Reset);
  bool read = request_body_.state() == BodyReader::State::End && channel_->in.empty();
  if (read && body.finished() && !last_) co_return;
  channel_->shutdown();
  set_phase(Phase::Lingering);
  for (std::size_t size = 0; !channel_->ended() && !quit_ && size < kMostLingered;) {
    size += channel_->in.size();
    channel_->in.consume(channel_->in.size());
    channel_->read(kSmallBuffer);
    co_await input_.wait_to_the_end();
  }
}

Task<> Connection::write_out() {
  set_phase(Phase::Writing);
  channel_->send();
  while (channel_->pending() != 0 && !channel_->broken()) {
    co_await output_.wait_to_the_end();
    channel_->send();
  }
}

}  // namespace unbolt::http
