// Asking a server to end a statement, without waiting for its answer.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <libpq-fe.h>

namespace unbolt::providers::sql_postgres {

// The library's request blocks until the server has closed the connection that is made for it: it
// is sent from a thread of its own, which comes with the first request. A server that hangs keeps
// that thread, but nobody who waits for it: it is not joined.
class Canceller {
 public:
  using Sent = std::move_only_function<void()>;

  Canceller();
  ~Canceller();
  Canceller(const Canceller&) = delete;
  Canceller& operator=(const Canceller&) = delete;

  // `sent` runs on that thread when the server was told, or could not be; never where the canceller
  // is destroyed before.
  void cancel(PGconn* connection, Sent sent);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace unbolt::providers::sql_postgres
