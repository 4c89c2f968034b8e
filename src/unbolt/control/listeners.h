// Where an application listens beside HTTP: telnet sessions, which go to components.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "unbolt/base/log.h"
#include "unbolt/control/desired_state.h"
#include "unbolt/host/data_plane.h"
#include "unbolt/telnet/listener.h"

namespace unbolt::control {

// One listener that shall be there.
struct WantedListener {
  Listen listen;
  host::TargetId target{};
  bool operator==(const WantedListener&) const = default;
};

// One that is there.
struct ListenerStatus {
  std::string address;
  std::string component;
  std::size_t sessions = 0;  // now
  std::size_t most = 0;
};

// Bound to the control loop; outlived by what it is made with.
class Listeners {
 public:
  Listeners(Executor loop, host::DataPlane& data_plane, Log& log)
      : loop_(loop), data_plane_(data_plane), log_(log) {}

  // Sockets for addresses where nothing listens yet, which accept nobody before `begin`; dropped,
  // they are closed. Conflict where an address is taken.
  class Prepared;
  Result<std::shared_ptr<Prepared>> prepare(const std::vector<WantedListener>& wanted);
  // Accepts at all of `wanted`, and nowhere else. A listener that leads to another component, or
  // has other bounds, keeps its socket and its sessions; one that is wanted no more tells its
  // sessions so, and their components have a moment to end.
  void begin(const std::vector<WantedListener>& wanted, std::shared_ptr<Prepared> prepared);
  // In the order of the manifest.
  std::vector<ListenerStatus> status() const;
  // No more sessions; ends when the last is gone, or after `grace`.
  Task<> stop(std::chrono::milliseconds grace);

 private:
  struct Active;
  void accept(Active& active);

  Executor loop_;
  host::DataPlane& data_plane_;
  Log& log_;
  std::vector<std::shared_ptr<Active>> active_;
};

}  // namespace unbolt::control
