#include "unbolt/http/exchange.h"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>

#include <limits>

#include "unbolt/http/head_format.h"

namespace unbolt::http {
namespace {

constexpr std::size_t kSmallBuffer = 4096;
constexpr std::size_t kBodyBuffer = 64 * 1024;
// How long the head waits for the body's first bytes or its end, to say how long the body is.
constexpr std::chrono::milliseconds kHold{10};

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" ||
         method == "OPTIONS" || method == "TRACE";
}

bool expects_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

Exchange::Exchange(Ref<ClientCore> client, RequestHead head, ClientTimeouts timeouts, Origin origin)
    : client_(std::move(client)),
      head_(std::move(head)),
      timeouts_(timeouts),
      origin_(std::move(origin)),
      key_(origin_.key()),
      request_body_(*this),
      response_body_(*this),
      parser_(client_->options.max_head_bytes) {}

Exchange::~Exchange() {
  if (Deadlines::Entry::is_linked()) client_->deadlines->remove(*this);
  if (!channel_) return;
  channel_->listen(nullptr);
  channel_->close();
}

Result<> Exchange::start() {
  channel_ = client_->idle.take(key_);
  reused_ = channel_ != nullptr;
  if (!reused_) channel_ = new Channel;
  UNBOLT_ASSIGN(DeclaredLength length, append_request_head(channel_->out.text(), head_));
  request_body_.start(*channel_, kBodyBuffer,
                      {.length = length, .omit_zero = !expects_body(head_.method)});
  if (reused_) {
    connected();
  } else {
    connect_anew();
  }
  return {};
}

void Exchange::connect_anew() {
  phase_ = Phase::Connecting;
  client_->deadlines->set(*this, timeouts_.connect);
  Ref<Exchange> self(this);
  asio::co_spawn(client_->loop, connect(self),
                 asio::bind_cancellation_slot(cancel_.slot(), [self](std::exception_ptr) {
                   // The slot is looked at once more after this.
                   asio::post(self->client_->loop, [self] {});
                 }));
}

Task<> Exchange::connect(Ref<Exchange> self) {
  Result<std::unique_ptr<Transport>> transport = unbolt::fail(ErrorCode::Cancelled, "cancelled");
  try {
    transport =
        co_await http::connect(self->client_->loop, self->origin_, self->client_->tls.get());
  } catch (const std::exception& failure) {
    transport = unbolt::fail(ErrorCode::Internal, "cannot connect: {}", failure.what());
  }
  if (self->phase_ != Phase::Connecting) co_return;
  if (!transport) {
    self->fail(std::move(transport).error());
  } else {
    self->channel_->attach(std::move(*transport));
    self->connected();
  }
}

void Exchange::connected() {
  channel_->listen(this);
  channel_->read(kSmallBuffer);
  phase_ = Phase::Holding;
  client_->deadlines->set(*this, kHold);
  client_->turns->add(*this);
}

void Exchange::on_turn_end() {
  if (phase_ == Phase::Connecting || phase_ == Phase::Failed || phase_ == Phase::Done) return;
  if (phase_ == Phase::Holding && request_body_.untouched()) return;
  send();
}

void Exchange::send() {
  if (phase_ == Phase::Holding) {
    phase_ = Phase::Head;
    client_->deadlines->set(*this, timeouts_.first_byte);
  }
  request_body_.send();
  request_body_.on_output();
  watch_body();
}

// Whoever waits for the server, to read or to write, waits for so long.
void Exchange::watch_body() {
  if (phase_ != Phase::Body) return;
  if (response_body_.waiting() || channel_->sending())
    return client_->deadlines->set(*this, timeouts_.between_bytes);
  client_->deadlines->clear(*this);
}

void Exchange::on_input() {
  Ref<Exchange> self(this);
  if (phase_ == Phase::Body) {
    response_body_.on_input();
    watch_body();
    on_body_read();
  } else if (phase_ == Phase::Holding || phase_ == Phase::Head) {
    read_head();
  }
}

void Exchange::read_head() {
  for (;;) {
    switch (parser_.read_response(channel_->in, response_)) {
      case HeadParser::Progress::More:
        if (!channel_->ended()) return channel_->read(kSmallBuffer);
        if (retry()) return;
        return fail({ErrorCode::ConnectionClosed,
                     fmt::format("'{}' closed the connection before it answered", head_.authority),
                     {}});
      case HeadParser::Progress::Failed: {
        bool large = parser_.bad().status == 431;
        return fail({large ? ErrorCode::LimitExceeded : ErrorCode::ProtocolError,
                     fmt::format("'{}' answered with what is not HTTP: {}", head_.authority,
                                 parser_.bad().why),
                     {}});
      }
      case HeadParser::Progress::Done: break;
    }
    if (response_.status == 101) {
      return fail({ErrorCode::ProtocolError,
                   fmt::format("'{}' switched to another protocol unasked", head_.authority),
                   {}});
    }
    if (response_.status >= 200) return begin_body();
  }
}

// RFC 9112, section 6.3.
void Exchange::begin_body() {
  const HeadFacts& facts = parser_.facts();
  auto kind = BodyDecoder::Kind::UntilClose;
  if (head_.method == "HEAD" || response_.status == 204 || response_.status == 304) {
    kind = BodyDecoder::Kind::Empty;
  } else if (facts.chunked) {
    kind = BodyDecoder::Kind::Chunked;
  } else if (facts.content_length) {
    kind = BodyDecoder::Kind::Length;
  }
  keep_alive_ = !facts.close && (!facts.http_1_0 || facts.keep_alive) &&
                kind != BodyDecoder::Kind::UntilClose;
  if (phase_ == Phase::Holding) send();
  phase_ = Phase::Body;
  response_body_.start(
      *channel_, kind, facts.content_length.value_or(0),
      {std::numeric_limits<std::uint64_t>::max(), client_->options.max_head_bytes, kBodyBuffer});
  watch_body();
  on_body_read();
  response_waiter_.resume();
}

// A connection that had been idle may have been closed while the request was on its way.
bool Exchange::retry() {
  bool safe = is_idempotent(head_.method) || phase_ == Phase::Holding;
  if (!reused_ || !safe || parser_.started() || !request_body_.restartable()) return false;
  reused_ = false;
  TurnEnd::Item::unlink();
  channel_->listen(nullptr);
  channel_->close();
  Ref<Channel> old = std::exchange(channel_, Ref<Channel>(new Channel));
  (void)append_request_head(channel_->out.text(), head_);
  request_body_.restart(*channel_);
  connect_anew();
  return true;
}

void Exchange::on_body_read() {
  if (phase_ != Phase::Body || response_body_.state() == BodyReader::State::Open) return;
  if (response_body_.state() == BodyReader::State::Failed || !keep_alive_) return channel_->close();
  if (request_body_.finished() && channel_->pending() == 0 && !channel_->broken()) release();
}

// Both bodies are through: the connection is free for the next request.
void Exchange::release() {
  phase_ = Phase::Done;
  client_->deadlines->clear(*this);
  Ref<Channel> channel = std::exchange(channel_, nullptr);
  channel->listen(nullptr);
  response_body_.detach();
  request_body_.detach();
  if (client_->closed || channel->ended() || !channel->in.empty()) return channel->close();
  client_->idle.put(key_, std::move(channel));
}

Task<Result<ResponseHead>> Exchange::response_head() {
  Ref<Exchange> self(this);
  while (phase_ == Phase::Connecting || phase_ == Phase::Holding || phase_ == Phase::Head) {
    co_await response_waiter_.wait();
  }
  if (phase_ == Phase::Failed) co_return std::unexpected(error_);
  if (std::exchange(taken_, true))
    co_return unbolt::fail(ErrorCode::InvalidArgument, "the response was taken already");
  co_return std::move(response_);
}

void Exchange::drop_exchange() {
  if (!taken_) return fail({ErrorCode::Cancelled, "the request was dropped", {}});
  if (phase_ == Phase::Body && !request_body_.finished()) request_body_.abort();
}

void Exchange::drop_response_body() {
  if (phase_ == Phase::Body) fail({ErrorCode::Cancelled, "the response was dropped", {}});
}

void Exchange::fail(Error error) {
  if (phase_ == Phase::Failed || phase_ == Phase::Done) return;
  Ref<Exchange> self(this);
  bool connecting = phase_ == Phase::Connecting;
  phase_ = Phase::Failed;
  error_ = error;
  client_->deadlines->clear(*this);
  TurnEnd::Item::unlink();
  response_body_.fail(std::move(error));
  channel_->close();
  request_body_.on_output();
  response_waiter_.post();
  if (connecting) cancel_.emit(asio::cancellation_type::terminal);
}

void Exchange::on_output() {
  Ref<Exchange> self(this);
  request_body_.on_output();
  watch_body();
  on_body_read();
}

void Exchange::on_body_wait() { client_->deadlines->set(*this, timeouts_.between_bytes); }

void Exchange::on_flush_wanted() { client_->turns->add(*this); }

void Exchange::on_abort() {
  fail({ErrorCode::ConnectionClosed, "the request's body was aborted", {}});
}

void Exchange::on_deadline() {
  Ref<Exchange> self(this);
  switch (phase_) {
    case Phase::Connecting:
      return fail({ErrorCode::Timeout,
                   fmt::format("connecting to '{}' took too long", head_.authority),
                   {}});
    case Phase::Holding: return send();
    case Phase::Head:
      return fail(
          {ErrorCode::Timeout, fmt::format("'{}' did not answer in time", head_.authority), {}});
    case Phase::Body:
      return fail({ErrorCode::Timeout,
                   fmt::format("'{}' stopped sending or taking bytes", head_.authority),
                   {}});
    case Phase::Done:
    case Phase::Failed: return;
  }
}

}  // namespace unbolt::http
