#include "unbolt/http/server.h"

#include <boost/asio/basic_socket_acceptor.hpp>

#include <unistd.h>
#include <cstring>

#include "unbolt/http/connection.h"

namespace unbolt::http {
namespace {

using Acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
using Connections = boost::intrusive::list<Connection, boost::intrusive::base_hook<ConnectionHook>,
                                           boost::intrusive::constant_time_size<false>>;

constexpr std::chrono::milliseconds kAcceptPause{100};  // after the system refused a socket

// Operations under way hold the state, so that the server may be destroyed at any time.
class Listener final : public Counted<Listener>, public ServerCore::Watcher {
 public:
  explicit Listener(Ref<ServerCore> core)
      : core_(std::move(core)), acceptor_(core_->loop), pause_(core_->loop) {
    core_->watcher = this;
  }
  ~Listener() { core_->watcher = nullptr; }

  Result<> start(int listener) {
    int own = ::dup(listener);
    if (own < 0)
      return fail(ErrorCode::Io, "cannot duplicate the listening socket: {}", std::strerror(errno));
    boost::system::error_code error;
    acceptor_.assign(asio::ip::tcp::v4(), own, error);
    if (error) {
      ::close(own);
      return fail(ErrorCode::Io, "cannot take the listening socket: {}", error.message());
    }
    accept();
    return {};
  }

  Task<> stop(std::chrono::milliseconds grace) {
    Ref<Listener> self(this);
    close();
    for_each([](Connection& connection) { connection.stop(); });
    Timer timer(core_->loop, grace);
    if (core_->connections != 0) {
      timer.async_wait([self](boost::system::error_code error) {
        if (!error) self->kill();
      });
    }
    while (core_->connections != 0) co_await gone_.wait_to_the_end();
  }

  void close() {
    core_->stopping = true;
    boost::system::error_code ignored;
    acceptor_.close(ignored);
    pause_.cancel();
  }

  void kill() {
    for_each([](Connection& connection) { connection.kill(); });
  }

  std::size_t connections() const { return core_->connections; }

 private:
  void accept() {
    if (accepting_ || core_->stopping || core_->connections >= core_->limits.max_connections)
      return;
    accepting_ = true;
    acceptor_.async_accept(
        [self = Ref<Listener>(this)](boost::system::error_code error, Socket socket) {
          self->accepting_ = false;
          if (self->core_->stopping) return;
          if (error) return self->refused(error);
          auto* connection = new Connection(self->core_, std::move(socket));
          self->connections_.push_back(*connection);
          connection->start();
          self->accept();
        });
  }

  // A client that left in the queue costs nothing; out of descriptors, waiting helps and spinning
  // does not.
  void refused(boost::system::error_code error) {
    if (error == asio::error::connection_aborted) return accept();
    core_->log.line(LogLevel::Warn, "http", "cannot accept a connection: {}", error.message());
    pause_.expires_after(kAcceptPause);
    pause_.async_wait([self = Ref<Listener>(this)](boost::system::error_code cancelled) {
      if (!cancelled) self->accept();
    });
  }

  void on_connection_gone() override {
    gone_.post();
    accept();
  }

  // `visit` may destroy the connection it is given, and no other.
  template <class Visit>
  void for_each(Visit visit) {
    for (auto at = connections_.begin(); at != connections_.end();) visit(*at++);
  }

  const Ref<ServerCore> core_;
  Acceptor acceptor_;
  Timer pause_;
  Connections connections_;
  bool accepting_ = false;
  Waiter gone_;
};

class AsioServer final : public Server {
 public:
  AsioServer(Executor loop, Handler& handler, const ServerLimits& limits, Log& log)
      : listener_(new Listener(Ref<ServerCore>(new ServerCore(loop, handler, limits, log)))) {}
  ~AsioServer() override {
    listener_->close();
    listener_->kill();
  }

  Result<> start(int listener) override { return listener_->start(listener); }
  Task<> stop(std::chrono::milliseconds grace) override { return listener_->stop(grace); }
  std::size_t connections() const override { return listener_->connections(); }

 private:
  const Ref<Listener> listener_;
};

}  // namespace

std::unique_ptr<Server> make_server(Executor loop, Handler& handler, ServerLimits limits,
                                    Log& log) {
  return std::make_unique<AsioServer>(loop, handler, limits, log);
}

}  // namespace unbolt::http
