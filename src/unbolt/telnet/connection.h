// One telnet session on its socket: its bounds, its times, and its end.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unbolt/base/log.h"
#include "unbolt/base/task.h"
#include "unbolt/contracts/telnet.h"
#include "unbolt/telnet/protocol.h"
#include "unbolt/telnet/typing.h"

namespace unbolt::telnet {

struct Limits {
  std::chrono::milliseconds idle{600'000};    // without anything typed
  std::chrono::milliseconds stalled{30'000};  // without anything read by the client
  std::chrono::milliseconds farewell{2'000};  // from the end until the component has to have left
  std::size_t sessions = 1'000;               // of a listener
  // What a client may send at once and from then on, a second: bytes, and commands.
  std::size_t burst_bytes = 256 << 10, bytes_a_second = 64 << 10;
  std::size_t burst_commands = 256, commands_a_second = 8;
  std::size_t queued_events = 256;       // that nobody read: the socket waits from then on
  std::size_t written_bytes = 64 << 10;  // on their way: the component waits from then on
};

// Bound to its loop; kept alive by its own tasks and by who holds the session.
class Connection final : public contracts::TelnetSession,
                         public std::enable_shared_from_this<Connection>,
                         private Receiver {
 public:
  using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;

  // `log` outlives it.
  Connection(Socket socket, const Limits& limits, Log& log);

  // Begins to read and write.
  void start();
  // From any thread: the session is over, and the component is told so.
  void stop_from_anywhere();

  const Limits& limits() const { return limits_; }
  bool ended() const { return end_.has_value(); }
  // Called once when the session has an end that the component did not make. On the loop.
  void on_end(std::function<void()> then);

  const std::string& peer() const override { return peer_; }
  const std::string& terminal() const override { return terminal_; }
  std::optional<contracts::TelnetSize> size() const override { return size_; }
  void set_mode(contracts::TelnetMode mode) override;
  Reply<Read> read(std::optional<std::chrono::milliseconds> patience) override;
  Reply<Written> write(std::string_view text) override;
  void close() override;
  // A line of the host's own, in front of the end.
  void say(std::string_view text);

  // Since when the component has computed, without waiting for the client; none: it waits.
  std::optional<std::chrono::steady_clock::time_point> busy_since() const { return busy_since_; }

 private:
  using Clock = std::chrono::steady_clock;

  // So much at once, so much a second.
  struct Bucket {
    double left;
    double most, a_second;
    Clock::time_point at = Clock::now();
    bool take(double amount);
  };

  Task<> receive();
  Task<> send();
  Task<> watch();
  Task<Read> read_later(std::optional<Clock::time_point> until);
  Task<Written> write_later();
  void finish(contracts::TelnetEnd end, std::string_view farewell);
  void flush();
  std::optional<Read> next();
  bool over() const { return end_ || closed_; }
  void hang_up();
  void wake_all();
  void take_typed();

  void data(ByteView bytes) override;
  void resized(Size size) override;
  void interrupted() override;
  void erased_character() override { typing_.erase_character(); }
  void erased_line() override { typing_.erase_line(); }
  void terminal(std::string name) override { terminal_ = std::move(name); }

  Socket socket_;
  const Limits limits_;
  Log& log_;
  std::string peer_, terminal_;
  std::optional<contracts::TelnetSize> size_;
  Protocol protocol_;
  Typing typing_;
  std::vector<contracts::TelnetEvent> typed_;
  std::deque<contracts::TelnetEvent> events_;
  std::string out_;      // to be written
  bool closed_ = false;  // by the component: what is written is sent, and that is all
  std::optional<contracts::TelnetEnd> end_;
  std::function<void()> on_end_;
  Bucket bytes_, commands_;
  bool line_too_long_ = false;
  bool sent_all_ = false;
  Clock::time_point typed_at_ = Clock::now(), over_at_{};
  std::optional<Clock::time_point> sending_since_;  // without a byte that left
  std::optional<Clock::time_point> escape_at_;
  std::optional<Clock::time_point> busy_since_ = Clock::now();
  // Each is what one task waits at.
  Timer has_event_, has_room_, has_output_, may_receive_, tick_;
};

}  // namespace unbolt::telnet
