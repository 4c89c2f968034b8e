// What is to be done once the coroutine that runs now has come to rest.
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include "unbolt/base/task.h"

namespace unbolt::http {

template <class T>
using Ref = boost::intrusive_ptr<T>;
// Counted without atomics: what derives from it never leaves its loop.
template <class T>
using Counted = boost::intrusive_ref_counter<T, boost::thread_unsafe_counter>;

// One a loop and server. One posted completion serves all that were added in the meantime.
class TurnEnd : public Counted<TurnEnd> {
 public:
  // Leaves the list when it is destroyed.
  class Item : public boost::intrusive::list_base_hook<
                   boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    virtual void on_turn_end() = 0;

   protected:
    ~Item() = default;
  };

  explicit TurnEnd(Executor loop) : loop_(std::move(loop)) {}

  // Nothing where it is listed already.
  void add(Item& item);

 private:
  using List = boost::intrusive::list<Item, boost::intrusive::constant_time_size<false>>;

  void run();

  Executor loop_;
  List items_;
  bool posted_ = false;
};

}  // namespace unbolt::http
