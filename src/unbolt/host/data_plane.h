// All components on all loops: what requests meet, and how the control plane changes it under them.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "unbolt/host/router.h"
#include "unbolt/host/target.h"
#include "unbolt/http/server.h"

namespace unbolt::host {

// What stands on one loop. Its thread's alone.
class ServiceLoop;

// Made, and destroyed, while no loop runs. Changes are asked for on another loop than these, by
// coroutines; each holds on every loop when its task ends.
class DataPlane {
 public:
  // All of it outlives the data plane.
  DataPlane(std::span<const std::unique_ptr<asio::io_context>> loops,
            const engine::FiberSupport& fibers, Log& log);
  ~DataPlane();
  DataPlane(const DataPlane&) = delete;
  DataPlane& operator=(const DataPlane&) = delete;

  std::size_t loops() const { return loops_.size(); }

  // Serves HTTP at a listening socket, of which each loop takes a duplicate.
  Task<Result<>> serve(int listener);
  // Accepts no more; ends when the last connection is gone, or after `grace`.
  Task<> stop(std::chrono::milliseconds grace);

  // The same number for the same name, also after `remove`: what leads to it leads there again.
  Task<TargetId> add(std::string name);
  Task<> publish(TargetId target, std::shared_ptr<const Deployment> next);
  Task<> publish_canary(TargetId target, std::shared_ptr<const Deployment> canary,
                        unsigned percent);
  Task<> end_canary(TargetId target);
  // Nobody serves in its place.
  Task<> remove(TargetId target);
  Task<> route(RouteTable table);

  // Runs `work` on one loop after the other in turn, with the component there; for calls that do
  // not come over HTTP. On any thread; `work` is dropped where the loops have ended.
  void post(TargetId target, std::move_only_function<void(Target&)> work);

 private:
  Task<> on_each(std::function<void(ServiceLoop&)> change);

  std::vector<std::unique_ptr<ServiceLoop>> loops_;
  std::map<std::string, TargetId, std::less<>> targets_;
  std::atomic<std::size_t> next_loop_ = 0;
};

}  // namespace unbolt::host
