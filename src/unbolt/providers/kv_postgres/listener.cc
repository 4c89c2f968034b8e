#include "unbolt/providers/kv_postgres/listener.h"

#include <openssl/evp.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <chrono>
#include <utility>

#include "unbolt/providers/kv_postgres/errors.h"

namespace unbolt::providers::kv_postgres {
namespace {

using namespace std::chrono_literals;
using contracts::KeyChange;
using Clock = std::chrono::steady_clock;

constexpr auto kFirstPause = 20ms;
constexpr auto kLongestPause = 1s;
// How often the server hears that we listen still; it believes so for a minute.
constexpr auto kSayAgain = 15s;
constexpr auto kBelieved = 50s;

std::optional<std::string> from_base64(std::string_view text) {
  std::string joined(text);
  std::erase(joined, '\n');
  if (joined.size() % 4 != 0) return std::nullopt;
  std::string bytes(joined.size() / 4 * 3, '\0');
  int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                             reinterpret_cast<const unsigned char*>(joined.data()),
                             static_cast<int>(joined.size()));
  if (size < 0) return std::nullopt;
  std::size_t padding = 0;
  while (padding < 2 && joined.size() > padding && joined[joined.size() - 1 - padding] == '=')
    ++padding;
  bytes.resize(static_cast<std::size_t>(size) - padding);
  return bytes;
}

}  // namespace

std::optional<ToldChange> ToldChange::read(std::string_view payload) {
  std::size_t colon = payload.find(':');
  if (payload.empty() || colon == payload.npos || colon == 0) return std::nullopt;
  auto bucket = from_base64(payload.substr(1, colon - 1));
  auto key = from_base64(payload.substr(colon + 1));
  if (!bucket || !key || (payload[0] != 's' && payload[0] != 'd')) return std::nullopt;
  return ToldChange{payload[0], std::move(*bucket), std::move(*key)};
}

void Listener::ready(Ready then) {
  if (stands_) return then(Result<>());
  asked_.push_back(std::move(then));
  if (started_) return;
  started_ = true;
  asio::co_spawn(loop_, run(), asio::detached);
}

void Listener::tell(const Result<>& outcome) {
  for (Ready& then : std::exchange(asked_, {})) then(outcome);
}

Task<> Listener::run() {
  Timer pause_over(loop_);
  auto pause = kFirstPause;
  while (true) {
    auto session = co_await Session::open(options_, error_of);
    Result<> ended;
    if (session) {
      pause = kFirstPause;
      ended = co_await listen(*session);
    } else {
      ended = std::unexpected(std::move(session.error()));
    }
    stands_ = false;
    tell(ended);
    pause_over.expires_after(pause);
    boost::system::error_code ignored;
    co_await pause_over.async_wait(asio::redirect_error(use_task, ignored));
    pause = std::min<std::chrono::milliseconds>(pause * 2, kLongestPause);
  }
}

// Until the connection is lost, or closed since the server does not answer.
Task<Result<>> Listener::listen(std::shared_ptr<Session> session) {
  // Closes the session where a statement of ours is not answered.
  Timer alarm(loop_);
  auto close_after = [&](std::chrono::milliseconds time) {
    alarm.expires_after(time);
    alarm.async_wait([weak = std::weak_ptr(session)](boost::system::error_code error) {
      auto late = weak.lock();
      if (!error && late) late->close();
    });
  };
  close_after(options_.timeout + 500ms);
  auto listening = co_await session->run(statements_.listen);
  if (!listening) co_return listening;
  auto said = Clock::now();
  stands_ = true;
  watchers_.missed();  // those of the connection before this one
  tell(Result<>());
  while (true) {
    for (const Notification& notification : session->notifications()) {
      close_after(options_.timeout + 500ms);
      auto reported = co_await report(*session, notification);
      if (!reported) co_return reported;
    }
    if (Clock::now() - said >= kSayAgain) {
      if (Clock::now() - said > kBelieved) watchers_.missed();  // we were held up
      close_after(options_.timeout + 500ms);
      auto again = co_await session->run(statements_.listen_on, Parameters());
      if (!again) co_return std::unexpected(std::move(again.error()));
      said = Clock::now();
      continue;
    }
    // Not `close_after`: this wait may be long, and ends without a fault.
    alarm.expires_at(said + kSayAgain);
    alarm.async_wait([weak = std::weak_ptr(session)](boost::system::error_code error) {
      auto waiting = weak.lock();
      if (!error && waiting) waiting->interrupt();
    });
    auto told = co_await session->wait_for_notifications();
    alarm.cancel();
    if (!told) co_return told;
  }
}

Task<Result<>> Listener::report(Session& session, const Notification& notification) {
  auto told = ToldChange::read(notification.payload);
  if (!told || !watchers_.any(told->bucket)) co_return Result<>();
  KeyChange change{KeyChange::Kind::Deleted, std::move(told->bucket), std::move(told->key),
                   nullptr};
  if (told->kind == 's') {
    Parameters wanted;
    wanted.add(change.bucket).add(StoredKey(change.key).key);
    auto rows = co_await session.run(statements_.get, wanted);
    if (!rows) co_return std::unexpected(std::move(rows.error()));
    if (rows->count() == 0) co_return Result<>();  // deleted since then, which is told next
    change.kind = KeyChange::Kind::Set;
    change.value = std::make_shared<const Bytes>(to_bytes(as_bytes(rows->bytes(0, 0))));
  }
  watchers_.report(change);
  co_return Result<>();
}

}  // namespace unbolt::providers::kv_postgres
