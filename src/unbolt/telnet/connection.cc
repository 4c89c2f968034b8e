#include "unbolt/telnet/connection.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace unbolt::telnet {
namespace {

using contracts::TelnetEnd;
using contracts::TelnetEvent;

constexpr std::chrono::milliseconds kEscapeTime{50};  // a key's sequence comes at once
constexpr auto kNever = Timer::time_point::max();

std::string shown(const asio::ip::tcp::endpoint& endpoint) {
  const auto address = endpoint.address();
  return fmt::format(fmt::runtime(address.is_v6() ? "[{}]:{}" : "{}:{}"), address.to_string(),
                     endpoint.port());
}

Task<> wait_at(Timer& timer) {
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(use_task, ignored));
}

}  // namespace

bool Connection::Bucket::take(double amount) {
  const auto now = Clock::now();
  left = std::min(most, left + std::chrono::duration<double>(now - at).count() * a_second);
  at = now;
  left -= amount;
  return left >= 0;
}

Connection::Connection(Socket socket, const Limits& limits, Log& log)
    : socket_(std::move(socket)),
      limits_(limits),
      log_(log),
      protocol_(static_cast<Receiver&>(*this)),
      bytes_{static_cast<double>(limits.burst_bytes), static_cast<double>(limits.burst_bytes),
             static_cast<double>(limits.bytes_a_second)},
      commands_{static_cast<double>(limits.burst_commands),
                static_cast<double>(limits.burst_commands),
                static_cast<double>(limits.commands_a_second)},
      has_event_(socket_.get_executor(), kNever),
      has_room_(socket_.get_executor(), kNever),
      has_output_(socket_.get_executor(), kNever),
      may_receive_(socket_.get_executor(), kNever),
      tick_(socket_.get_executor(), kNever) {
  boost::system::error_code error;
  const auto endpoint = socket_.remote_endpoint(error);
  if (!error) peer_ = shown(endpoint);
}

void Connection::start() {
  protocol_.begin();
  const auto run = [&](Task<> (Connection::*task)()) {
    asio::co_spawn(
        socket_.get_executor(),
        [](std::shared_ptr<Connection> self, Task<> (Connection::*body)()) -> Task<> {
          co_await (self.get()->*body)();
        }(shared_from_this(), task),
        asio::detached);
  };
  flush();
  run(&Connection::receive);
  run(&Connection::send);
  run(&Connection::watch);
}

void Connection::stop_from_anywhere() {
  asio::post(socket_.get_executor(), [self = shared_from_this()] {
    self->finish(TelnetEnd::Stopping, "the host ends this session");
  });
}

void Connection::on_end(std::function<void()> then) {
  if (end_) return then();
  on_end_ = std::move(then);
}

// ---- what comes in

// Also what is typed after the end is read, and dropped: the kernel would reset a connection that
// is closed with input waiting, and the client would not see the last words.
Task<> Connection::receive() {
  std::array<std::uint8_t, 4096> buffer;
  for (;;) {
    if (!over() && events_.size() >= limits_.queued_events) {
      co_await wait_at(may_receive_);
      continue;
    }
    boost::system::error_code error;
    const std::size_t size = co_await socket_.async_read_some(
        asio::buffer(buffer), asio::redirect_error(use_task, error));
    if (error) break;
    if (over()) continue;
    const auto commands = protocol_.commands();
    protocol_.take({buffer.data(), size});
    if (!bytes_.take(static_cast<double>(size))) {
      finish(TelnetEnd::Flooded, "too much input");
    } else if (!commands_.take(static_cast<double>(protocol_.commands() - commands))) {
      finish(TelnetEnd::Flooded, "this client negotiates without end");
    } else if (line_too_long_) {
      finish(TelnetEnd::Flooded, "this line is too long");
    }
    flush();
    if (!events_.empty()) has_event_.cancel();
    tick_.cancel();
  }
  finish(TelnetEnd::HungUp, {});
  hang_up();
}

void Connection::data(ByteView bytes) {
  if (end_) return;
  typed_at_ = Clock::now();
  if (!typing_.take(bytes, typed_)) line_too_long_ = true;
  escape_at_.reset();
  if (typing_.escape_pending()) escape_at_ = typed_at_ + kEscapeTime;
  take_typed();
}

void Connection::resized(Size size) {
  if (size_ == size) return;
  size_ = size;
  // Only the last one counts.
  std::erase_if(events_, [](const auto& e) { return std::holds_alternative<Size>(e); });
  events_.push_back(size);
}

void Connection::interrupted() { events_.push_back(contracts::TelnetInterrupt{}); }

// ---- what goes out

void Connection::flush() {
  out_ += protocol_.answers();
  protocol_.answers().clear();
  if (!out_.empty()) has_output_.cancel();
}

Task<> Connection::send() {
  for (;;) {
    if (out_.empty()) {
      if (over()) break;
      co_await wait_at(has_output_);
      continue;
    }
    const std::string batch = std::exchange(out_, {});
    for (std::size_t sent = 0; sent < batch.size();) {
      sending_since_ = Clock::now();
      tick_.cancel();
      boost::system::error_code error;
      sent +=
          co_await socket_.async_write_some(asio::buffer(batch.data() + sent, batch.size() - sent),
                                            asio::redirect_error(use_task, error));
      sending_since_.reset();
      if (!error) continue;
      out_.clear();
      finish(TelnetEnd::HungUp, {});
      hang_up();
      co_return;
    }
    has_room_.cancel();
  }
  boost::system::error_code ignored;
  socket_.shutdown(Socket::shutdown_send, ignored);
  sent_all_ = true;
  tick_.cancel();
}

Reply<Connection::Written> Connection::write(std::string_view text) {
  if (end_) return Written(std::unexpected(*end_));
  if (closed_) return Written(std::unexpected(TelnetEnd::HungUp));
  Protocol::encode(text, out_);
  flush();
  if (out_.size() <= limits_.written_bytes) return Written{};
  return write_later();
}

Task<Connection::Written> Connection::write_later() {
  const auto busy = std::exchange(busy_since_, std::nullopt);
  while (!over() && out_.size() > limits_.written_bytes) co_await wait_at(has_room_);
  if (busy) busy_since_ = Clock::now();
  if (end_) co_return std::unexpected(*end_);
  co_return Written{};
}

// ---- the component

void Connection::set_mode(contracts::TelnetMode mode) {
  if (over()) return;
  typing_.set_mode(mode, typed_);
  take_typed();
  protocol_.set_mode(mode);
  flush();
}

std::optional<Connection::Read> Connection::next() {
  if (!events_.empty()) {
    TelnetEvent event = std::move(events_.front());
    events_.pop_front();
    may_receive_.cancel();
    return Read(std::move(event));
  }
  if (end_) return Read(std::unexpected(*end_));
  if (closed_) return Read(std::unexpected(TelnetEnd::HungUp));
  return std::nullopt;
}

Reply<Connection::Read> Connection::read(std::optional<std::chrono::milliseconds> patience) {
  if (auto ready = next()) {
    busy_since_ = Clock::now();
    return std::move(*ready);
  }
  std::optional<Clock::time_point> until;
  if (patience) until = Clock::now() + *patience;
  return read_later(until);
}

Task<Connection::Read> Connection::read_later(std::optional<Clock::time_point> until) {
  busy_since_.reset();
  for (;;) {
    if (auto ready = next()) {
      busy_since_ = Clock::now();
      co_return std::move(*ready);
    }
    if (until && Clock::now() >= *until) {
      busy_since_ = Clock::now();
      co_return TelnetEvent(contracts::TelnetElapsed{});
    }
    has_event_.expires_at(until.value_or(kNever));
    co_await wait_at(has_event_);
  }
}

void Connection::say(std::string_view text) {
  Protocol::encode(fmt::format("\n{}\n", text), out_);
  flush();
}

void Connection::close() {
  if (over()) return;
  closed_ = true;
  over_at_ = Clock::now();
  wake_all();
}

// ---- its end

void Connection::finish(TelnetEnd end, std::string_view farewell) {
  if (over()) return;
  end_ = end;
  over_at_ = Clock::now();
  if (!farewell.empty()) {
    log_.line(end == TelnetEnd::Flooded ? LogLevel::Warn : LogLevel::Info, "telnet", "{}: {}",
              peer_, farewell);
    // What negotiates without end is not answered any more.
    protocol_.answers().clear();
    say(farewell);
  }
  // Who does not read needs no word.
  if (end == TelnetEnd::Stalled || end == TelnetEnd::HungUp) hang_up();
  wake_all();
  if (auto then = std::exchange(on_end_, nullptr)) then();
}

void Connection::hang_up() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  out_.clear();
  wake_all();
}

void Connection::wake_all() {
  for (Timer* timer : {&has_event_, &has_room_, &has_output_, &may_receive_, &tick_})
    timer->cancel();
}

void Connection::take_typed() {
  for (TelnetEvent& event : typed_) events_.push_back(std::move(event));
  typed_.clear();
}

// What is due at some time.
Task<> Connection::watch() {
  while (socket_.is_open()) {
    const auto now = Clock::now();
    auto due = kNever;
    // Whether `at` has come; else it is waited for.
    const auto is_due = [&](Clock::time_point at) {
      if (now < at) due = std::min(due, at);
      return now >= at;
    };
    if (sending_since_ && is_due(*sending_since_ + limits_.stalled)) {
      finish(TelnetEnd::Stalled, "the client does not read");
      hang_up();
    } else if (sent_all_ && is_due(over_at_ + limits_.farewell)) {
      hang_up();
    } else if (!over() && is_due(typed_at_ + limits_.idle)) {
      finish(TelnetEnd::Idle, "nothing was typed for too long: goodbye");
    } else if (escape_at_ && is_due(*escape_at_)) {
      escape_at_.reset();
      typing_.escape_is_over(typed_);
      take_typed();
      has_event_.cancel();
    } else {
      tick_.expires_at(due);
      co_await wait_at(tick_);
    }
  }
}

}  // namespace unbolt::telnet
