// Many deadlines, one timer. Setting one costs a read of the coarse clock and two stores.
#pragma once

#include <chrono>

#include "unbolt/http/turn_end.h"

namespace unbolt::http {

// One a loop and server or client. A deadline is noticed up to `grain` (and the coarse clock's 4
// ms) late.
class Deadlines : public Counted<Deadlines> {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // Leaves the list when it is destroyed.
  class Entry : public boost::intrusive::list_base_hook<
                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    virtual void on_deadline() = 0;

   protected:
    ~Entry() = default;

   private:
    friend Deadlines;
    TimePoint at_ = TimePoint::max();
  };

  Deadlines(Executor loop, std::chrono::nanoseconds grain)
      : timer_(std::move(loop)), grain_(grain) {}

  // Replaces the entry's deadline.
  void set(Entry& entry, std::chrono::nanoseconds from_now);
  void clear(Entry& entry) { entry.at_ = TimePoint::max(); }
  // Takes the entry out; when the last is gone the timer no longer keeps the loop running.
  void remove(Entry& entry);

 private:
  using List = boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>>;

  void arm(TimePoint at);
  void run();

  Timer timer_;
  const std::chrono::nanoseconds grain_;
  TimePoint armed_ = TimePoint::max();
  List entries_;
};

}  // namespace unbolt::http
