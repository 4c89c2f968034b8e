// Carrying objects from one blob store to another, piece by piece.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unbolt/base/within.h"
#include "unbolt/contracts/blob_store.h"
#include "unbolt/contracts/handover.h"

namespace unbolt::contracts {

// One task at a time, on one loop. Both stores outlive it. No more than a piece of an object is in
// memory here. Times of creation are not carried.
class BlobCopier {
 public:
  using Clock = std::chrono::steady_clock;

  BlobCopier(BlobStore& from, BlobStore& to, const CopyLimits& limits)
      : from_(from), to_(to), limits_(limits) {}

  // Runs after each object, on the loop.
  void on_progress(std::function<void(const CopyCounts&)> progress) {
    progress_ = std::move(progress);
  }
  const CopyCounts& counts() const { return counts_; }
  // It never rests: its pieces are few, and each waits for a disk or a network.
  void pace(CopyPace) {}
  // The containers are counted anew.
  void begin_pass() { counts_.buckets = 0; }

  // Whether `to` holds a container.
  Task<Result<bool>> target_holds_keys();
  // Whether both lead to the same data: a container that is made in one of them for a moment is
  // seen in the other.
  Task<Result<bool>> same_store();
  // Removes the containers and objects that only `to` holds.
  Task<Result<>> remove_stale();
  // Copies every container, and every object, that `from` holds all along.
  Task<Result<>> copy_all();
  // Makes these objects in `to` what they are in `from`. The empty name, which no object has, is
  // the container itself: whether it is there, and nothing stale in it.
  Task<Result<>> copy_keys(std::string_view container, std::span<const std::string> objects,
                           Clock::time_point deadline = Clock::time_point::max());
  // One object. NotFound where `to` has no such container.
  Task<Result<>> copy_object(BlobName name, Clock::time_point deadline);

 private:
  template <class T>
  Task<Result<T>> ask(Reply<Result<T>> reply, Clock::time_point deadline);
  Task<Result<>> make_container(std::string_view container, Clock::time_point deadline);
  Task<Result<>> remove_container(std::string_view container, Clock::time_point deadline);
  Task<Result<>> remove_stale_objects(std::string_view container, Clock::time_point deadline);
  Task<> rest();

  BlobStore& from_;
  BlobStore& to_;
  const CopyLimits limits_;
  CopyCounts counts_;
  std::function<void(const CopyCounts&)> progress_;
};

}  // namespace unbolt::contracts
