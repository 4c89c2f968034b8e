// Hearing of changes: a connection that listens to a channel of the server's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unbolt/contracts/key_watchers.h"
#include "unbolt/postgres/session.h"
#include "unbolt/providers/kv_postgres/options.h"
#include "unbolt/providers/kv_postgres/statements.h"

namespace unbolt::providers::kv_postgres {

using postgres::Notification;
using postgres::Session;

// What is told of a change: who it was, but not the value, since a notification has at most 8,000
// bytes.
struct ToldChange {
  char kind;  // 's' set, 'd' deleted
  std::string bucket, key;

  static std::optional<ToldChange> read(std::string_view payload);
};

// On the provider's loop; destroyed when that has stopped. Connects when it is first asked to, and
// again whenever the connection is lost: watchers hear then that they may have missed changes. The
// server keeps what is not fetched yet.
class Listener {
 public:
  using Ready = std::move_only_function<void(Result<>)>;

  Listener(const KvPostgresOptions& options, const Statements& statements, asio::io_context& loop)
      : options_(options), statements_(statements), loop_(loop) {}

  contracts::KeyWatchers& watchers() { return watchers_; }

  // `then` hears when changes are told, or that it cannot be within the timeout.
  void ready(Ready then);

 private:
  Task<> run();
  Task<Result<>> listen(std::shared_ptr<Session> session);
  Task<Result<>> report(Session& session, const Notification& notification);
  void tell(const Result<>& outcome);

  const KvPostgresOptions& options_;
  const Statements& statements_;
  asio::io_context& loop_;
  contracts::KeyWatchers watchers_;
  bool started_ = false, stands_ = false;
  std::vector<Ready> asked_;
};

}  // namespace unbolt::providers::kv_postgres
