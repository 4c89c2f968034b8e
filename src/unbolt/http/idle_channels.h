// Connections of the client that wait for another request.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>

#include "unbolt/http/channel.h"
#include "unbolt/http/deadlines.h"

namespace unbolt::http {

// One a client. Each idle connection is read from, so that it goes as soon as its server closes it.
class IdleChannels {
 public:
  IdleChannels(Ref<Deadlines> deadlines, std::size_t most_per_key,
               std::chrono::nanoseconds timeout);
  ~IdleChannels();

  // `channel` has nothing unread and nothing unsent. Closes the oldest where there are too many.
  void put(const std::string& key, Ref<Channel> channel);
  // The one that was used last, or null. Those that turn out to be dead are dropped on the way.
  Ref<Channel> take(const std::string& key);
  void clear();

 private:
  class Idle;
  using Queue = std::deque<std::unique_ptr<Idle>>;

  void drop(Idle& idle);

  const Ref<Deadlines> deadlines_;
  const std::size_t most_per_key_;
  const std::chrono::nanoseconds timeout_;
  std::unordered_map<std::string, Queue> channels_;
};

}  // namespace unbolt::http
