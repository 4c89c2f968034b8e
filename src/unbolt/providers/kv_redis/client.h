// The server, as the provider's functions see it: commands in, replies out, from any thread.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/io_thread.h"
#include "unbolt/providers/kv_redis/connection.h"
#include "unbolt/providers/kv_redis/scripts.h"
#include "unbolt/providers/kv_redis/subscription.h"

namespace unbolt::providers::redis {

// Shared by the provider and by every call in flight. Its connections live on a thread of its own.
class Client {
 public:
  // Blocks until the server has answered. Unavailable, Denied, NotFound: with what to do. Closed in
  // `blocking`, which outlives it.
  static Result<std::shared_ptr<Client>> open(const KvRedisOptions& options, Log& log,
                                              BlockingPool& blocking);
  ~Client();

  // The reply, which is no error. LimitExceeded where too many wait already; Timeout, Unavailable,
  // or what the server's error means.
  static Task<Result<ReplyPtr>> call(std::shared_ptr<Client> self, Command command);

  // From the answer on, the texts that are published on the channel. See Subscription.
  static Task<Result<>> subscribe(std::shared_ptr<Client> self);
  contracts::KeyWatchers& watchers() { return subscription_->watchers(); }

  const KvRedisOptions& options() const { return options_; }
  const Scripts& scripts() const { return scripts_; }

 private:
  explicit Client(const KvRedisOptions& options);

  Result<> connect();
  Result<std::shared_ptr<void>> admit(std::size_t bytes);
  void enqueue(std::shared_ptr<Request> request);
  void take_inbox();

  struct Waiting {
    std::atomic<std::size_t> calls = 0, bytes = 0;
  };

  const KvRedisOptions options_;
  const Scripts scripts_;
  std::unique_ptr<asio::ssl::context> tls_;
  std::shared_ptr<Waiting> admitted_ = std::make_shared<Waiting>();
  std::mutex mutex_;
  std::vector<std::shared_ptr<Request>> inbox_;  // for the thread
  IoThread io_{"kv_redis"};
  std::vector<std::unique_ptr<Connection>> connections_;  // the thread's
  std::unique_ptr<Subscription> subscription_;            // the thread's
};

}  // namespace unbolt::providers::redis
