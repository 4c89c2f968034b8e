#include "unbolt/http/turn_end.h"

#include <boost/asio/post.hpp>

namespace unbolt::http {

void TurnEnd::add(Item& item) {
  if (item.is_linked()) return;
  items_.push_back(item);
  if (posted_) return;
  posted_ = true;
  asio::post(loop_, [self = Ref<TurnEnd>(this)] { self->run(); });
}

void TurnEnd::run() {
  posted_ = false;
  List items;
  items.swap(items_);
  while (!items.empty()) {
    Item& item = items.front();
    items.pop_front();
    item.on_turn_end();
  }
}

}  // namespace unbolt::http
