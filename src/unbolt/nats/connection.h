// A connection to a NATS server, shared by all loops.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/log.h"
#include "unbolt/base/task.h"
#include "unbolt/nats/message.h"
#include "unbolt/nats/options.h"

namespace unbolt::nats {

using Time = std::chrono::steady_clock::time_point;

class Subscriber;

// Thread-safe. Reconnects for ever: while it is cut off, what is to be sent waits for its deadline
// and requests under way fail with ConnectionClosed. What is answered later is answered on the loop
// of the one who awaits it. The last pointer is let go in the blocking pool, for closing waits a
// moment for what is still to be sent.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // Blocks. Denied (password, token), Unavailable, Timeout, InvalidArgument (files of TLS); never
  // with a secret in the message.
  static Result<std::shared_ptr<Connection>> open(const Options& options, Log& log,
                                                  BlockingPool& blocking);
  virtual ~Connection() = default;

  // Ends when the server has the message. LimitExceeded where it takes none so large or too much
  // waits to be sent; Unavailable while it is cut off, Timeout.
  virtual Task<Result<>> publish(Outgoing message, Time deadline) = 0;
  // The first answer, of whatever status but 503: that is NotFound, nobody listens. `reply_to` is
  // set here. ConnectionClosed: the answer was lost, whatever became of the request.
  virtual Task<Result<Incoming>> request(Outgoing message, Time deadline) = 0;
  // Nobody waits. Dropped where it could not be sent for as long as an operation may take.
  virtual void send(Outgoing message) = 0;
  // Ends when the server has all that was sent before.
  virtual Task<Result<>> flush(Time deadline) = 0;

  // On the library's threads, one message after the other; must not block.
  using OnMessage = std::function<void(Incoming)>;
  // Blocks until the server knows of it. `group` empty: none.
  virtual Result<std::unique_ptr<Subscriber>> subscribe(const std::string& subject,
                                                        const std::string& group,
                                                        OnMessage on_message) = 0;

  // Called about four times a second, on a thread of the connection, as long as `owner` lives; must
  // not block.
  virtual void tick(std::weak_ptr<void> owner, std::function<void()> work) = 0;

  // Of a message with its headers; as the server says.
  virtual std::size_t max_payload() const = 0;
  virtual bool connected() const = 0;
  // Changes with each reconnection.
  virtual std::uint64_t generation() const = 0;
  // Cut off now, or until a moment ago: what is not there may come back.
  virtual bool unsettled() const = 0;
  // A subject below which nobody else listens.
  virtual std::string new_inbox() = 0;

  const Options& options() const { return options_; }
  Log& log() const { return log_; }
  BlockingPool& blocking() const { return blocking_; }
  // When an operation that begins now is to end.
  Time deadline() const { return std::chrono::steady_clock::now() + options_.timeout; }

 protected:
  Connection(const Options& options, Log& log, BlockingPool& blocking)
      : options_(options), log_(log), blocking_(blocking) {}

 private:
  const Options options_;
  Log& log_;
  BlockingPool& blocking_;
};

// One subscription. Dropping it ends it; `on_message` may run once more meanwhile, and what it
// holds is let go after that.
class Subscriber {
 public:
  virtual ~Subscriber() = default;
  // Asks for no more; what the server has sent until then is still handed over. `then` runs
  // afterwards, on any thread; at the latest after `timeout`. Once.
  virtual void drain(std::chrono::milliseconds timeout, std::move_only_function<void()> then) = 0;
};

}  // namespace unbolt::nats
