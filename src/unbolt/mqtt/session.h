// One client of a broker: a connection that is made anew whenever it is lost.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "unbolt/base/log.h"
#include "unbolt/base/task.h"
#include "unbolt/mqtt/options.h"
#include "unbolt/mqtt/packets.h"
#include "unbolt/mqtt/stream.h"

namespace unbolt::mqtt {

// What the sessions of a provider share; outlives them.
struct Shared {
  const Options options;
  const std::unique_ptr<asio::ssl::context> tls;
  Log& log;
};

// Everything on one loop, but for the constructor. Lives until it has ended, whoever holds it.
class Session : public std::enable_shared_from_this<Session> {
 public:
  // Told what happens, on the loop.
  class User {
   public:
    virtual ~User() = default;
    virtual void connected(const Connack& connack) = 0;
    virtual void received(Packet packet) = 0;
    // The connection was lost, or could not be made; it is tried again.
    virtual void lost(const Error& why) = 0;
  };
  struct Wanted {
    std::string client;
    bool clean_start = false;
    std::uint32_t session_expiry = 0;
    std::uint16_t receive_maximum = 65'535;
  };

  Session(std::shared_ptr<const Shared> shared, asio::io_context& loop, Wanted wanted,
          std::shared_ptr<void> place)
      : shared_(std::move(shared)),
        loop_(loop.get_executor()),
        wanted_(std::move(wanted)),
        place_(std::move(place)) {}

  void start(std::weak_ptr<User> user);
  // Not kept for the next connection where this one is lost, or there is none.
  void send(std::string packet);
  // Asks the broker for a sign of life; the number of the question. A broker answers in order.
  std::uint64_t ping();
  std::uint64_t pongs() const { return pongs_; }
  bool connected() const { return connected_; }
  // Bytes that the socket has not taken.
  std::size_t unsent() const { return unsent_; }

  // Sends what is to be sent, within a second, says goodbye and ends. `Forget`: the broker drops
  // what it keeps for us.
  enum class End : std::uint8_t { Keep, Forget };
  void stop(End end);
  // Reads no more, until `go_on`: what the broker still sends waits there.
  void hold() { held_ = true; }
  void go_on();
  // Ends the connection because the broker broke the protocol; another is made.
  void refuse(std::string why);

 private:
  using Clock = std::chrono::steady_clock;

  static Task<> run(std::shared_ptr<Session> self);
  Task<Error> connect_and_read();
  Task<Result<Connack>> greet(Decoder& decoder);
  Task<Result<Packet>> read_packet(Decoder& decoder);
  static Task<> write(std::shared_ptr<Session> self, std::shared_ptr<Stream> stream);
  static Task<> keep_alive(std::weak_ptr<Session> weak, std::weak_ptr<Stream> of,
                           std::chrono::milliseconds every);
  static Task<> close_after(std::weak_ptr<Stream> stream, std::chrono::milliseconds after);

  const std::shared_ptr<const Shared> shared_;
  const Executor loop_;
  const Wanted wanted_;
  const std::shared_ptr<void> place_;  // dropped when the session has ended
  std::weak_ptr<User> user_;
  std::shared_ptr<Stream> stream_;
  Timer pause_{loop_}, resume_{loop_};
  Bytes buffer_;
  std::deque<std::string> outgoing_;
  std::size_t unsent_ = 0;
  bool writing_ = false, connected_ = false, stopping_ = false, goodbye_said_ = false;
  bool taken_over_ = false, greeted_ = false, held_ = false;
  std::string refused_;
  std::uint64_t pings_ = 0, pongs_ = 0, read_ = 0;
  Clock::time_point heard_{};
};

}  // namespace unbolt::mqtt
