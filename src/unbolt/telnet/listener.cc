#include "unbolt/telnet/listener.h"

#include <sys/socket.h>
#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>

#include <algorithm>

namespace unbolt::telnet {
namespace {

using asio::ip::tcp;
constexpr std::chrono::milliseconds kPause{100};  // after a failure to accept: no more sockets
constexpr std::string_view kFull = "\r\ntoo many sessions; try again later\r\n";

void tell_full(int socket) {
  (void)!::send(socket, kFull.data(), kFull.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace

void Sessions::stop() {
  std::vector<std::weak_ptr<Connection>> connections;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    connections.swap(connections_);
  }
  for (const auto& each : connections) {
    if (const auto connection = each.lock()) connection->stop_from_anywhere();
  }
}

void Sessions::add(const std::shared_ptr<Connection>& connection) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return connection->stop_from_anywhere();
  std::erase_if(connections_, [](const auto& each) { return each.expired(); });
  connections_.push_back(connection);
}

Accepted::Accepted(int socket, Limits limits, std::shared_ptr<Sessions> sessions)
    : socket_(socket), limits_(limits), sessions_(std::move(sessions)) {
  sessions_->count_.fetch_add(1, std::memory_order_relaxed);
}

Accepted::~Accepted() {
  if (socket_ >= 0) ::close(socket_);
  sessions_->count_.fetch_sub(1, std::memory_order_relaxed);
}

void Accepted::refuse() { tell_full(socket_); }

std::shared_ptr<Connection> Accepted::open(Executor loop, Log& log) {
  Connection::Socket socket(loop);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(socket_, reinterpret_cast<sockaddr*>(&bound), &size);
  boost::system::error_code error;
  socket.assign(bound.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), socket_, error);
  if (error) return nullptr;
  socket_ = -1;
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  auto connection = std::make_shared<Connection>(std::move(socket), limits_, log);
  connection->start();
  sessions_->add(connection);
  return connection;
}

// Kept by its own task too, which may see the listener's end late.
struct Listener::Accepting {
  asio::basic_socket_acceptor<tcp, Executor> acceptor;
  Limits limits;
  Log& log;
  OnAccepted accepted;
  std::shared_ptr<Sessions> sessions;

  static Task<> run(std::shared_ptr<Accepting> self) {
    while (self->acceptor.is_open()) {
      boost::system::error_code error;
      auto socket = co_await self->acceptor.async_accept(asio::redirect_error(use_task, error));
      if (!self->acceptor.is_open()) break;
      if (error) {
        if (error == asio::error::connection_aborted) continue;
        self->log.line(LogLevel::Warn, "telnet", "a client was not accepted: {}", error.message());
        Timer pause(self->acceptor.get_executor(), kPause);
        co_await pause.async_wait(use_task);
        continue;
      }
      if (self->sessions->count() >= self->limits.sessions) {
        tell_full(socket.native_handle());
        continue;
      }
      const int handle = socket.release();
      self->accepted(std::make_unique<Accepted>(handle, self->limits, self->sessions));
    }
  }
};

Listener::Listener(Executor loop, int listener, const Limits& limits, Log& log,
                   OnAccepted accepted) {
  asio::basic_socket_acceptor<tcp, Executor> acceptor(loop);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&bound), &size);
  acceptor.assign(bound.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), listener);
  accepting_ =
      std::make_shared<Accepting>(std::move(acceptor), limits, log, std::move(accepted), sessions_);
  asio::co_spawn(loop, Accepting::run(accepting_), asio::detached);
}

Listener::~Listener() { stop(); }

void Listener::stop() {
  boost::system::error_code ignored;
  accepting_->acceptor.close(ignored);
  sessions_->stop();
}

}  // namespace unbolt::telnet
