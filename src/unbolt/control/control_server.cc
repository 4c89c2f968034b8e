#include "unbolt/control/control_server.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/write.hpp>

#include <cerrno>
#include <cstring>
#include <utility>

#include "unbolt/control/control_errors.h"

namespace unbolt::control {
namespace {

using Protocol = asio::local::stream_protocol;
using Socket = asio::basic_stream_socket<Protocol, Executor>;
using Acceptor = asio::basic_socket_acceptor<Protocol, Executor>;

constexpr std::chrono::seconds kRequestTime{10};

bool same_user(Socket& socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
    return false;
  return peer.uid == ::geteuid() || peer.uid == 0;
}

class SocketAnswer final : public ControlAnswer {
 public:
  explicit SocketAnswer(Socket& socket) : socket_(socket) {}

  Task<Result<>> send(const Json& line) override {
    // What a guest logged may be no UTF-8.
    std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace);
    text += '\n';
    boost::system::error_code error;
    co_await asio::async_write(socket_, asio::buffer(text), asio::redirect_error(use_task, error));
    if (error) co_return fail(ErrorCode::ConnectionClosed, "who asked has left");
    co_return Result<>();
  }
  bool is_deserted() const override {
    char byte = 0;
    return ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
  }

 private:
  Socket& socket_;
};

}  // namespace

struct ControlServer::State {
  State(Executor executor, Handle handler, Log& to)
      : loop(executor), handle(std::move(handler)), log(to), acceptor(executor) {}
  Executor loop;
  Handle handle;
  Log& log;
  Acceptor acceptor;
  std::filesystem::path path;
  std::size_t clients = 0;
};

ControlServer::ControlServer(Executor loop, Handle handle, Log& log)
    : state_(std::make_shared<State>(loop, std::move(handle), log)) {}

ControlServer::~ControlServer() { stop(); }

namespace {

Task<Result<Json>> read_request(Socket& socket) {
  // Closing the socket is what ends a read that takes too long.
  Timer timer(co_await asio::this_coro::executor);
  timer.expires_after(kRequestTime);
  timer.async_wait([&socket](boost::system::error_code error) {
    if (error) return;
    boost::system::error_code ignored;
    socket.shutdown(Socket::shutdown_receive, ignored);
  });
  std::string text;
  boost::system::error_code error;
  co_await asio::async_read_until(socket, asio::dynamic_buffer(text, ControlServer::kLongestLine),
                                  '\n', asio::redirect_error(use_task, error));
  timer.cancel();
  if (error == asio::error::not_found)
    co_return fail(ErrorCode::LimitExceeded, "a request has at most 4 MiB");
  if (error) co_return fail(ErrorCode::ConnectionClosed, "no whole request came");
  Json request = Json::parse(text.substr(0, text.find('\n')), nullptr, false);
  if (request.is_discarded() || !request.is_object())
    co_return fail(ErrorCode::ProtocolError, "a request is a JSON object on one line");
  co_return request;
}

template <class State>
Task<> serve(std::shared_ptr<State> state, Socket socket) {
  struct Leave {
    State& state;
    ~Leave() { --state.clients; }
  } leave{*state};
  SocketAnswer answer(socket);
  Result<> done;
  if (!same_user(socket)) {
    done = fail(ErrorCode::Denied, "the control socket is its owner's alone");
  } else if (auto request = co_await read_request(socket); !request) {
    done = std::unexpected(std::move(request).error());
  } else {
    done = co_await state->handle(std::move(*request), answer);
  }
  if (done) {
    co_await answer.send({{"done", true}});
  } else if (done.error().code != ErrorCode::ConnectionClosed) {
    co_await answer.send({{"error", to_json(done.error())}});
  }
}

template <class State>
Task<> accept(std::shared_ptr<State> state) {
  while (state->acceptor.is_open()) {
    boost::system::error_code error;
    Socket socket = co_await state->acceptor.async_accept(asio::redirect_error(use_task, error));
    if (error) {
      if (!state->acceptor.is_open()) co_return;
      // Out of descriptors, most likely: others must close some first.
      Timer pause(state->loop);
      pause.expires_after(std::chrono::milliseconds(100));
      co_await pause.async_wait(use_task);
      continue;
    }
    if (state->clients >= ControlServer::kMostClients) continue;
    ++state->clients;
    asio::co_spawn(state->loop, serve(state, std::move(socket)),
                   [state](std::exception_ptr failure) {
                     if (failure)
                       state->log.line(LogLevel::Error, "control", "a request ended in a fault");
                   });
  }
}

}  // namespace

Result<> ControlServer::start(const std::filesystem::path& socket) {
  if (socket.string().size() >= sizeof(sockaddr_un::sun_path)) {
    return std::unexpected(Error{
        ErrorCode::InvalidArgument,
        fmt::format("the control socket's path is too long ({} bytes; "
                    "the system takes {}): {}",
                    socket.string().size(), sizeof(sockaddr_un::sun_path) - 1, socket.string()),
        "set XDG_STATE_HOME to a shorter path"});
  }
  std::error_code ignored;
  std::filesystem::remove(socket, ignored);
  boost::system::error_code error;
  auto& acceptor = state_->acceptor;
  acceptor.open(Protocol(), error);
  // Nobody can be quicker than the mode: the folder is owner-only.
  if (!error) acceptor.bind(Protocol::endpoint(socket.string()), error);
  if (!error && ::chmod(socket.c_str(), 0600) != 0)
    error = boost::system::error_code(errno, boost::system::system_category());
  if (!error) acceptor.listen(16, error);
  if (error) {
    return fail(ErrorCode::Io, "cannot open the control socket {}: {}", socket.string(),
                error.message());
  }
  state_->path = socket;
  asio::co_spawn(state_->loop, accept(state_), asio::detached);
  return {};
}

void ControlServer::stop() {
  if (!state_->acceptor.is_open()) return;
  boost::system::error_code ignored;
  state_->acceptor.close(ignored);
  std::error_code failure;
  std::filesystem::remove(state_->path, failure);
}

}  // namespace unbolt::control
