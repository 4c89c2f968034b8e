#include "unbolt/providers/kv_redis/connection.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <utility>

namespace unbolt::providers::redis {
namespace {

using namespace std::chrono_literals;

// Between attempts to connect, doubled each time.
constexpr auto kFirstPause = 20ms;
constexpr auto kLongestPause = 1s;
// Sent together; a larger command goes from where it lies.
constexpr std::size_t kBatchBytes = 64 << 10;

void finish(Request& request, Result<ReplyPtr> outcome) {
  if (!request.resume) return;
  request.outcome = std::move(outcome);
  std::exchange(request.resume, nullptr)();
}

}  // namespace

Connection::Connection(const KvRedisOptions& options, asio::ssl::context* tls,
                       asio::io_context& loop, Log& log)
    : options_(options), tls_(tls), loop_(loop), log_(log), deadline_(loop) {}

void Connection::start(std::function<void(Result<>)> first) {
  first_ = std::move(first);
  started_ = true;
  asio::co_spawn(loop_, run(), asio::detached);
}

void Connection::submit(std::shared_ptr<Request> request) {
  if (!started_) start(nullptr);
  if (trouble_ && Clock::now() - trouble_since_ > options_.timeout)
    return finish(*request, std::unexpected(*trouble_));
  waiting_.push_back(std::move(request));
  begin_to_send();
  watch_deadlines();
}

Task<> Connection::run() {
  Timer pause_over(loop_);
  auto pause = kFirstPause;
  while (true) {
    auto opened = co_await Session::open(options_, tls_);
    Error why;
    if (opened) {
      if (first_) std::exchange(first_, nullptr)(Result<>());
      if (trouble_) log_.line(LogLevel::Info, "redis", "{} is back", options_.shown());
      trouble_.reset();
      session_ = std::move(*opened);
      pause = kFirstPause;
      begin_to_send();
      why = co_await receive(session_);
    } else {
      why = std::move(opened.error());
      if (first_) std::exchange(first_, nullptr)(std::unexpected(why));
    }
    lost(why);
    pause_over.expires_after(pause);
    boost::system::error_code ignored;
    co_await pause_over.async_wait(asio::redirect_error(use_task, ignored));
    pause = std::min<std::chrono::milliseconds>(pause * 2, kLongestPause);
  }
}

void Connection::lost(const Error& why) {
  if (!trouble_) {
    trouble_since_ = Clock::now();
    log_.line(LogLevel::Warn, "redis", "{}; connecting again", why.message);
  }
  trouble_ = why;
  if (session_) session_->close();
  session_.reset();
  for (auto& request : std::exchange(sent_, {})) {
    Error error = why;
    error.message += "; whether this call took effect is not known";
    finish(*request, std::unexpected(std::move(error)));
  }
}

Task<Error> Connection::receive(std::shared_ptr<Session> session) {
  while (true) {
    auto reply = co_await session->read();
    if (!reply) co_return std::move(reply.error());
    if (sent_.empty()) co_return unexpected_reply(options_.shown());
    answer(std::move(*reply));
  }
}

void Connection::answer(ReplyPtr reply) {
  auto request = std::move(sent_.front());
  sent_.pop_front();
  ReplyView view(reply.get());
  if (!view.is_error()) return finish(*request, std::move(reply));
  if (view.text().starts_with("NOSCRIPT") && request->command.is_script() && request->resume) {
    request->command.use_text();
    waiting_.push_front(std::move(request));
    return begin_to_send();
  }
  finish(*request, std::unexpected(error_of(view.text(), options_.shown())));
}

void Connection::begin_to_send() {
  if (sending_ || !session_ || waiting_.empty()) return;
  sending_ = true;
  asio::co_spawn(loop_, send(session_), asio::detached);
}

Task<> Connection::send(std::shared_ptr<Session> session) {
  std::string batch;
  while (session == session_ && !waiting_.empty()) {
    batch.clear();
    std::shared_ptr<Request> large;
    while (!waiting_.empty() && batch.size() < kBatchBytes && !large) {
      auto request = std::move(waiting_.front());
      waiting_.pop_front();
      const Command& command = request->command;
      if (command.size() < kBatchBytes) {
        batch.append(command.head()).append(command.tail());
      } else {
        batch.append(command.head());
        large = request;
      }
      sent_.push_back(std::move(request));
    }
    std::vector<asio::const_buffer> buffers = {asio::buffer(batch)};
    if (large) buffers.push_back(asio::buffer(large->command.tail()));
    auto written = co_await session->write(buffers);
    if (!written) session->close();  // who reads hears of it
  }
  sending_ = false;
  begin_to_send();
}

void Connection::watch_deadlines() {
  if (deadline_watched_ || (waiting_.empty() && sent_.empty())) return;
  auto next = Clock::time_point::max();
  for (const Queue* queue : {&waiting_, &sent_}) {
    if (!queue->empty()) next = std::min(next, queue->front()->deadline);
  }
  deadline_watched_ = true;
  // Not each call moves the timer: it looks again some time later.
  deadline_.expires_at(std::max(next, Clock::now() + 5ms));
  deadline_.async_wait([this](boost::system::error_code error) {
    if (error) return;
    deadline_watched_ = false;
    expire();
    watch_deadlines();
  });
}

void Connection::expire() {
  const auto now = Clock::now();
  while (!waiting_.empty() && waiting_.front()->deadline <= now) {
    Error error{ErrorCode::Timeout,
                fmt::format("{} did not take a call within {} ms", options_.shown(),
                            options_.timeout.count()),
                {}};
    finish(*waiting_.front(), std::unexpected(trouble_.value_or(error)));
    waiting_.pop_front();
  }
  bool late = false;
  for (auto& request : sent_) {
    if (request->deadline > now) break;
    late = true;
    finish(*request,
           fail(ErrorCode::Timeout,
                "{} did not answer within {} ms; whether this call took effect is not known",
                options_.shown(), options_.timeout.count()));
  }
  // A server that is merely slow still gets through its queue, one that hangs says nothing.
  if (late && session_ && now - session_->last_read() > options_.timeout) session_->close();
}

}  // namespace unbolt::providers::redis
