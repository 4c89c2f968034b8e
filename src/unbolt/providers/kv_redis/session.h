// One connection to the server from its greeting to its end.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "unbolt/base/task.h"
#include "unbolt/providers/kv_redis/options.h"
#include "unbolt/providers/kv_redis/reply.h"

struct redisReader;

namespace unbolt::providers::redis {

// On the provider's loop, with all its tasks; they keep it alive. One task reads and one writes at
// a time.
class Session {
 public:
  // Connects, and says who we are and which database we use. Unavailable where the server cannot be
  // reached or does not answer within the timeout; Denied, NotFound as the server says.
  static Task<Result<std::shared_ptr<Session>>> open(const KvRedisOptions& options,
                                                     asio::ssl::context* tls);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // The next reply, also where it is an error of the server's.
  Task<Result<ReplyPtr>> read();
  // A reply that has arrived already; none where more must be read first.
  Result<ReplyPtr> arrived();
  Task<Result<>> write(std::span<const asio::const_buffer> buffers);
  // Ends what reads and writes, with an error.
  void close();

  // When bytes came last.
  std::chrono::steady_clock::time_point last_read() const { return last_read_; }

 private:
  using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
  struct FreeReader {
    void operator()(redisReader* reader) const;
  };

  Session(const KvRedisOptions& options, Executor loop);
  Task<Result<>> connect(asio::ssl::context* tls);
  Task<Result<>> greet();
  Error lost(const boost::system::error_code& why) const;

  const KvRedisOptions& options_;  // the client's
  Socket socket_;
  std::optional<asio::ssl::stream<Socket&>> tls_;
  std::unique_ptr<redisReader, FreeReader> reader_;
  std::vector<char> buffer_;
  std::chrono::steady_clock::time_point last_read_;
};

}  // namespace unbolt::providers::redis
