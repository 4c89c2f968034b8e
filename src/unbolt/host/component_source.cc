#include "unbolt/host/component_source.h"

#include <algorithm>
#include <utility>

#include "unbolt/host/component_pool.h"

namespace unbolt::host {
namespace {

class PoolLease final : public ComponentLease {
 public:
  PoolLease(ComponentPool& pool, std::unique_ptr<LiveInstance> live)
      : pool_(pool), live_(std::move(live)) {}

  component::Instance& instance() override { return live_->instance(); }
  std::chrono::milliseconds timeout() const override { return pool_.served().limits.timeout; }
  void release() override { pool_.release(std::move(live_)); }

 private:
  ComponentPool& pool_;
  std::unique_ptr<LiveInstance> live_;
};

}  // namespace

std::string_view PoolSource::name() const { return pool_.served().name; }

Task<ComponentSource::Leased> PoolSource::lease(LeaseTerms terms) {
  const auto own = std::chrono::steady_clock::now() + pool_.served().limits.timeout;
  auto live = co_await pool_.lease(std::min(terms.deadline, own), terms.depth);
  if (!live) co_return std::unexpected(std::move(live).error());
  co_return std::make_unique<PoolLease>(pool_, std::move(*live));
}

}  // namespace unbolt::host
