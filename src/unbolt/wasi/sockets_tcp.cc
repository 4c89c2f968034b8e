// wasi:sockets/tcp and tcp-create-socket.
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "unbolt/wasi/context.h"
#include "unbolt/wasi/sockets_interfaces.h"
#include "unbolt/wasi/sockets_tcp_streams.h"

namespace unbolt::wasi {

enum class ShutdownType : std::uint8_t { Receive, Send, Both };

}  // namespace unbolt::wasi

template <>
inline constexpr std::size_t unbolt::component::kEnumCases<unbolt::wasi::ShutdownType> = 3;

namespace unbolt::wasi {
namespace {

using component::Borrow;
using component::Call;
using component::Own;

enum class TcpState : std::uint8_t {
  Unbound,
  BindStarted,
  Bound,
  ListenStarted,
  Listening,
  Connecting,
  Connected,
  Closed,
};

constexpr int kDefaultBacklog = 128, kMaxBacklog = 4096;

// What the resource and its pollables share.
struct TcpCore {
  std::shared_ptr<NativeSocket> socket;
  TcpState state = TcpState::Unbound;
  bool may_listen = false;  // where it is bound
  int backlog = kDefaultBacklog;
  std::shared_ptr<TcpHold> connection;  // once connected
  Endpoint peer;
};

}  // namespace

// Its streams are its children.
class TcpSocket {
 public:
  explicit TcpSocket(std::shared_ptr<NativeSocket> socket, TcpState state = TcpState::Unbound)
      : core(std::make_shared<TcpCore>(std::move(socket), state)) {}
  bool has_children() const { return children.any(); }

  NativeSocket& native() const { return *core->socket; }
  TcpState& state() const { return core->state; }
  // Whether an operation was started and not finished.
  bool busy() const {
    return state() == TcpState::BindStarted || state() == TcpState::ListenStarted ||
           state() == TcpState::Connecting;
  }

  std::shared_ptr<TcpCore> core;
  Children children;
};

namespace {

using Socket = Borrow<TcpSocket>;
using Streams = std::tuple<Own<InputStream>, Own<OutputStream>>;

Streams connected(TcpSocket& socket, const std::shared_ptr<InstanceNetwork>& network) {
  // Guests cannot ask for it, and what they write through a stream is not in pieces by accident.
  (void)socket.native().set_option(IPPROTO_TCP, TCP_NODELAY, 1);
  auto hold =
      std::make_shared<TcpHold>(std::make_shared<TcpConnection>(socket.core->socket, network));
  socket.core->connection = hold;
  socket.state() = TcpState::Connected;
  return {std::make_unique<InputStream>(tcp_source(hold), socket.children.add()),
          std::make_unique<OutputStream>(tcp_sink(hold), socket.children.add())};
}

SocketResult<Own<TcpSocket>> create_tcp_socket(Call& call, IpFamily family) {
  const auto& guest = call.host<contracts::Guest>();
  const auto& network = network_of(call);
  if (!network->may_make_sockets(guest, "a TCP socket")) return refuse(SocketError::AccessDenied);
  auto share = InstanceNetwork::share_of(network);
  if (!share) return refuse(SocketError::NewSocketLimit);
  auto socket = NativeSocket::open(guest.loop, family, SOCK_STREAM, std::move(share));
  if (!socket) return refuse(socket.error());
  return std::make_unique<TcpSocket>(std::move(*socket));
}

// ---- bind

SocketResult<> start_bind(Call& call, Socket socket, Borrow<Network>, IpSocketAddress address) {
  if (socket->busy()) return refuse(SocketError::ConcurrencyConflict);
  if (socket->state() != TcpState::Unbound) return refuse(SocketError::InvalidState);
  const Endpoint local(address);
  NativeSocket& native = socket->native();
  if (auto fault = fault_of(local, native.family(), AddressUse::BindTcp)) return refuse(*fault);
  const auto& network = network_of(call);
  if (!network->may_bind(call.host<contracts::Guest>(), local))
    return refuse(SocketError::AccessDenied);
  // A connection that ended a moment ago is no reason to refuse its port.
  (void)native.set_option(SOL_SOCKET, SO_REUSEADDR, 1);
  if (::bind(native.number(), local.data(), local.size()) != 0) {
    return errno == EAFNOSUPPORT ? refuse(SocketError::InvalidArgument) : refuse_errno(errno);
  }
  socket->core->may_listen = network->may_listen(local);
  socket->state() = TcpState::BindStarted;
  return {};
}

SocketResult<> finish_bind(Call&, Socket socket) {
  if (socket->state() != TcpState::BindStarted) return refuse(SocketError::NotInProgress);
  socket->state() = TcpState::Bound;
  return {};
}

// ---- connect

SocketError connect_error(int error) {
  // What the system has run out of are ports of its own.
  return error == EADDRNOTAVAIL ? SocketError::AddressInUse : to_socket_error(error);
}

SocketResult<> start_connect(Call& call, Socket socket, Borrow<Network>, IpSocketAddress address) {
  if (socket->busy()) return refuse(SocketError::ConcurrencyConflict);
  if (socket->state() != TcpState::Unbound && socket->state() != TcpState::Bound)
    return refuse(SocketError::InvalidState);
  const Endpoint peer(address);
  NativeSocket& native = socket->native();
  if (auto fault = fault_of(peer, native.family(), AddressUse::ConnectTcp)) return refuse(*fault);
  if (!network_of(call)->may_connect(call.host<contracts::Guest>(), peer))
    return refuse(SocketError::AccessDenied);
  socket->core->peer = peer;
  if (::connect(native.number(), peer.data(), peer.size()) != 0 && errno != EINPROGRESS &&
      errno != EINTR) {
    socket->state() = TcpState::Closed;
    return refuse(connect_error(errno));
  }
  socket->state() = TcpState::Connecting;
  return {};
}

SocketResult<Streams> finish_connect(Call& call, Socket socket) {
  if (socket->state() != TcpState::Connecting) return refuse(SocketError::NotInProgress);
  if (!socket->native().writable()) return refuse(SocketError::WouldBlock);
  if (const int error = socket->native().take_error(); error != 0) {
    socket->state() = TcpState::Closed;
    return refuse(connect_error(error));
  }
  return connected(*socket, network_of(call));
}

// ---- listen and accept

SocketResult<> start_listen(Call& call, Socket socket) {
  if (socket->busy()) return refuse(SocketError::ConcurrencyConflict);
  if (socket->state() != TcpState::Bound) return refuse(SocketError::InvalidState);
  NativeSocket& native = socket->native();
  if (!socket->core->may_listen) {
    const auto local = native.local();
    const auto text = local ? local->to_string() : "an address";
    network_of(call)->deny(call.host<contracts::Guest>(), "listening at " + text,
                           "--allow-listen " + text);
    return refuse(SocketError::AccessDenied);
  }
  if (::listen(native.number(), socket->core->backlog) != 0) return refuse_errno(errno);
  socket->state() = TcpState::ListenStarted;
  return {};
}

SocketResult<> finish_listen(Call&, Socket socket) {
  if (socket->state() != TcpState::ListenStarted) return refuse(SocketError::NotInProgress);
  socket->state() = TcpState::Listening;
  return {};
}

// Linux hands on what befell the connection before anybody took it.
SocketError accept_error(int error) {
  switch (error) {
    case ECONNRESET:
    case ENETRESET:
    case EHOSTUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case ENETUNREACH:
    case EPROTO:
    case ENOPROTOOPT:
    case ENONET:
    case EOPNOTSUPP: return SocketError::ConnectionAborted;
    default: return to_socket_error(error);
  }
}

using Accepted = std::tuple<Own<TcpSocket>, Own<InputStream>, Own<OutputStream>>;

SocketResult<Accepted> accept(Call& call, Socket socket) {
  if (socket->state() != TcpState::Listening) return refuse(SocketError::InvalidState);
  const NativeSocket& native = socket->native();
  const auto& network = network_of(call);
  auto share = InstanceNetwork::share_of(network);
  if (!share) {
    return refuse(native.readable() ? SocketError::NewSocketLimit : SocketError::WouldBlock);
  }
  // Its options are those of the listener: the system sees to that.
  Endpoint peer;
  int number;
  do {
    socklen_t size = Endpoint::capacity();
    number = ::accept4(native.number(), peer.data(), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  } while (number < 0 && errno == EINTR);
  if (number < 0) return refuse(accept_error(errno));
  auto child = std::make_unique<TcpSocket>(
      std::make_shared<NativeSocket>(native.loop(), native.family(), files::Descriptor(number),
                                     std::move(share)),
      TcpState::Connected);
  child->core->peer = peer;
  auto [input, output] = connected(*child, network);
  return Accepted{std::move(child), std::move(input), std::move(output)};
}

// ---- What it is

SocketResult<IpSocketAddress> local_address(Call&, Socket socket) {
  switch (socket->state()) {
    case TcpState::Unbound:
    case TcpState::BindStarted:
    case TcpState::Closed: return refuse(SocketError::InvalidState);
    default: break;
  }
  const auto local = socket->native().local();
  if (!local) return refuse(local.error());
  return local->to_wit();
}

SocketResult<IpSocketAddress> remote_address(Call&, Socket socket) {
  if (socket->state() != TcpState::Connected) return refuse(SocketError::InvalidState);
  return socket->core->peer.to_wit();
}

bool is_listening(Call&, Socket socket) { return socket->state() == TcpState::Listening; }
IpFamily address_family(Call&, Socket socket) { return socket->native().family(); }

SocketResult<> set_listen_backlog_size(Call&, Socket socket, std::uint64_t value) {
  if (value == 0) return refuse(SocketError::InvalidArgument);
  const auto backlog = static_cast<int>(std::min<std::uint64_t>(value, kMaxBacklog));
  switch (socket->state()) {
    case TcpState::Connecting:
    case TcpState::Connected:
    case TcpState::Closed: return refuse(SocketError::InvalidState);
    case TcpState::ListenStarted:
    case TcpState::Listening:
      if (::listen(socket->native().number(), backlog) != 0)
        return refuse(SocketError::NotSupported);
      break;
    default: break;
  }
  socket->core->backlog = backlog;
  return {};
}

// ---- Options

bool is_closed(Socket socket) { return socket->state() == TcpState::Closed; }

SocketResult<int> option(Socket socket, int level, int name) {
  if (is_closed(socket)) return refuse(SocketError::InvalidState);
  return socket->native().option(level, name);
}
SocketResult<> set_option(Socket socket, int level, int name, int value) {
  if (is_closed(socket)) return refuse(SocketError::InvalidState);
  return socket->native().set_option(level, name, value);
}

constexpr std::uint64_t kSecond = 1'000'000'000;
// The kernel's own limits.
constexpr std::uint64_t kMostSeconds = std::numeric_limits<std::int16_t>::max();
constexpr std::uint32_t kMostProbes = std::numeric_limits<std::int8_t>::max();

SocketResult<bool> keep_alive_enabled(Call&, Socket socket) {
  const auto value = option(socket, SOL_SOCKET, SO_KEEPALIVE);
  if (!value) return refuse(value.error());
  return *value != 0;
}
SocketResult<> set_keep_alive_enabled(Call&, Socket socket, bool value) {
  return set_option(socket, SOL_SOCKET, SO_KEEPALIVE, value ? 1 : 0);
}

template <int Name>
SocketResult<std::uint64_t> keep_alive_time(Call&, Socket socket) {
  const auto seconds = option(socket, IPPROTO_TCP, Name);
  if (!seconds) return refuse(seconds.error());
  return static_cast<std::uint64_t>(*seconds) * kSecond;
}
template <int Name>
SocketResult<> set_keep_alive_time(Call&, Socket socket, std::uint64_t duration) {
  if (duration == 0) return refuse(SocketError::InvalidArgument);
  const auto seconds = std::clamp<std::uint64_t>(duration / kSecond, 1, kMostSeconds);
  return set_option(socket, IPPROTO_TCP, Name, static_cast<int>(seconds));
}

SocketResult<std::uint32_t> keep_alive_count(Call&, Socket socket) {
  const auto value = option(socket, IPPROTO_TCP, TCP_KEEPCNT);
  if (!value) return refuse(value.error());
  return static_cast<std::uint32_t>(*value);
}
SocketResult<> set_keep_alive_count(Call&, Socket socket, std::uint32_t value) {
  if (value == 0) return refuse(SocketError::InvalidArgument);
  return set_option(socket, IPPROTO_TCP, TCP_KEEPCNT,
                    static_cast<int>(std::min(value, kMostProbes)));
}

SocketResult<std::uint8_t> hop_limit(Call&, Socket socket) {
  if (is_closed(socket)) return refuse(SocketError::InvalidState);
  return socket->native().hop_limit();
}
SocketResult<> set_hop_limit(Call&, Socket socket, std::uint8_t value) {
  if (is_closed(socket)) return refuse(SocketError::InvalidState);
  return socket->native().set_hop_limit(value);
}

template <int Which>
SocketResult<std::uint64_t> buffer_size(Call&, Socket socket) {
  if (is_closed(socket)) return refuse(SocketError::InvalidState);
  return socket->native().buffer_size(Which);
}
template <int Which>
SocketResult<> set_buffer_size(Call&, Socket socket, std::uint64_t value) {
  if (is_closed(socket)) return refuse(SocketError::InvalidState);
  return socket->native().set_buffer_size(Which, value);
}

// ---- The rest

bool is_ready(const TcpCore& core) {
  switch (core.state) {
    case TcpState::Connecting: return core.socket->writable();
    case TcpState::Listening: return core.socket->readable();
    default: return true;
  }
}

// Ready when the operation that is under way can be finished, whichever that then is; and when the
// socket is gone.
class TcpPollable final : public Pollable {
 public:
  explicit TcpPollable(const std::shared_ptr<TcpCore>& core) : core_(core), key_(core.get()) {}
  bool ready() override {
    const auto core = core_.lock();
    return !core || is_ready(*core);
  }
  Task<> wait() override {
    const auto core = core_.lock();
    while (core && !is_ready(*core)) {
      if (core->state == TcpState::Connecting)
        co_await core->socket->wait_writable();
      else
        co_await core->socket->wait_readable();
    }
  }
  const void* key() const override { return key_; }

 private:
  std::weak_ptr<TcpCore> core_;
  const void* key_;
};

Own<Pollable> subscribe(Call&, Socket socket) {
  return std::make_unique<TcpPollable>(socket->core);
}

SocketResult<> shutdown(Call&, Socket socket, ShutdownType type) {
  if (socket->state() != TcpState::Connected) return refuse(SocketError::InvalidState);
  TcpHold& connection = *socket->core->connection;
  if (type != ShutdownType::Send) connection->shut_input();
  if (type != ShutdownType::Receive) connection->shut_output();
  return {};
}

}  // namespace

void add_tcp(component::HostInterfaces& host) {
  host.add("wasi:sockets/tcp-create-socket@0.2.12").func<&create_tcp_socket>("create-tcp-socket");
  host.add("wasi:sockets/tcp@0.2.12")
      .resource<TcpSocket>("tcp-socket")
      .func<&start_bind>("[method]tcp-socket.start-bind")
      .func<&finish_bind>("[method]tcp-socket.finish-bind")
      .func<&start_connect>("[method]tcp-socket.start-connect")
      .func<&finish_connect>("[method]tcp-socket.finish-connect")
      .func<&start_listen>("[method]tcp-socket.start-listen")
      .func<&finish_listen>("[method]tcp-socket.finish-listen")
      .func<&accept>("[method]tcp-socket.accept")
      .func<&local_address>("[method]tcp-socket.local-address")
      .func<&remote_address>("[method]tcp-socket.remote-address")
      .func<&is_listening>("[method]tcp-socket.is-listening")
      .func<&address_family>("[method]tcp-socket.address-family")
      .func<&set_listen_backlog_size>("[method]tcp-socket.set-listen-backlog-size")
      .func<&keep_alive_enabled>("[method]tcp-socket.keep-alive-enabled")
      .func<&set_keep_alive_enabled>("[method]tcp-socket.set-keep-alive-enabled")
      .func<&keep_alive_time<TCP_KEEPIDLE>>("[method]tcp-socket.keep-alive-idle-time")
      .func<&set_keep_alive_time<TCP_KEEPIDLE>>("[method]tcp-socket.set-keep-alive-idle-time")
      .func<&keep_alive_time<TCP_KEEPINTVL>>("[method]tcp-socket.keep-alive-interval")
      .func<&set_keep_alive_time<TCP_KEEPINTVL>>("[method]tcp-socket.set-keep-alive-interval")
      .func<&keep_alive_count>("[method]tcp-socket.keep-alive-count")
      .func<&set_keep_alive_count>("[method]tcp-socket.set-keep-alive-count")
      .func<&hop_limit>("[method]tcp-socket.hop-limit")
      .func<&set_hop_limit>("[method]tcp-socket.set-hop-limit")
      .func<&buffer_size<SO_RCVBUF>>("[method]tcp-socket.receive-buffer-size")
      .func<&set_buffer_size<SO_RCVBUF>>("[method]tcp-socket.set-receive-buffer-size")
      .func<&buffer_size<SO_SNDBUF>>("[method]tcp-socket.send-buffer-size")
      .func<&set_buffer_size<SO_SNDBUF>>("[method]tcp-socket.set-send-buffer-size")
      .func<&subscribe>("[method]tcp-socket.subscribe")
      .func<&shutdown>("[method]tcp-socket.shutdown");
}

}  // namespace unbolt::wasi
