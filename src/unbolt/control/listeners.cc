#include "unbolt/control/listeners.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <utility>

#include "unbolt/http/server.h"

namespace unbolt::control {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kLook{20};
// Each client has the bounds of the listener as it is when that comes.
constexpr telnet::Limits kAccepting{.sessions = 100'000};

// The address where a socket listens, with its port.
std::string address_of(int listener) {
  asio::ip::tcp::endpoint bound;
  auto size = static_cast<socklen_t>(bound.capacity());
  ::getsockname(listener, bound.data(), &size);
  const auto address = bound.address();
  return fmt::format("{}:{}",
                     address.is_v6() ? "[" + address.to_string() + "]" : address.to_string(),
                     bound.port());
}

}  // namespace

class Listeners::Prepared {
 public:
  ~Prepared() {
    for (const auto& [address, socket] : sockets) ::close(socket);
  }
  std::multimap<std::string, int> sockets;  // by address
};

struct Listeners::Active {
  WantedListener wanted;
  std::string address;  // with the port that the system chose
  std::unique_ptr<telnet::Listener> listener;
};

Result<std::shared_ptr<Listeners::Prepared>> Listeners::prepare(
    const std::vector<WantedListener>& wanted) {
  auto prepared = std::make_shared<Prepared>();
  for (const WantedListener& one : wanted) {
    const std::string& address = one.listen.telnet;
    const bool is_there = std::ranges::any_of(
        active_, [&](const auto& active) { return active->wanted.listen.telnet == address; });
    if (is_there) continue;
    auto endpoint = http::parse_listen_address(address);
    if (!endpoint) return std::unexpected(std::move(endpoint).error());
    auto socket = http::listen_on(*endpoint);
    if (!socket) return std::unexpected(std::move(socket).error().in("telnet"));
    prepared->sockets.emplace(address, *socket);
  }
  return prepared;
}

void Listeners::begin(const std::vector<WantedListener>& wanted,
                      std::shared_ptr<Prepared> prepared) {
  std::vector<std::shared_ptr<Active>> active;
  for (const WantedListener& one : wanted) {
    const auto found = std::ranges::find_if(active_, [&](const auto& each) {
      return each && each->wanted.listen.telnet == one.listen.telnet;
    });
    if (found != active_.end()) {
      (*found)->wanted = one;
      active.push_back(std::exchange(*found, nullptr));
      continue;
    }
    auto socket = prepared->sockets.extract(one.listen.telnet);
    if (!socket) continue;
    auto made = std::make_shared<Active>(one, address_of(socket.mapped()), nullptr);
    log_.line(LogLevel::Info, "telnet", "{} answers at {}", one.listen.to, made->address);
    made->listener = std::make_unique<telnet::Listener>(
        loop_, socket.mapped(), kAccepting, log_,
        [this, weak = std::weak_ptr(made)](std::unique_ptr<telnet::Accepted> client) {
          const auto self = weak.lock();
          if (!self) return;
          const Listen& listen = self->wanted.listen;
          telnet::Limits limits;
          limits.idle = listen.idle;
          limits.stalled = listen.stalled;
          if (self->listener->sessions().count() > listen.sessions) {
            client->refuse();
            return;
          }
          client->set_limits(limits);
          data_plane_.post(self->wanted.target,
                           [client = std::move(client)](host::Target& component) mutable {
                             component.attend(std::move(client));
                           });
        });
    active.push_back(std::move(made));
  }
  active_ = std::move(active);  // those that are left over stop
}

std::vector<ListenerStatus> Listeners::status() const {
  std::vector<ListenerStatus> all;
  for (const auto& each : active_) {
    all.push_back({each->address, each->wanted.listen.to, each->listener->sessions().count(),
                   each->wanted.listen.sessions});
  }
  return all;
}

Task<> Listeners::stop(milliseconds grace) {
  const auto deadline = std::chrono::steady_clock::now() + grace;
  for (const auto& each : active_) each->listener->stop();
  const auto any = [&] {
    return std::ranges::any_of(
        active_, [](const auto& each) { return each->listener->sessions().count() > 0; });
  };
  Timer pause(loop_);
  while (any() && std::chrono::steady_clock::now() < deadline) {
    pause.expires_after(kLook);
    co_await pause.async_wait(use_task);
  }
  active_.clear();
}

}  // namespace unbolt::control
