#include "unbolt/http/deadlines.h"

#include <algorithm>
#include <ctime>

namespace unbolt::http {
namespace {

Deadlines::TimePoint coarse_now() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return Deadlines::TimePoint(std::chrono::seconds(time.tv_sec) +
                              std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace

void Deadlines::set(Entry& entry, std::chrono::nanoseconds from_now) {
  TimePoint now = coarse_now();
  entry.at_ = from_now < TimePoint::max() - now ? now + from_now : TimePoint::max();
  if (!entry.is_linked()) entries_.push_back(entry);
  if (entry.at_ < armed_) arm(entry.at_);
}

void Deadlines::remove(Entry& entry) {
  entry.unlink();
  entry.at_ = TimePoint::max();
  if (!entries_.empty()) return;
  armed_ = TimePoint::max();
  timer_.cancel();
}

void Deadlines::arm(TimePoint at) {
  armed_ = at;
  timer_.expires_at(at);
  timer_.async_wait([self = Ref<Deadlines>(this)](boost::system::error_code error) {
    if (!error) self->run();
  });
}

void Deadlines::run() {
  TimePoint now = coarse_now();
  armed_ = TimePoint::max();
  // The list may change below `on_deadline`: those that are due come first into a list of their
  // own.
  List due;
  TimePoint next = TimePoint::max();
  for (auto at = entries_.begin(); at != entries_.end();) {
    Entry& entry = *at++;
    if (entry.at_ > now) {
      next = std::min(next, entry.at_);
      continue;
    }
    entry.unlink();
    entry.at_ = TimePoint::max();
    due.push_back(entry);
  }
  if (next != TimePoint::max()) arm(std::max(next, now + grain_));
  while (!due.empty()) {
    Entry& entry = due.front();
    due.pop_front();
    entries_.push_back(entry);
    entry.on_deadline();
  }
}

}  // namespace unbolt::http
