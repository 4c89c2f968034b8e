// What the exchanges of one client share.
#pragma once

#include <boost/asio/ssl/context.hpp>

#include <memory>

#include "unbolt/http/client.h"
#include "unbolt/http/idle_channels.h"

namespace unbolt::http {

// Kept by the client and by each exchange, so that the client may go first.
struct ClientCore : Counted<ClientCore> {
  ClientCore(Executor loop, ClientOptions options)
      : loop(loop),
        options(std::move(options)),
        turns(new TurnEnd(loop)),
        deadlines(new Deadlines(loop, std::chrono::milliseconds(5))),
        idle(deadlines, this->options.max_idle_per_host, this->options.idle_timeout) {}

  const Executor loop;
  const ClientOptions options;
  const Ref<TurnEnd> turns;
  const Ref<Deadlines> deadlines;
  IdleChannels idle;
  bool closed = false;                      // the client is gone: connections are not kept
  std::unique_ptr<asio::ssl::context> tls;  // made for the first https request
};

}  // namespace unbolt::http
