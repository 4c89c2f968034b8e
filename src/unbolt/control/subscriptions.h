// The topics of an application: subscriptions at their brokers, whose messages go to components.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "unbolt/base/blocking_pool.h"
#include "unbolt/base/log.h"
#include "unbolt/contracts/provider_set.h"
#include "unbolt/control/desired_state.h"
#include "unbolt/host/data_plane.h"

namespace unbolt::control {

// One subscription that shall be there.
struct WantedTopic {
  std::string subject;
  std::string group;  // never empty
  std::string url;    // of the broker
  std::string component;
  host::TargetId target{};
  std::size_t in_flight = 64;
  bool operator==(const WantedTopic&) const = default;
};

// Bound to the control loop; outlived by what it is made with.
class Subscriptions {
 public:
  // All of it outlives the subscriptions.
  Subscriptions(contracts::ProviderSet& providers, host::DataPlane& data_plane,
                BlockingPool& blocking, Log& log)
      : providers_(providers), data_plane_(data_plane), blocking_(blocking), log_(log) {}

  // Those that are left over when others take their place.
  class Retired;

  // Subscribes to what is not there yet; what is there and wanted stays as it is, what is wanted no
  // more is handed out, still at work. An error names the topic, and nothing has changed.
  Task<Result<std::shared_ptr<Retired>>> update(std::vector<WantedTopic> wanted);

  // Takes no more messages, and waits for those that were taken. What is still unanswered after
  // `patience` is said in the log.
  Task<> drain(std::shared_ptr<Retired> retired, std::chrono::milliseconds patience);

  std::vector<WantedTopic> wanted() const;

 private:
  struct Active {
    WantedTopic wanted;
    std::shared_ptr<contracts::Messaging> provider;
    std::unique_ptr<contracts::Subscription> subscription;
  };
  Task<Result<Active>> subscribe(WantedTopic wanted);

  contracts::ProviderSet& providers_;
  host::DataPlane& data_plane_;
  BlockingPool& blocking_;
  Log& log_;
  std::vector<Active> active_;
};

}  // namespace unbolt::control
