#include "unbolt/wasi/sockets_network.h"

#include <sys/resource.h>

#include <algorithm>

#include "unbolt/contracts/text.h"
#include "unbolt/wasi/context.h"
#include "unbolt/wasi/sockets_interfaces.h"
#include "unbolt/wasi/streams.h"

namespace unbolt::wasi {
namespace {

constexpr std::size_t kScratch = 64 * 1024;
constexpr std::size_t kShownName = 255;

std::size_t half_of_the_descriptors() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return SIZE_MAX;
  return limit.rlim_cur / 2;
}

// Whether the operator's grants allow it, and the claims too.
template <class Allows>
bool granted(const contracts::NetworkGrants& grants, Allows allows) {
  return allows(grants) && (!grants.claimed || allows(*grants.claimed));
}

}  // namespace

NetworkServices::NetworkServices() : most_sockets(half_of_the_descriptors()) {}

std::shared_ptr<NetworkServices> make_network_services() {
  return std::make_shared<NetworkServices>();
}
std::size_t lingering(const NetworkServices& services) {
  return services.lingering.load(std::memory_order_relaxed);
}

bool InstanceNetwork::may_make_sockets(const contracts::Guest& guest, std::string_view what) {
  if (granted(grants_, [](const auto& grants) { return grants.any(); })) return true;
  deny(guest, what, "--allow-connect or --allow-listen");
  return false;
}

bool InstanceNetwork::covers(const Endpoint& peer) const {
  const auto ip = peer.ip();
  return granted(grants_, [&](const contracts::NetworkGrants& grants) {
    if (grants.allows_connect(ip, peer.port())) return true;
    const auto [first, last] = names_.equal_range(ip);
    return std::any_of(first, last, [&](const auto& known) {
      return grants.allows_connect_by_name(known.second, peer.port());
    });
  });
}

bool InstanceNetwork::may_connect(const contracts::Guest& guest, const Endpoint& peer) {
  if (covers(peer)) return true;
  const auto text = peer.to_string();
  deny(guest, "reaching " + text, "--allow-connect " + text);
  return false;
}

bool InstanceNetwork::may_bind(const contracts::Guest& guest, const Endpoint& local) {
  if (granted(grants_, [&](const auto& grants) {
        return grants.allows_listen(local.ip(), local.port()) ||
               (local.port() == 0 && !grants.connect.empty());
      }))
    return true;
  const auto text = local.to_string();
  deny(guest, "binding " + text, "--allow-listen " + text);
  return false;
}

bool InstanceNetwork::may_listen(const Endpoint& local) const {
  return granted(
      grants_, [&](const auto& grants) { return grants.allows_listen(local.ip(), local.port()); });
}

bool InstanceNetwork::may_resolve(const contracts::Guest& guest, std::string_view name) {
  if (granted(grants_, [&](const auto& grants) { return grants.allows_name(name); })) return true;
  const auto text = contracts::printable(name, kShownName);
  deny(guest, "looking up " + text, "--allow-connect " + text);
  return false;
}

void InstanceNetwork::deny(const contracts::Guest& guest, std::string_view what,
                           std::string_view grant) {
  if (denials_ > kMaxDenials) return;
  const bool last = denials_++ == kMaxDenials;
  guest.links->logging->write(guest.component, LogLevel::Warn, "unbolt",
                              last ? "denied: more of this instance, which is not logged any more"
                                   : fmt::format("denied: {}; grant it with {}", what, grant));
}

void InstanceNetwork::learn(std::string_view name, std::span<const asio::ip::address> addresses) {
  for (const auto& address : addresses) {
    const auto [first, last] = names_.equal_range(address);
    if (std::any_of(first, last, [&](const auto& known) { return known.second == name; })) continue;
    if (learnt_.size() >= kMaxLearnt) {
      const auto [from, to] = names_.equal_range(learnt_.front().first);
      names_.erase(std::find_if(
          from, to, [&](const auto& known) { return known.second == learnt_.front().second; }));
      learnt_.pop_front();
    }
    names_.emplace(address, name);
    learnt_.emplace_back(address, name);
  }
}

SocketShare InstanceNetwork::share_of(const std::shared_ptr<InstanceNetwork>& network) {
  auto& all = network->services_->sockets;
  if (network->sockets_ >= kMaxSockets) return nullptr;
  if (all.fetch_add(1, std::memory_order_relaxed) >= network->services_->most_sockets) {
    all.fetch_sub(1, std::memory_order_relaxed);
    return nullptr;
  }
  ++network->sockets_;
  return {network.get(), [network](InstanceNetwork*) {
            --network->sockets_;
            network->services_->sockets.fetch_sub(1, std::memory_order_relaxed);
          }};
}

std::span<std::uint8_t> InstanceNetwork::scratch() {
  if (scratch_.empty()) scratch_.resize(kScratch);
  return scratch_;
}

std::size_t InstanceNetwork::room_for_unsent() const {
  const std::size_t room = unsent_ < kMaxUnsent ? kMaxUnsent - unsent_ : 0;
  return std::clamp(room, kLeastUnsentEach, kMaxUnsentEach);
}

const std::shared_ptr<InstanceNetwork>& network_of(component::Call& call) {
  Context& context = *call.host<contracts::Guest>().wasi;
  if (!context.network) {
    context.network = std::make_shared<InstanceNetwork>(context.environment->grants.network,
                                                        context.environment->network);
  }
  return context.network;
}

namespace {

using component::Borrow;
using component::Call;
using component::Own;

Own<Network> instance_network(Call&) { return std::make_unique<Network>(); }

// Of the errors of streams only those of connections are the network's.
std::optional<SocketError> network_error_code(Call&, Borrow<IoError> error) {
  if (error->error.code != ErrorCode::ConnectionClosed || error->error.system == 0)
    return std::nullopt;
  return to_socket_error(error->error.system);
}

}  // namespace

void add_sockets(component::HostInterfaces& host) {
  host.add("wasi:sockets/network@0.2.12")
      .resource<Network>("network")
      .func<&network_error_code>("network-error-code");
  host.add("wasi:sockets/instance-network@0.2.12").func<&instance_network>("instance-network");
  add_tcp(host);
  add_udp(host);
  add_name_lookup(host);
}

}  // namespace unbolt::wasi
