// Configuration that the operator gave.
#pragma once

#include <memory>
#include <mutex>

#include "unbolt/contracts/config.h"

namespace unbolt::providers {

class ConfigFromValues final : public contracts::Config {
 public:
  explicit ConfigFromValues(contracts::ConfigValues values = {});

  std::shared_ptr<const contracts::ConfigValues> snapshot() const override;

  // From now on a snapshot has these values and no others. On any thread.
  void publish(contracts::ConfigValues values);

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const contracts::ConfigValues> values_;
};

}  // namespace unbolt::providers
