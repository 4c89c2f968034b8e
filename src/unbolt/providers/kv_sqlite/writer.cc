#include "unbolt/providers/kv_sqlite/writer.h"

#include <pthread.h>

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

namespace unbolt::providers::sqlite {
namespace {

// Of one transaction: larger ones gain nothing, and make the first in them wait.
constexpr std::size_t kGroupWrites = 1024;
constexpr std::size_t kGroupBytes = 16 << 20;
constexpr std::size_t kQueuedBytes = 256 << 20;

}  // namespace

Writer::Writer(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)), thread_([this] { work(); }) {
  pthread_setname_np(thread_.native_handle(), "kv_sqlite");
}

Writer::~Writer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

Task<Result<std::uint64_t>> Writer::write(Apply apply, Committed committed, std::size_t bytes) {
  Write write{std::move(apply), std::move(committed), bytes};
  {
    std::lock_guard lock(mutex_);
    if (!queue_.empty() && queued_bytes_ + bytes > kQueuedBytes) {
      co_return fail(ErrorCode::LimitExceeded,
                     "{} bytes wait to be written: the disk does not keep up", queued_bytes_);
    }
  }
  co_await suspend([&](Resume resume) {
    std::lock_guard lock(mutex_);
    queued_bytes_ += bytes;
    queue_.push_back({&write, std::move(resume)});
    wake_.notify_one();
  });
  co_return std::move(write.outcome);
}

void Writer::work() {
  while (true) {
    std::vector<Waiting> group = take_group();
    if (group.empty()) return;
    commit(group);
    for (Waiting& waiting : group) {
      if (waiting.write->outcome) waiting.write->committed(*waiting.write->outcome);
      waiting.resume();
    }
  }
}

// Waits for writes; none when it is time to end.
std::vector<Writer::Waiting> Writer::take_group() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
  std::size_t count = 0, bytes = 0;
  while (count < std::min(queue_.size(), kGroupWrites) && bytes < kGroupBytes)
    bytes += queue_[count++].write->bytes;
  auto end = queue_.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<Waiting> group(std::make_move_iterator(queue_.begin()), std::make_move_iterator(end));
  queue_.erase(queue_.begin(), end);
  queued_bytes_ -= bytes;
  return group;
}

// The thread's root: exhaustion ends the write, not the program.
Result<std::uint64_t> Writer::apply(Write& write) {
  try {
    return write.apply(*connection_);
  } catch (const std::exception& failure) {
    return fail(ErrorCode::LimitExceeded, "a write to the database failed: {}", failure.what());
  }
}

void Writer::commit(std::span<Waiting> group) {
  if (commit_together(group) == Retry::No) return;
  for (Waiting& waiting : group) commit_together({&waiting, 1});
}

// Where the disk or the limit is full, one large write must not take the small ones down with it:
// each alone then. After any other failure of the transaction all of them have failed.
Writer::Retry Writer::commit_together(std::span<Waiting> group) {
  Result<> done = connection_->run("BEGIN IMMEDIATE");
  if (done) {
    for (auto& [write, resume] : group) {
      write->outcome = apply(*write);
      // SQLite rolls everything back by itself after some failures.
      if (!connection_->in_transaction()) {
        done = std::unexpected(write->outcome ? connection_->last_error() : write->outcome.error());
        break;
      }
    }
  }
  if (done) done = connection_->run("COMMIT");
  if (done) return Retry::No;
  if (connection_->in_transaction()) (void)connection_->run("ROLLBACK");
  if (group.size() > 1 && done.error().code == ErrorCode::LimitExceeded) return Retry::OneByOne;
  for (auto& [write, resume] : group) write->outcome = std::unexpected(done.error());
  return Retry::No;
}

Savepoint::~Savepoint() {
  if (kept_ || !begun_ || !connection_.in_transaction()) return;
  (void)connection_.run("ROLLBACK TO together");
  (void)connection_.run("RELEASE together");
}

Result<> Savepoint::keep() {
  auto released = connection_.run("RELEASE together");
  kept_ = released.has_value();
  return released;
}

}  // namespace unbolt::providers::sqlite
