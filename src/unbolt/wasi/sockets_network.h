// What stands behind the sockets of a component: what all its instances share, and what one
// instance may do and holds.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/component/bind.h"
#include "unbolt/contracts/grants.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/wasi/sockets_native.h"
#include "unbolt/wasi/sockets_resolver.h"

namespace unbolt::wasi {

// Of the program. Thread-safe; outlives the instances, and is outlived by the loops.
struct NetworkServices {
  NetworkServices();
  Resolver resolver;
  // Connections that guests have let go of and whose last bytes are still on their way.
  std::atomic<std::size_t> lingering = 0;
  std::atomic<std::size_t> sockets = 0;
  std::size_t most_sockets;  // half of the descriptors that the process may have
};

// Of one instance, made when it first asks; shared by all of its sockets, which may outlive it.
class InstanceNetwork {
 public:
  static constexpr std::size_t kMaxSockets = 1024;
  // What connections may hold back for a peer that is slow; each may always hold a little.
  static constexpr std::size_t kMaxUnsent = 16 << 20;
  static constexpr std::size_t kMaxUnsentEach = 64 * 1024, kLeastUnsentEach = 4 * 1024;
  static constexpr std::size_t kMaxLookups = 16;

  InstanceNetwork(const contracts::NetworkGrants& grants, std::shared_ptr<NetworkServices> services)
      : grants_(grants), services_(std::move(services)) {}

  // ---- What it may do. Each refusal is a line in the log.
  bool may_make_sockets(const contracts::Guest& guest, std::string_view what);
  bool may_connect(const contracts::Guest& guest, const Endpoint& peer);
  // Without a word, for datagrams.
  bool covers(const Endpoint& peer) const;
  // A client may have an address of its own, with a port that the system picks; any other takes a
  // listen grant.
  bool may_bind(const contracts::Guest& guest, const Endpoint& local);
  bool may_listen(const Endpoint& local) const;
  bool may_resolve(const contracts::Guest& guest, std::string_view name);
  void deny(const contracts::Guest& guest, std::string_view what, std::string_view grant);
  // `name` was found to have these addresses.
  void learn(std::string_view name, std::span<const asio::ip::address> addresses);

  // ---- What it holds.

  // A share of the sockets that there may be; null where there are no more.
  static SocketShare share_of(const std::shared_ptr<InstanceNetwork>& network);
  NetworkServices& services() { return *services_; }
  // For bytes on their way into the guest: valid until the next call from it.
  std::span<std::uint8_t> scratch();
  // How much one more connection may hold back.
  std::size_t room_for_unsent() const;
  void add_unsent(std::size_t size) { unsent_ += size; }
  void remove_unsent(std::size_t size) { unsent_ -= size; }
  std::size_t lookups = 0;  // under way

 private:
  static constexpr std::size_t kMaxDenials = 100;
  static constexpr std::size_t kMaxLearnt = 4096;

  const contracts::NetworkGrants& grants_;
  std::shared_ptr<NetworkServices> services_;
  std::size_t sockets_ = 0;
  std::size_t unsent_ = 0;
  std::size_t denials_ = 0;
  // Names by address, and in the order in which they came.
  std::multimap<asio::ip::address, std::string> names_;
  std::deque<std::pair<asio::ip::address, std::string>> learnt_;
  Bytes scratch_;
};

// wasi:sockets/network: it says nothing but that there is one; the instance's grants decide.
class Network {};

// The network of the instance that calls.
const std::shared_ptr<InstanceNetwork>& network_of(component::Call& call);

}  // namespace unbolt::wasi
