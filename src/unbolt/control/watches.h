// The watched buckets of an application: each change of a key there is told to a component.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "unbolt/contracts/change_queue.h"
#include "unbolt/host/data_plane.h"

namespace unbolt::control {

// One watch that shall be there.
struct WantedWatch {
  std::string bucket;
  std::string component;
  std::shared_ptr<contracts::KeyValue> store;  // where the component's bucket of that name leads
  host::TargetId target{};
  bool operator==(const WantedWatch&) const = default;
};

// Changes of one bucket are told one after the other, to whichever deployment serves then. Each is
// told once as long as its watch stays; where another takes its place, the new one begins before
// the old one ends, so that some may be told twice, and none is lost. Bound to the control loop;
// outlived by what it is made with.
class Watches {
 public:
  Watches(Executor loop, host::DataPlane& data_plane) : loop_(loop), data_plane_(data_plane) {}
  ~Watches();

  class Active;
  using List = std::vector<std::shared_ptr<Active>>;

  // Watches what is not watched yet; nothing is told before `begin`, and dropping them ends them.
  // An error names the bucket.
  Task<Result<List>> prepare(const std::vector<WantedWatch>& wanted);
  // From now on they tell, also of what changed since they were prepared.
  void begin(List prepared);
  // Hands out those that are not wanted any more; they still tell.
  List retire(const std::vector<WantedWatch>& wanted);
  // Ends them, and waits, at most for `patience`, until what came before was told.
  Task<> end(List retired, std::chrono::milliseconds patience);

 private:
  bool has(const WantedWatch& watch) const;
  Task<> tell(std::shared_ptr<Active> from);

  Executor loop_;
  host::DataPlane& data_plane_;
  List active_;
};

}  // namespace unbolt::control
