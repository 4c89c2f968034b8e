// What the connections of one server share.
#pragma once

#include <boost/intrusive/list.hpp>

#include <algorithm>

#include "unbolt/http/deadlines.h"
#include "unbolt/http/head_format.h"
#include "unbolt/http/server.h"
#include "unbolt/http/turn_end.h"

namespace unbolt::http {

class Connection;

// A connection's place in the list of all; it leaves when the connection is destroyed.
using ConnectionHook =
    boost::intrusive::list_base_hook<boost::intrusive::tag<Connection>,
                                     boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

// Kept by the server and by each connection, so that a server may go first.
struct ServerCore : Counted<ServerCore> {
  // Told when a connection is gone; null once the server is.
  class Watcher {
   public:
    virtual void on_connection_gone() = 0;

   protected:
    ~Watcher() = default;
  };

  ServerCore(Executor loop, Handler& handler, const ServerLimits& limits, Log& log)
      : loop(loop),
        handler(handler),
        limits(checked(limits)),
        log(log),
        turns(new TurnEnd(loop)),
        deadlines(new Deadlines(loop, std::chrono::milliseconds(100))) {}

  static ServerLimits checked(ServerLimits limits) {
    limits.body_buffer_bytes = std::max<std::size_t>(limits.body_buffer_bytes, 1024);
    return limits;
  }

  const Executor loop;
  Handler& handler;
  const ServerLimits limits;
  Log& log;
  const Ref<TurnEnd> turns;
  const Ref<Deadlines> deadlines;
  DateLine date;
  bool stopping = false;
  Watcher* watcher = nullptr;
  std::size_t connections = 0;
};

}  // namespace unbolt::http
