#include "unbolt/providers/config_values/config_values.h"

#include <utility>

namespace unbolt::providers {

using contracts::ConfigValues;

ConfigFromValues::ConfigFromValues(ConfigValues values)
    : values_(std::make_shared<const ConfigValues>(std::move(values))) {}

std::shared_ptr<const ConfigValues> ConfigFromValues::snapshot() const {
  std::lock_guard lock(mutex_);
  return values_;
}

void ConfigFromValues::publish(ConfigValues values) {
  auto next = std::make_shared<const ConfigValues>(std::move(values));
  std::lock_guard lock(mutex_);
  values_.swap(next);
}

}  // namespace unbolt::providers
