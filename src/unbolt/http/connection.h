// One client's connection to the server: its requests, one after the other.
#pragma once

#include <boost/asio/cancellation_signal.hpp>

#include "unbolt/http/channel.h"
#include "unbolt/http/head_parser.h"
#include "unbolt/http/incoming_body.h"
#include "unbolt/http/server_core.h"
#include "unbolt/http/server_response.h"
#include "unbolt/http/waiter.h"

namespace unbolt::http {

// Kept by its own coroutine. While the handler runs, the connection reads ahead (if the handler did
// not finish at once), to notice a client that leaves.
class Connection final : public Counted<Connection>,
                         public ConnectionHook,
                         private Channel::Listener,
                         private IncomingBody::Owner,
                         private ServerResponse::Owner,
                         private TurnEnd::Item,
                         private Deadlines::Entry {
 public:
  Connection(Ref<ServerCore> server, Socket socket);
  virtual ~Connection();

  void start();
  // Ends after the request under way; at once where there is none.
  void stop();
  // Ends now; a handler that runs is cancelled.
  void kill();

 private:
  // What the coroutine is at; the deadline and input mean something else in each.
  enum class Phase : std::uint8_t { Idle, Head, Handling, Draining, Writing, Lingering, Over };

  static Task<> serve(Ref<Connection> self);
  Task<> serve_requests();
  Task<> refuse(int status, std::string_view why);
  Task<> linger();
  Task<> write_out();
  Task<bool> settle();
  Task<bool> drain_request();
  bool begin_request();
  void log_failure(std::string_view what);
  void lost();
  void set_phase(Phase phase);
  void watch();

  void on_input() override;
  void on_output() override;
  void on_body_wait() override;
  void on_flush_wanted() override;
  void on_abort() override;
  bool may_keep_alive() const override;
  void on_turn_end() override;
  void on_deadline() override;

  const Ref<ServerCore> server_;
  const Ref<Channel> channel_;
  HeadParser parser_;
  Request request_;
  IncomingBody request_body_;
  ServerResponse response_;
  asio::cancellation_signal cancel_;
  Waiter input_;
  Waiter output_;
  Phase phase_ = Phase::Idle;
  bool earlier_ = false;       // earlier responses wait to be sent
  bool last_ = false;          // the connection ends with this response
  bool in_turn_ = false;       // `on_turn_end` is certain to follow
  bool quit_ = false;          // asked to end, or a deadline passed
  bool lost_ = false;          // the client left
  bool continue_due_ = false;  // the client waits for 100 Continue
};

}  // namespace unbolt::http
