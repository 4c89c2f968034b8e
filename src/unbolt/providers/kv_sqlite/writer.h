// The one writer of a file: a queue, a thread, and one transaction for all that waits in the queue.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "unbolt/base/suspend.h"
#include "unbolt/providers/kv_sqlite/connection.h"

namespace unbolt::providers::sqlite {

// Group commit: while one transaction is being synced to the disk, the next writes gather; then
// they share the next one. A write is answered only when its transaction is on the disk.
class Writer {
 public:
  // One write inside a transaction; a failure leaves no trace of it (several statements need a
  // `Savepoint`). It may run twice, the first time's effect having been rolled back.
  using Apply = std::function<Result<std::uint64_t>(Connection&)>;

  explicit Writer(std::unique_ptr<Connection> connection);
  // By then nobody waits for an answer.
  ~Writer();

  // Runs on the writer's thread when the write is on the disk, before it is answered; in the order
  // in which writes took effect.
  using Committed = std::function<void(std::uint64_t outcome)>;

  // `bytes`: what the write holds in memory. LimitExceeded where too much waits already. The writer
  // outlives the task.
  Task<Result<std::uint64_t>> write(Apply apply, Committed committed, std::size_t bytes);

 private:
  // In the frame of the task that waits for it.
  struct Write {
    Apply apply;
    Committed committed;
    std::size_t bytes;
    Result<std::uint64_t> outcome = 0;
  };
  struct Waiting {
    Write* write;
    Resume resume;
  };

  void work();
  std::vector<Waiting> take_group();
  Result<std::uint64_t> apply(Write& write);
  void commit(std::span<Waiting> group);
  enum class Retry { No, OneByOne };
  Retry commit_together(std::span<Waiting> group);

  std::unique_ptr<Connection> connection_;  // the thread's
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Waiting> queue_;
  std::size_t queued_bytes_ = 0;
  bool stopping_ = false;
  std::thread thread_;
};

// Statements that belong together inside a transaction: undone unless `keep` was called.
class Savepoint {
 public:
  explicit Savepoint(Connection& connection)
      : connection_(connection), begun_(connection.run("SAVEPOINT together")) {}
  ~Savepoint();
  Savepoint(const Savepoint&) = delete;
  Savepoint& operator=(const Savepoint&) = delete;

  const Result<>& begun() const { return begun_; }
  Result<> keep();

 private:
  Connection& connection_;
  Result<> begun_;
  bool kept_ = false;
};

}  // namespace unbolt::providers::sqlite
