#include "unbolt/contracts/config.h"

#include <mutex>

namespace unbolt::contracts {
namespace {

using Snapshot = std::shared_ptr<const ConfigValues>;

class Layers final : public Config {
 public:
  Layers(std::shared_ptr<Config> upper, std::shared_ptr<Config> lower)
      : upper_(std::move(upper)), lower_(std::move(lower)) {}

  Snapshot snapshot() const override {
    Snapshot upper = upper_->snapshot(), lower = lower_->snapshot();
    if (upper->empty()) return lower;
    if (lower->empty()) return upper;
    const std::lock_guard lock(mutex_);
    if (upper != upper_values_ || lower != lower_values_) {
      auto both = std::make_shared<ConfigValues>(*upper);
      both->insert(lower->begin(), lower->end());
      both_ = std::move(both);
      upper_values_ = std::move(upper);
      lower_values_ = std::move(lower);
    }
    return both_;
  }

 private:
  const std::shared_ptr<Config> upper_, lower_;
  mutable std::mutex mutex_;
  // What `both_` was made of.
  mutable Snapshot upper_values_, lower_values_, both_;
};

}  // namespace

std::shared_ptr<Config> layered(std::shared_ptr<Config> upper, std::shared_ptr<Config> lower) {
  if (!upper) return lower;
  return std::make_shared<Layers>(std::move(upper), std::move(lower));
}

}  // namespace unbolt::contracts
