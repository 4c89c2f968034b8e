// The two streams of a TCP connection.
#pragma once

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "unbolt/wasi/sockets_network.h"
#include "unbolt/wasi/streams.h"

namespace unbolt::wasi {

// A connected socket. What the guest has of it holds it by way of a `TcpHold`; what was written and
// did not go yet leaves in the background, also when the guest has let go of everything: then for a
// bounded time.
class TcpConnection : public std::enable_shared_from_this<TcpConnection> {
 public:
  TcpConnection(std::shared_ptr<NativeSocket> socket, std::shared_ptr<InstanceNetwork> network);
  ~TcpConnection();
  TcpConnection(const TcpConnection&) = delete;
  TcpConnection& operator=(const TcpConnection&) = delete;

  // ---- Input. It is read from the system when the guest reads, into the instance's own buffer.
  void receive(std::size_t limit);
  ByteView received() const { return received_; }
  // It may have been shut since the bytes were given away.
  void consume(std::size_t size) {
    received_ = received_.subspan(std::min(size, received_.size()));
  }
  bool input_open() const { return !input_ended_; }
  bool input_ready();
  const std::optional<Error>& input_failure() const { return input_failure_; }
  Task<> wait_for_input() { return socket_->wait_readable(); }
  // What arrived and was not read is lost.
  void shut_input();

  // ---- Output. What the system does not take at once is kept, and nothing more is taken until it
  // has gone.
  std::size_t capacity() const;
  Result<> send(ByteView bytes);
  bool holds_back() const { return !rest_.empty(); }
  bool output_open() const { return !output_ended_; }
  const std::optional<Error>& output_failure() const { return output_failure_; }
  Task<> wait_for_output();
  // The peer sees the end of the stream after all that was written.
  void shut_output();

  // The guest has let go of it.
  void let_go();

 private:
  // How long the last bytes may take, all of them and each piece.
  static constexpr std::chrono::seconds kLinger{30}, kLingerForPiece{5};

  // 0 where it takes none now, and where it failed.
  std::size_t send_now(ByteView bytes);
  void send_rest_later();
  void send_rest();
  void drop_rest();
  void output_failed(int error);
  void linger_on();

  std::shared_ptr<NativeSocket> socket_;
  std::shared_ptr<InstanceNetwork> network_;

  ByteView received_;
  bool input_ended_ = false;
  std::optional<Error> input_failure_;

  Bytes rest_;  // written by the guest and not taken by the system yet
  std::size_t rest_sent_ = 0;
  bool output_ended_ = false, shut_when_sent_ = false;
  std::optional<Error> output_failure_;
  std::optional<Timer> rest_gone_;  // while somebody waits for that
  std::optional<Timer> linger_;     // once the guest has let go
  Timer::time_point linger_end_;
};

// The guest's share of a connection.
class TcpHold {
 public:
  explicit TcpHold(std::shared_ptr<TcpConnection> connection)
      : connection_(std::move(connection)) {}
  ~TcpHold() { connection_->let_go(); }
  TcpHold(const TcpHold&) = delete;
  TcpHold& operator=(const TcpHold&) = delete;
  TcpConnection* operator->() const { return connection_.get(); }

 private:
  std::shared_ptr<TcpConnection> connection_;
};

std::shared_ptr<Source> tcp_source(std::shared_ptr<TcpHold> hold);
// The output ends when it goes.
std::shared_ptr<Sink> tcp_sink(std::shared_ptr<TcpHold> hold);

}  // namespace unbolt::wasi
