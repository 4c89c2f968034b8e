// One connection to the server from its greeting to its end.
#pragma once

#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "unbolt/base/task.h"
#include "unbolt/postgres/options.h"
#include "unbolt/postgres/result.h"
#include "unbolt/postgres/statement.h"

namespace unbolt::postgres {

struct Notification {
  std::string payload;
};

// On the provider's loop, with all its tasks; they keep it alive. One task uses it at a time, but
// for `close`.
class Session {
 public:
  // Connects and has every statement end at the server when the timeout has passed. Unavailable
  // where the server cannot be reached or does not answer within the timeout; Denied, NotFound as
  // it says. `error_of` says what a failed statement means. The options outlive the session.
  static Task<Result<std::shared_ptr<Session>>> open(const ServerOptions& options,
                                                     ErrorOf error_of);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Statements without parameters and rows, as one transaction.
  Task<Result<>> run(std::string sql);
  // `statement` outlives the session. Parameters live until the task has ended.
  Task<Result<Rows>> run(const Statement& statement, const Parameters& parameters);

  // Sends with one of the library's functions, called by `send`, which returns what that did, and
  // gives each result to `take`, failures among them, which may close the session. An error where
  // the connection was lost. Both live until the task has ended.
  using Send = std::function<int(PGconn*)>;
  using Take = std::function<void(ResultPtr)>;
  Task<Result<>> ask(const Send& send, const Take& take);

  // The library keeps a result whole until all of it is there. One that has more bytes than this,
  // and some MiB that may be read at once, is given up: LimitExceeded, and the session is closed.
  // Without it there is no limit.
  void limit_result(std::uint64_t bytes) { max_result_ = bytes; }

  // For the library's functions that neither send nor wait.
  PGconn* handle() const { return connection_.get(); }

  // What was told since the last call, in its order.
  std::vector<Notification> notifications();
  // Until something is told, `interrupt` is called or the session is closed.
  Task<Result<>> wait_for_notifications();
  void interrupt();

  // Whether the connection still stands, as far as is known without asking.
  bool usable();
  // Whether so much went through that its buffers should go.
  bool is_large() const { return is_large_; }
  void note_bytes(std::size_t bytes);
  // Ends what waits, with an error.
  void close();

 private:
  using Descriptor = asio::posix::basic_stream_descriptor<Executor>;
  enum class Ready { Read, Write };
  struct Finish {
    void operator()(PGconn* connection) const;
  };

  Session(const ServerOptions& options, ErrorOf error_of, Executor loop);
  static void notice(void* session, const PGresult* result);
  Task<Result<>> connect();
  Task<bool> wait(Ready ready);  // false: closed
  // The last result with rows, or the first failure.
  Task<Result<Rows>> rows(const Send& send);
  Error lost();
  // Until the next result is there.
  Task<Result<>> receive();

  const ServerOptions& options_;  // the client's
  const ErrorOf error_of_;
  std::unique_ptr<PGconn, Finish> connection_;
  Descriptor descriptor_;  // borrows the connection's socket
  std::set<std::string, std::less<>> prepared_;
  std::uint64_t max_result_ = std::numeric_limits<std::uint64_t>::max();
  bool closed_ = false, is_large_ = false, listening_ = false;
};

}  // namespace unbolt::postgres
