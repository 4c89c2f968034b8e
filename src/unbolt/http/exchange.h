// One request of the client and its response.
#pragma once

#include <boost/asio/cancellation_signal.hpp>

#include "unbolt/http/client_core.h"
#include "unbolt/http/connector.h"
#include "unbolt/http/head_parser.h"
#include "unbolt/http/incoming_body.h"
#include "unbolt/http/outgoing_body.h"

namespace unbolt::http {

// Kept by the handles that the caller holds (the exchange, the response's body) and by the
// coroutine that connects.
class Exchange final : public Counted<Exchange>,
                       private Channel::Listener,
                       private IncomingBody::Owner,
                       private OutgoingBody::Owner,
                       private TurnEnd::Item,
                       private Deadlines::Entry {
 public:
  Exchange(Ref<ClientCore> client, RequestHead head, ClientTimeouts timeouts, Origin origin);
  ~Exchange();

  Result<> start();
  OutgoingBody& request_body() { return request_body_; }
  IncomingBody& response_body() { return response_body_; }
  Task<Result<ResponseHead>> response_head();

  // The caller lets go of the exchange, or of the response's body.
  void drop_exchange();
  void drop_response_body();
  // The response's body was read from: has it ended?
  void on_body_read();

 private:
  enum class Phase : std::uint8_t { Connecting, Holding, Head, Body, Done, Failed };

  static Task<> connect(Ref<Exchange> self);
  void connect_anew();
  void connected();
  void read_head();
  void begin_body();
  bool retry();
  void release();
  void fail(Error error);
  void send();
  void watch_body();

  void on_input() override;
  void on_output() override;
  void on_body_wait() override;
  void on_flush_wanted() override;
  void on_abort() override;
  void on_turn_end() override;
  void on_deadline() override;

  const Ref<ClientCore> client_;
  const RequestHead head_;
  const ClientTimeouts timeouts_;
  const Origin origin_;
  const std::string key_;
  Ref<Channel> channel_;
  OutgoingBody request_body_;
  IncomingBody response_body_;
  HeadParser parser_;
  ResponseHead response_;
  Error error_;
  Phase phase_ = Phase::Connecting;
  bool reused_ = false;  // a connection that was idle
  bool taken_ = false;   // the response
  bool keep_alive_ = false;
  asio::cancellation_signal cancel_;
  Waiter response_waiter_;
};

}  // namespace unbolt::http
