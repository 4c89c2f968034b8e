#include "unbolt/mqtt/session.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

#include "unbolt/contracts/text.h"

namespace unbolt::mqtt {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::uint64_t kTurn = 32;
constexpr milliseconds kGoodbye{1000};
constexpr milliseconds kHeldCheck{1000};
constexpr milliseconds kFirstPause{20}, kLongestPause{5000};
// Two that want the same session do not take it from each other all the time.
constexpr milliseconds kStandBy{20'000};
// A connection that lasted so long was a good one.
constexpr std::chrono::seconds kSettled{5};

// Clients that lost the same broker do not come back all at once.
milliseconds jittered(milliseconds pause) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<std::int64_t> part(pause.count() / 2, pause.count());
  return milliseconds(part(random));
}

Error refusal(std::string what, std::uint8_t reason, std::string_view why) {
  std::string message = std::move(what) + reason_text(reason);
  if (!why.empty()) message += ": " + contracts::printable(why, 200);
  Error error{reason_code(reason), std::move(message), {}};
  if (error.code == ErrorCode::Denied)
    error.hint = "is the user with the password in the URL one that the broker knows?";
  if (reason == 0x84 || reason == 0x01) error.hint = "Unbolt speaks version 5 of MQTT";
  return error;
}

}  // namespace

void Session::start(std::weak_ptr<User> user) {
  user_ = std::move(user);
  asio::co_spawn(loop_, run(shared_from_this()), asio::detached);
}

Task<> Session::run(std::shared_ptr<Session> self) {
  milliseconds pause = kFirstPause;
  while (!self->stopping_) {
    self->stream_ = std::make_shared<Stream>(self->loop_);
    self->greeted_ = self->held_ = false;
    const auto begun = Clock::now();
    const Error why = co_await self->connect_and_read();
    self->stream_->close();
    self->connected_ = false;
    self->outgoing_.clear();
    self->unsent_ = 0;
    if (self->stopping_) break;
    auto user = self->user_.lock();
    if (!user) break;
    user->lost(why);
    user.reset();
    if (self->greeted_ && Clock::now() - begun > kSettled) pause = kFirstPause;
    self->pause_.expires_after(std::exchange(self->taken_over_, false) ? kStandBy
                                                                       : jittered(pause));
    co_await self->pause_.async_wait(asio::as_tuple(use_task));
    pause = std::min(2 * pause, kLongestPause);
  }
}

Task<> Session::close_after(std::weak_ptr<Stream> stream, milliseconds after) {
  Timer timer(co_await asio::this_coro::executor, after);
  co_await timer.async_wait(use_task);
  if (auto alive = stream.lock()) alive->close();
}

Task<Error> Session::connect_and_read() {
  const auto& options = shared_->options;
  const auto stream = stream_;
  refused_.clear();
  auto late = std::make_shared<bool>(false);
  auto timer = std::make_shared<Timer>(loop_, options.timeout);
  timer->async_wait([weak = std::weak_ptr(stream), late](boost::system::error_code error) {
    const auto alive = weak.lock();
    if (error || !alive) return;
    *late = true;
    alive->close();
  });
  Decoder decoder(options.maximum_packet);
  auto ready = co_await stream->connect(options, shared_->tls.get());
  Result<Connack> connack =
      ready ? co_await greet(decoder) : Result<Connack>(std::unexpected(std::move(ready).error()));
  timer->cancel();
  if (*late) {
    co_return Error{
        ErrorCode::Unavailable,
        fmt::format("{} does not answer within {} ms", options.shown(), options.timeout.count()),
        "is it running, and reachable from here?"};
  }
  if (!connack) co_return std::move(connack).error();
  connected_ = greeted_ = true;
  pings_ = pongs_ = 0;
  heard_ = Clock::now();
  auto every = std::chrono::duration_cast<milliseconds>(options.keep_alive);
  if (connack->keep_alive && *connack->keep_alive > 0)
    every = std::min<milliseconds>(every, std::chrono::seconds(*connack->keep_alive));
  asio::co_spawn(loop_, keep_alive(weak_from_this(), stream, every / 2), asio::detached);
  if (stopping_) {
    stop(End::Keep);
  } else if (auto user = user_.lock()) {
    user->connected(*connack);
  }
  while (true) {
    while (held_ && !stopping_) {
      resume_.expires_after(kHeldCheck);
      co_await resume_.async_wait(asio::as_tuple(use_task));
      heard_ = Clock::now();
    }
    auto packet = co_await read_packet(decoder);
    if (!packet) co_return std::move(packet).error();
    if (std::holds_alternative<Pong>(*packet)) {
      if (pongs_ == pings_) {
        co_return Error{ErrorCode::ProtocolError,
                        options.shown() + " broke the protocol: an answer that nobody asked for",
                        {}};
      }
      ++pongs_;
    }
    if (const auto* end = std::get_if<Disconnect>(&*packet)) {
      taken_over_ = end->reason == reason::kSessionTakenOver;
      co_return refusal(options.shown() + " ended the connection: ", end->reason, end->why);
    }
    auto user = user_.lock();
    if (!user || stopping_) continue;  // until the goodbye is sent
    user->received(std::move(*packet));
    if (!refused_.empty()) {
      co_return Error{
          ErrorCode::ProtocolError, options.shown() + " broke the protocol: " + refused_, {}};
    }
  }
}

Task<Result<Connack>> Session::greet(Decoder& decoder) {
  const auto& options = shared_->options;
  const Connect connect{.client = wanted_.client,
                        .user = options.server.user,
                        .password = options.server.password,
                        .clean_start = wanted_.clean_start,
                        .keep_alive = static_cast<std::uint16_t>(options.keep_alive.count()),
                        .session_expiry = wanted_.session_expiry,
                        .receive_maximum = wanted_.receive_maximum,
                        .maximum_packet = options.maximum_packet};
  const std::string text = encode(connect);
  const asio::const_buffer buffer = asio::buffer(text);
  auto sent = co_await stream_->write({&buffer, 1});
  if (!sent) co_return std::unexpected(std::move(sent).error().in(options.shown()));
  auto packet = co_await read_packet(decoder);
  if (!packet) co_return std::unexpected(std::move(packet).error());
  if (auto* connack = std::get_if<Connack>(&*packet)) {
    if (connack->reason == 0) co_return std::move(*connack);
    co_return std::unexpected(
        refusal(options.shown() + " lets nobody in: ", connack->reason, connack->why));
  }
  co_return fail(ErrorCode::ProtocolError, "{} does not begin as an MQTT broker does",
                 options.shown());
}

Task<Result<Packet>> Session::read_packet(Decoder& decoder) {
  buffer_.resize(kReadBytes);
  while (true) {
    auto packet = decoder.next();
    if (!packet) {
      co_return std::unexpected(
          std::move(packet).error().in(shared_->options.shown() + " broke the protocol"));
    }
    if (*packet) {
      heard_ = Clock::now();
      // Those who answer to what came have their turn, and the answers go out.
      if (++read_ % kTurn == 0) co_await asio::post(loop_, use_task);
      co_return std::move(**packet);
    }
    auto size = co_await stream_->read(asio::buffer(buffer_));
    if (!size) co_return std::unexpected(std::move(size).error().in(shared_->options.shown()));
    decoder.feed(ByteView(buffer_).first(*size));
    heard_ = Clock::now();
  }
}

void Session::send(std::string packet) {
  if (!connected_ || goodbye_said_) return;
  unsent_ += packet.size();
  outgoing_.push_back(std::move(packet));
  if (std::exchange(writing_, true)) return;
  asio::co_spawn(loop_, write(shared_from_this(), stream_), asio::detached);
}

Task<> Session::write(std::shared_ptr<Session> self, std::shared_ptr<Stream> stream) {
  constexpr std::size_t kAtOnce = 256;
  std::vector<std::string> packets;
  std::vector<asio::const_buffer> buffers;
  while (self->stream_ == stream && !self->outgoing_.empty()) {
    packets.clear();
    buffers.clear();
    while (!self->outgoing_.empty() && packets.size() < kAtOnce) {
      packets.push_back(std::move(self->outgoing_.front()));
      self->outgoing_.pop_front();
    }
    std::size_t size = 0;
    for (const auto& packet : packets) {
      buffers.push_back(asio::buffer(packet));
      size += packet.size();
    }
    const auto sent = co_await stream->write(buffers);
    if (!sent) {
      stream->close();
      break;
    }
    if (self->stream_ == stream) self->unsent_ -= std::min(size, self->unsent_);
  }
  self->writing_ = false;
  if (self->stream_ != stream && self->connected_ && !self->outgoing_.empty()) {
    self->writing_ = true;
    asio::co_spawn(self->loop_, write(self, self->stream_), asio::detached);
  }
}

std::uint64_t Session::ping() {
  if (!connected_ || goodbye_said_) return pings_;
  send(encode_ping());
  return ++pings_;
}

Task<> Session::keep_alive(std::weak_ptr<Session> weak, std::weak_ptr<Stream> of,
                           milliseconds every) {
  Timer timer(co_await asio::this_coro::executor);
  while (true) {
    timer.expires_after(every);
    co_await timer.async_wait(use_task);
    const auto self = weak.lock();
    const auto stream = of.lock();
    if (!self || !stream || self->stream_ != stream || !self->connected_) co_return;
    if (!self->held_ && Clock::now() - self->heard_ > 3 * every) {
      stream->close();
      co_return;
    }
    self->ping();
  }
}

void Session::go_on() {
  if (std::exchange(held_, false)) resume_.cancel();
}

void Session::stop(End end) {
  stopping_ = true;
  pause_.cancel();
  resume_.cancel();
  if (!stream_) return;
  if (!connected_) return stream_->close();
  send(encode_disconnect(end == End::Forget));
  goodbye_said_ = true;
  // The broker closes the connection. Were we to, with something unread, what we sent could be
  // lost.
  asio::co_spawn(loop_, close_after(stream_, kGoodbye), asio::detached);
}

void Session::refuse(std::string why) { refused_ = std::move(why); }

}  // namespace unbolt::mqtt
