#include "unbolt/providers/kv_redis/subscription.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include "unbolt/providers/kv_redis/command.h"
#include "unbolt/providers/kv_redis/names.h"

namespace unbolt::providers::redis {
namespace {

using namespace std::chrono_literals;
using contracts::KeyChange;

constexpr auto kFirstPause = 20ms;
constexpr auto kLongestPause = 1s;

std::string text_of(Command command) {
  command.end();
  return std::string(command.head()).append(command.tail());
}

}  // namespace

std::optional<ChangeMessage> ChangeMessage::read(std::string_view text) {
  constexpr std::size_t kHead = 5;
  if (text.size() < kHead) return std::nullopt;
  auto number = [&](std::size_t at) {
    return std::size_t{static_cast<unsigned char>(text[at])} << 8 |
           static_cast<unsigned char>(text[at + 1]);
  };
  std::size_t bucket = number(1), key = number(3);
  if (text.size() - kHead < bucket + key) return std::nullopt;
  return ChangeMessage{text[0], text.substr(kHead, bucket), text.substr(kHead + bucket, key),
                       text.substr(kHead + bucket + key)};
}

void Subscription::ready(Ready then) {
  if (stands_) return then(Result<>());
  asked_.push_back(std::move(then));
  if (started_) return;
  started_ = true;
  asio::co_spawn(loop_, run(), asio::detached);
}

void Subscription::tell(const Result<>& outcome) {
  for (Ready& then : std::exchange(asked_, {})) then(outcome);
}

Task<> Subscription::run() {
  Timer pause_over(loop_);
  auto pause = kFirstPause;
  while (true) {
    auto session = co_await Session::open(options_, tls_);
    Result<> ended;
    if (session) {
      pause = kFirstPause;
      ended = co_await listen(*session);
    } else {
      ended = std::unexpected(std::move(session.error()));
    }
    stands_ = false;
    values_.reset();
    tell(ended);
    pause_over.expires_after(pause);
    boost::system::error_code ignored;
    co_await pause_over.async_wait(asio::redirect_error(use_task, ignored));
    pause = std::min<std::chrono::milliseconds>(pause * 2, kLongestPause);
  }
}

// Until the connection is lost.
Task<Result<>> Subscription::listen(std::shared_ptr<Session> session) {
  // A server that hangs does not hold up those who ask; later it is silent while nothing changes.
  Timer deadline(loop_, options_.timeout);
  deadline.async_wait([weak = std::weak_ptr(session)](boost::system::error_code error) {
    auto late = weak.lock();
    if (!error && late) late->close();
  });
  std::string subscribe = text_of(std::move(Command("SUBSCRIBE").add(Names(options_).channel())));
  asio::const_buffer buffer = asio::buffer(subscribe);
  auto sent = co_await session->write({&buffer, 1});
  if (!sent) co_return sent;
  while (true) {
    auto reply = co_await session->read();
    if (!reply) co_return std::unexpected(std::move(reply.error()));
    ReplyView view(reply->get());
    if (view.is_error()) co_return std::unexpected(error_of(view.text(), options_.shown()));
    if (view.size() != 3 || !view[0].is_text())
      co_return std::unexpected(unexpected_reply(options_.shown()));
    if (view[0].text() == "subscribe") {
      deadline.cancel();
      stands_ = true;
      watchers_.missed();  // those of the connection before this one
      tell(Result<>());
    } else if (view[0].text() == "message" && view[2].is_text()) {
      auto reported = co_await report(view[2].text());
      if (!reported) co_return reported;
    }
  }
}

// What others publish there is left aside.
Task<Result<>> Subscription::report(std::string_view text) {
  auto message = ChangeMessage::read(text);
  if (!message || !watchers_.any(message->bucket)) co_return Result<>();
  KeyChange change{KeyChange::Kind::Set, std::string(message->bucket), std::string(message->key),
                   nullptr};
  if (message->kind == 'd') {
    change.kind = KeyChange::Kind::Deleted;
  } else if (message->kind == 's') {
    change.value = std::make_shared<const Bytes>(to_bytes(as_bytes(message->value)));
  } else if (message->kind == 'f') {
    auto fetched = co_await fetch(change);
    if (!fetched) co_return fetched;
    if (!change.value) co_return Result<>();  // deleted since then, which is reported next
  } else {
    co_return Result<>();
  }
  watchers_.report(change);
  co_return Result<>();
}

Task<Result<>> Subscription::fetch(KeyChange& change) {
  if (!values_) {
    auto opened = co_await Session::open(options_, tls_);
    if (!opened) co_return std::unexpected(std::move(opened.error()));
    values_ = std::move(*opened);
  }
  auto session = values_;
  // A server that hangs does not hold up the loss of the connection.
  Timer deadline(loop_, options_.timeout);
  deadline.async_wait([weak = std::weak_ptr(session)](boost::system::error_code error) {
    auto late = weak.lock();
    if (!error && late) late->close();
  });
  std::string get = text_of(
      std::move(Command("HGET").add(Names(options_).values(change.bucket)).add(change.key)));
  asio::const_buffer buffer = asio::buffer(get);
  auto sent = co_await session->write({&buffer, 1});
  if (!sent) co_return sent;
  auto reply = co_await session->read();
  if (!reply) co_return std::unexpected(std::move(reply.error()));
  ReplyView view(reply->get());
  if (view.is_error()) co_return std::unexpected(error_of(view.text(), options_.shown()));
  if (view.is_text()) change.value = std::make_shared<const Bytes>(to_bytes(as_bytes(view.text())));
  co_return Result<>();
}

}  // namespace unbolt::providers::redis
