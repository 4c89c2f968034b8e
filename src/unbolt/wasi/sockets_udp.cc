// wasi:sockets/udp and udp-create-socket.
#include <algorithm>
#include <cerrno>
#include <deque>
#include <unordered_set>

#include "unbolt/wasi/context.h"
#include "unbolt/wasi/sockets_interfaces.h"
#include "unbolt/wasi/sockets_network.h"
#include "unbolt/wasi/streams.h"

namespace unbolt::wasi {
namespace {

using component::Borrow;
using component::Call;
using component::Own;

struct IncomingDatagram {
  Bytes data;
  IpSocketAddress remote_address;
};
struct OutgoingDatagram {
  ByteView data;
  std::optional<IpSocketAddress> remote_address;
};

enum class UdpState : std::uint8_t { Unbound, BindStarted, Bound };

// Of one call.
constexpr std::uint64_t kMaxReceived = 64, kMaxSent = 64;
constexpr std::size_t kMaxReceivedBytes = 256 * 1024;
// How many that nobody wants are thrown away before others have their turn.
constexpr int kMaxUnwanted = 256;

// Peers that a server heard from, and may answer. The oldest are forgotten.
class HeardFrom {
 public:
  bool contains(const Endpoint& peer) const { return peers_.contains(peer); }
  void add(const Endpoint& peer) {
    if (!peers_.insert(peer).second) return;
    order_.push_back(peer);
    if (order_.size() <= kMost) return;
    peers_.erase(order_.front());
    order_.pop_front();
  }

 private:
  static constexpr std::size_t kMost = 1024;
  std::unordered_set<Endpoint, Endpoint::Hash> peers_;
  std::deque<Endpoint> order_;
};

// What the resource, its streams and their pollables share.
class UdpCore {
 public:
  UdpCore(std::shared_ptr<InstanceNetwork> of, std::unique_ptr<NativeSocket> made)
      : network(std::move(of)), socket(std::move(made)) {}

  bool works(std::uint64_t pair) const { return pair == streams; }
  bool may_send(const contracts::Guest& guest, const Endpoint& peer) const {
    return (may_listen && heard_from_.contains(peer)) || network->may_connect(guest, peer);
  }
  // Whether one is there that the guest may have, or a failure to tell.
  bool has_datagram();
  // The next one; WouldBlock where there is none.
  SocketResult<IncomingDatagram> receive();

  SocketResult<> connect(const Endpoint& to);
  SocketResult<> disconnect();

  std::shared_ptr<InstanceNetwork> network;
  std::unique_ptr<NativeSocket> socket;
  UdpState state = UdpState::Unbound;
  bool may_listen = false;  // where it is bound
  Endpoint bound;
  std::optional<Endpoint> remote;
  std::uint64_t streams = 0;  // how many pairs there were: only the last one works

 private:
  bool wanted(const Endpoint& peer) const {
    return (!remote || *remote == peer) && (may_listen || network->covers(peer));
  }
  std::ptrdiff_t receive_into(std::span<std::uint8_t> buffer, int flags, Endpoint& peer) const {
    std::ptrdiff_t n;
    do {
      socklen_t size = Endpoint::capacity();
      n = ::recvfrom(socket->number(), buffer.data(), buffer.size(), flags | MSG_DONTWAIT,
                     peer.data(), &size);
    } while (n < 0 && errno == EINTR);
    return n;
  }

  int failure_ = 0;  // seen, and to be told
  HeardFrom heard_from_;
};

bool UdpCore::has_datagram() {
  for (int i = 0; i < kMaxUnwanted && failure_ == 0; ++i) {
    std::uint8_t byte[1];
    Endpoint peer;
    if (receive_into(byte, MSG_PEEK, peer) < 0) {
      if (errno == EAGAIN) return false;
      failure_ = errno;
    } else if (wanted(peer)) {
      return true;
    } else {
      (void)receive_into(byte, 0, peer);
    }
  }
  return failure_ != 0;
}

SocketResult<IncomingDatagram> UdpCore::receive() {
  if (const int failure = std::exchange(failure_, 0)) return refuse_errno(failure);
  for (int i = 0; i < kMaxUnwanted; ++i) {
    const auto buffer = network->scratch();
    Endpoint peer;
    const auto n = receive_into(buffer, 0, peer);
    if (n < 0) return refuse_errno(errno);
    if (!wanted(peer)) continue;
    if (may_listen) heard_from_.add(peer);
    return IncomingDatagram{to_bytes(buffer.first(static_cast<std::size_t>(n))), peer.to_wit()};
  }
  return refuse(SocketError::WouldBlock);
}

SocketResult<> UdpCore::connect(const Endpoint& to) {
  // Its own address was chosen for the peer it had.
  if (remote) {
    if (auto done = disconnect(); !done) return done;
  }
  if (::connect(socket->number(), to.data(), to.size()) != 0) {
    return refuse(errno == EADDRNOTAVAIL ? SocketError::AddressInUse : to_socket_error(errno));
  }
  remote = to;
  return {};
}

SocketResult<> UdpCore::disconnect() {
  if (!remote) return {};
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  if (::connect(socket->number(), &nobody, sizeof nobody) != 0) return refuse_errno(errno);
  remote.reset();
  // The kernel has taken back a port that it had picked itself.
  const auto local = socket->local();
  if (local && *local == bound) return {};
  if (::bind(socket->number(), bound.data(), bound.size()) != 0) return refuse_errno(errno);
  return {};
}

}  // namespace

class UdpSocket {
 public:
  explicit UdpSocket(std::shared_ptr<UdpCore> made) : core(std::move(made)) {}
  bool has_children() const { return children.any(); }

  std::shared_ptr<UdpCore> core;
  Children children;
};

// One end of a pair. It works for as long as its socket has made no other.
class DatagramStream {
 public:
  DatagramStream(std::shared_ptr<UdpCore> core, std::shared_ptr<void> child_of)
      : core_(std::move(core)), pair_(core_->streams), child_of_(std::move(child_of)) {}
  bool works() const { return core_->works(pair_); }
  UdpCore& core() const { return *core_; }
  const std::shared_ptr<UdpCore>& shared() const { return core_; }
  std::uint64_t pair() const { return pair_; }

 private:
  std::shared_ptr<UdpCore> core_;
  std::uint64_t pair_;
  std::shared_ptr<void> child_of_;
};
class IncomingDatagramStream : public DatagramStream {
 public:
  using DatagramStream::DatagramStream;
};
class OutgoingDatagramStream : public DatagramStream {
 public:
  using DatagramStream::DatagramStream;
  std::uint64_t permitted = 0;
};

namespace {

using Socket = Borrow<UdpSocket>;

SocketResult<Own<UdpSocket>> create_udp_socket(Call& call, IpFamily family) {
  const auto& guest = call.host<contracts::Guest>();
  const auto& network = network_of(call);
  if (!network->may_make_sockets(guest, "a UDP socket")) return refuse(SocketError::AccessDenied);
  auto share = InstanceNetwork::share_of(network);
  if (!share) return refuse(SocketError::NewSocketLimit);
  auto socket = NativeSocket::open(guest.loop, family, SOCK_DGRAM, std::move(share));
  if (!socket) return refuse(socket.error());
  return std::make_unique<UdpSocket>(std::make_shared<UdpCore>(network, std::move(*socket)));
}

SocketResult<> start_bind(Call& call, Socket socket, Borrow<Network>, IpSocketAddress address) {
  UdpCore& core = *socket->core;
  if (core.state == UdpState::BindStarted) return refuse(SocketError::ConcurrencyConflict);
  if (core.state != UdpState::Unbound) return refuse(SocketError::InvalidState);
  const Endpoint local(address);
  NativeSocket& native = *core.socket;
  if (auto fault = fault_of(local, native.family(), AddressUse::BindUdp)) return refuse(*fault);
  if (!core.network->may_bind(call.host<contracts::Guest>(), local))
    return refuse(SocketError::AccessDenied);
  if (::bind(native.number(), local.data(), local.size()) != 0) {
    return errno == EAFNOSUPPORT ? refuse(SocketError::InvalidArgument) : refuse_errno(errno);
  }
  const auto bound = native.local();
  if (!bound) return refuse(bound.error());
  core.bound = *bound;
  core.may_listen = core.network->may_listen(local);
  core.state = UdpState::BindStarted;
  return {};
}

SocketResult<> finish_bind(Call&, Socket socket) {
  if (socket->core->state != UdpState::BindStarted) return refuse(SocketError::NotInProgress);
  socket->core->state = UdpState::Bound;
  return {};
}

using Streams = std::tuple<Own<IncomingDatagramStream>, Own<OutgoingDatagramStream>>;

SocketResult<Streams> stream(Call& call, Socket socket, std::optional<IpSocketAddress> remote) {
  UdpCore& core = *socket->core;
  if (core.state != UdpState::Bound) return refuse(SocketError::InvalidState);
  SocketResult<> done;
  if (remote) {
    const Endpoint peer(*remote);
    if (auto fault = fault_of(peer, core.socket->family(), AddressUse::SendUdp))
      return refuse(*fault);
    // Whoever may hear from anybody may hear from this one; sending is another question.
    if (!core.may_listen && !core.network->may_connect(call.host<contracts::Guest>(), peer))
      return refuse(SocketError::AccessDenied);
    done = core.connect(peer);
  } else {
    done = core.disconnect();
  }
  if (!done) return refuse(done.error());
  ++core.streams;
  return Streams{std::make_unique<IncomingDatagramStream>(socket->core, socket->children.add()),
                 std::make_unique<OutgoingDatagramStream>(socket->core, socket->children.add())};
}

SocketResult<IpSocketAddress> local_address(Call&, Socket socket) {
  if (socket->core->state != UdpState::Bound) return refuse(SocketError::InvalidState);
  const auto local = socket->core->socket->local();
  if (!local) return refuse(local.error());
  return local->to_wit();
}

SocketResult<IpSocketAddress> remote_address(Call&, Socket socket) {
  if (!socket->core->remote) return refuse(SocketError::InvalidState);
  return socket->core->remote->to_wit();
}

IpFamily address_family(Call&, Socket socket) { return socket->core->socket->family(); }

SocketResult<std::uint8_t> unicast_hop_limit(Call&, Socket socket) {
  return socket->core->socket->hop_limit();
}
SocketResult<> set_unicast_hop_limit(Call&, Socket socket, std::uint8_t value) {
  return socket->core->socket->set_hop_limit(value);
}
template <int Which>
SocketResult<std::uint64_t> buffer_size(Call&, Socket socket) {
  return socket->core->socket->buffer_size(Which);
}
template <int Which>
SocketResult<> set_buffer_size(Call&, Socket socket, std::uint64_t value) {
  return socket->core->socket->set_buffer_size(Which, value);
}

// Nothing that a socket itself does takes time.
class AlwaysReady final : public Pollable {
 public:
  bool ready() override { return true; }
  Task<> wait() override { co_return; }
};

Own<Pollable> socket_subscribe(Call&, Socket) { return std::make_unique<AlwaysReady>(); }

// ---- incoming-datagram-stream

SocketResult<std::vector<IncomingDatagram>> receive(Call&, Borrow<IncomingDatagramStream> stream,
                                                    std::uint64_t max_results) {
  if (!stream->works()) return refuse(SocketError::InvalidState);
  std::vector<IncomingDatagram> datagrams;
  std::size_t bytes = 0;
  while (datagrams.size() < std::min(max_results, kMaxReceived) && bytes < kMaxReceivedBytes) {
    auto datagram = stream->core().receive();
    if (!datagram) {
      if (datagram.error() == SocketError::WouldBlock) break;
      // It is told with the next call where there is something to give with this one.
      if (datagrams.empty()) return refuse(datagram.error());
      break;
    }
    bytes += datagram->data.size();
    datagrams.push_back(std::move(*datagram));
  }
  return datagrams;
}

// Of either stream of a pair; ready too when that works no more.
enum class Direction : bool { In, Out };
template <Direction D>
class DatagramPollable final : public Pollable {
 public:
  explicit DatagramPollable(const DatagramStream& stream)
      : core_(stream.shared()), pair_(stream.pair()), key_(key_of(stream.core())) {}
  bool ready() override {
    const auto core = core_.lock();
    return !core || is_ready(*core);
  }
  Task<> wait() override {
    const auto core = core_.lock();
    while (core && !is_ready(*core)) {
      if constexpr (D == Direction::In)
        co_await core->socket->wait_readable();
      else
        co_await core->socket->wait_writable();
    }
  }
  const void* key() const override { return key_; }

 private:
  static const void* key_of(const UdpCore& core) {
    if constexpr (D == Direction::In)
      return &core;
    else
      return &core.streams;
  }
  bool is_ready(UdpCore& core) const {
    if (!core.works(pair_)) return true;
    if constexpr (D == Direction::In)
      return core.has_datagram();
    else
      return core.socket->writable();
  }

  std::weak_ptr<UdpCore> core_;
  std::uint64_t pair_;
  const void* key_;
};

Own<Pollable> incoming_subscribe(Call&, Borrow<IncomingDatagramStream> stream) {
  return std::make_unique<DatagramPollable<Direction::In>>(*stream);
}

// ---- outgoing-datagram-stream

SocketResult<std::uint64_t> check_send(Call&, Borrow<OutgoingDatagramStream> stream) {
  if (!stream->works()) return refuse(SocketError::InvalidState);
  stream->permitted = stream->core().socket->writable() ? kMaxSent : 0;
  return stream->permitted;
}

SocketResult<> send_one(const contracts::Guest& guest, UdpCore& core,
                        const OutgoingDatagram& datagram) {
  std::optional<Endpoint> peer = core.remote;
  if (datagram.remote_address) {
    const Endpoint named(*datagram.remote_address);
    if (auto fault = fault_of(named, core.socket->family(), AddressUse::SendUdp))
      return refuse(*fault);
    if (peer && *peer != named) return refuse(SocketError::InvalidArgument);
    peer = named;
  }
  if (!peer) return refuse(SocketError::InvalidArgument);
  if (!core.may_send(guest, *peer)) return refuse(SocketError::AccessDenied);
  std::ptrdiff_t n;
  do {
    n = ::sendto(core.socket->number(), datagram.data.data(), datagram.data.size(),
                 MSG_DONTWAIT | MSG_NOSIGNAL, core.remote ? nullptr : peer->data(),
                 core.remote ? 0 : peer->size());
  } while (n < 0 && errno == EINTR);
  if (n < 0) return refuse_errno(errno);
  return {};
}

// More than was permitted is a trap.
Result<SocketResult<std::uint64_t>> send(Call& call, Borrow<OutgoingDatagramStream> stream,
                                         std::vector<OutgoingDatagram> datagrams) {
  using Sent = SocketResult<std::uint64_t>;
  if (!stream->works()) return Sent(refuse(SocketError::InvalidState));
  if (datagrams.empty()) return Sent(0);
  const std::uint64_t permitted = std::exchange(stream->permitted, 0);
  if (datagrams.size() > permitted) {
    return fail(ErrorCode::InvalidArgument, "send: {} datagrams where check-send permits {}",
                datagrams.size(), permitted);
  }
  std::uint64_t sent = 0;
  for (const auto& datagram : datagrams) {
    const auto done = send_one(call.host<contracts::Guest>(), stream->core(), datagram);
    if (!done) {
      if (sent == 0 && done.error() != SocketError::WouldBlock) return Sent(refuse(done.error()));
      break;
    }
    ++sent;
  }
  return Sent(sent);
}

Own<Pollable> outgoing_subscribe(Call&, Borrow<OutgoingDatagramStream> stream) {
  return std::make_unique<DatagramPollable<Direction::Out>>(*stream);
}

}  // namespace

void add_udp(component::HostInterfaces& host) {
  host.add("wasi:sockets/udp-create-socket@0.2.12").func<&create_udp_socket>("create-udp-socket");
  host.add("wasi:sockets/udp@0.2.12")
      .resource<UdpSocket>("udp-socket")
      .resource<IncomingDatagramStream>("incoming-datagram-stream")
      .resource<OutgoingDatagramStream>("outgoing-datagram-stream")
      .func<&start_bind>("[method]udp-socket.start-bind")
      .func<&finish_bind>("[method]udp-socket.finish-bind")
      .func<&stream>("[method]udp-socket.stream")
      .func<&local_address>("[method]udp-socket.local-address")
      .func<&remote_address>("[method]udp-socket.remote-address")
      .func<&address_family>("[method]udp-socket.address-family")
      .func<&unicast_hop_limit>("[method]udp-socket.unicast-hop-limit")
      .func<&set_unicast_hop_limit>("[method]udp-socket.set-unicast-hop-limit")
      .func<&buffer_size<SO_RCVBUF>>("[method]udp-socket.receive-buffer-size")
      .func<&set_buffer_size<SO_RCVBUF>>("[method]udp-socket.set-receive-buffer-size")
      .func<&buffer_size<SO_SNDBUF>>("[method]udp-socket.send-buffer-size")
      .func<&set_buffer_size<SO_SNDBUF>>("[method]udp-socket.set-send-buffer-size")
      .func<&socket_subscribe>("[method]udp-socket.subscribe")
      .func<&receive>("[method]incoming-datagram-stream.receive")
      .func<&incoming_subscribe>("[method]incoming-datagram-stream.subscribe")
      .func<&check_send>("[method]outgoing-datagram-stream.check-send")
      .func<&send>("[method]outgoing-datagram-stream.send")
      .func<&outgoing_subscribe>("[method]outgoing-datagram-stream.subscribe");
}

}  // namespace unbolt::wasi
