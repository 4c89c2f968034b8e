// Where work that may block runs: on other threads, or here where a loop has nobody else to serve.
#pragma once

#include <type_traits>
#include <utility>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/reply.h"

namespace unbolt {

// A value; the pool outlives its users.
class Blocking {
 public:
  // At once, on the thread of the caller: for a loop that serves one command alone.
  static Blocking here() { return Blocking(nullptr); }
  static Blocking on(BlockingPool& pool) { return Blocking(&pool); }

  bool at_once() const { return pool_ == nullptr; }

  // The answer of `work` (not void). What it borrows must live until the reply is taken; see
  // `BlockingPool::run`.
  template <class Work>
  Reply<std::invoke_result_t<Work&>> run(Work work) const {
    if (!pool_) return work();
    return pool_->run(std::move(work));
  }
  // Runs `work` (`void() noexcept`), which nobody waits for.
  template <class Work>
  void post(Work work) const {
    if (!pool_) return work();
    pool_->post(std::move(work));
  }

 private:
  explicit Blocking(BlockingPool* pool) : pool_(pool) {}
  BlockingPool* pool_;
};

}  // namespace unbolt
