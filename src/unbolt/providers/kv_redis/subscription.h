// Hearing of changes: a connection that listens to a channel of the server's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unbolt/contracts/key_watchers.h"
#include "unbolt/providers/kv_redis/session.h"

namespace unbolt::providers::redis {

// What scripts publish: 's' (set), 'd' (deleted) or 'f' (set to what is too large to be told), the
// lengths of the bucket's name and of the key (two bytes each, the higher first), both, the value.
struct ChangeMessage {
  char kind;
  std::string_view bucket, key, value;  // in `text`

  static std::optional<ChangeMessage> read(std::string_view text);
};

// On the provider's loop; destroyed when that has stopped. Connects when it is first asked to, and
// again whenever the connection is lost: watchers hear then that they may have missed changes.
//
// The server keeps what is not read yet, and ends the connection where that is too much (its option
// client-output-buffer-limit pubsub): the watchers hear of that, too.
class Subscription {
 public:
  using Ready = std::move_only_function<void(Result<>)>;

  Subscription(const KvRedisOptions& options, asio::ssl::context* tls, asio::io_context& loop)
      : options_(options), tls_(tls), loop_(loop) {}

  contracts::KeyWatchers& watchers() { return watchers_; }

  // `then` hears when the subscription stands, or that it does not within the timeout.
  void ready(Ready then);

 private:
  Task<> run();
  Task<Result<>> listen(std::shared_ptr<Session> session);
  Task<Result<>> report(std::string_view message);
  Task<Result<>> fetch(contracts::KeyChange& change);
  void tell(const Result<>& outcome);

  const KvRedisOptions& options_;
  asio::ssl::context* const tls_;
  asio::io_context& loop_;
  contracts::KeyWatchers watchers_;
  std::shared_ptr<Session> values_;  // fetches what was not told; null where there is none yet
  bool started_ = false, stands_ = false;
  std::vector<Ready> asked_;
};

}  // namespace unbolt::providers::redis
