// One revision of a component with its links, as it is served: what a swap puts in the place of
// another.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "unbolt/host/component_pool.h"
#include "unbolt/host/watch_invocation.h"

namespace unbolt::host {

// What became of a deployment's calls. Each loop writes its own line, anyone reads; outlives the
// deployment.
class Tally {
 public:
  struct alignas(64) OfLoop {
    std::atomic<std::uint64_t> begun = 0, ended = 0, failed = 0;
  };

  explicit Tally(std::size_t loops) : loops_(loops) {}

  OfLoop& of(std::size_t loop) { return loops_[loop]; }
  std::uint64_t begun() const { return sum(&OfLoop::begun); }
  std::uint64_t failed() const { return sum(&OfLoop::failed); }
  std::uint64_t in_flight() const { return sum(&OfLoop::begun) - sum(&OfLoop::ended); }

  // Runs `then` once the last call has ended and what served it is gone; on any thread, at once
  // where that is so already.
  void when_gone(std::move_only_function<void()> then);
  bool is_gone() const;

 private:
  friend class Deployment;
  std::uint64_t sum(std::atomic<std::uint64_t> OfLoop::* count) const;
  void gone();

  std::vector<OfLoop> loops_;
  mutable std::mutex mutex_;
  bool is_gone_ = false;
  std::vector<std::move_only_function<void()>> then_;
};

// One call: counted from its beginning to its end. On the loop of `line`.
class Counted {
 public:
  explicit Counted(Tally::OfLoop& line) : line_(line) { add(line_.begun); }
  ~Counted() { add(line_.ended); }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;
  void failed() { add(line_.failed); }

 private:
  // One thread writes, so no locked instruction is needed.
  static void add(std::atomic<std::uint64_t>& count) {
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  Tally::OfLoop& line_;
};

// Immutable once published. Every loop pins it as long as it serves with it; the last pin takes it
// away, with the providers that nobody else has.
class Deployment {
 public:
  explicit Deployment(std::shared_ptr<Tally> tally) : end_{std::move(tally)} {}

  Tally& tally() const { return *end_.tally; }

 private:
  struct End {
    std::shared_ptr<Tally> tally;
    ~End() { tally->gone(); }
  };
  // The first member is destroyed last: after the providers have been let go.
  End end_;

 public:
  ServedComponent served;
  std::string revision;              // the digest of its file
  std::vector<std::string> callees;  // the components that its links lead to
  // Its handlers; null where it exports none.
  const component::ExportedFunc* http = nullptr;
  const component::ExportedFunc* messages = nullptr;
  std::optional<Watcher> watcher;
  const component::ExportedFunc* telnet = nullptr;
};

}  // namespace unbolt::host
