#include "unbolt/host/component_pool.h"

#include <charconv>

#include <fmt/format.h>

#include "unbolt/wasi/standard_streams.h"

namespace unbolt::host {

Result<Isolation> parse_isolation(std::string_view text) {
  if (text == "fresh") return Isolation{1};
  constexpr std::string_view kReused = "reused:";
  if (text.starts_with(kReused)) {
    const auto number = text.substr(kReused.size());
    std::uint32_t requests = 0;
    const auto [end, ec] = std::from_chars(number.data(), number.data() + number.size(), requests);
    if (ec == std::errc() && end == number.data() + number.size() && requests >= 1)
      return Isolation{requests};
  }
  return fail(ErrorCode::InvalidArgument,
              "isolation '{}': expected fresh or reused:N, where N is at least 1", text);
}

LiveInstance::LiveInstance(const ServedComponent& served, const engine::FiberSupport& fibers,
                           http::Client& client, Executor loop, ComponentSources* sources,
                           unsigned depth)
    : served_(served),
      callees_(served.name, sources, depth),
      guest_{.component = served.name,
             .loop = loop,
             .links = &served.links,
             .wasi = &wasi_,
             .callees = &callees_,
             .audit = served.audit,
             .revision = served.revision},
      instance_(served.component, fibers, &guest_,
                engine::StoreLimits{served.limits.memory_bytes}) {
  wasi_.environment = &served.environment;
  wasi_.http_client = &client;
  wasi_.streams = &served.streams;
  served_.live_instances.fetch_add(1, std::memory_order_relaxed);
}

LiveInstance::~LiveInstance() { served_.live_instances.fetch_sub(1, std::memory_order_relaxed); }

Task<std::expected<std::unique_ptr<LiveInstance>, engine::Fault>> ComponentPool::lease(
    engine::Deadline deadline, unsigned depth) {
  if (!idle_.empty()) {
    auto instance = std::move(idle_.back());
    idle_.pop_back();
    instance->instance().store().set_deadline(deadline);
    instance->callees().set_depth(depth);
    instance->reset_choices();
    co_return instance;
  }
  co_return co_await make(deadline, nullptr, depth);
}

Task<std::expected<std::unique_ptr<LiveInstance>, engine::Fault>> ComponentPool::make(
    engine::Deadline deadline, std::function<void(wasi::Context&)> prepare, unsigned depth) {
  if (served_.live_instances.load(std::memory_order_relaxed) >= served_.limits.instances) {
    co_return std::unexpected(engine::Fault{
        engine::Fault::Kind::Limit,
        fmt::format("{} instances are live, the most there may be", served_.limits.instances),
        {}});
  }
  auto instance = std::make_unique<LiveInstance>(served_, fibers_, client_, loop_, sources_, depth);
  if (prepare) prepare(instance->wasi());
  instance->instance().store().set_deadline(deadline);
  if (auto fault = co_await instance->instance().start())
    co_return std::unexpected(std::move(*fault));
  instance->keep_choices();
  co_return instance;
}

void ComponentPool::release(std::unique_ptr<LiveInstance> instance) {
  if (++instance->requests < served_.isolation.requests) idle_.push_back(std::move(instance));
}

void ComponentPool::drop_holders() {
  std::erase_if(idle_, [](const auto& instance) { return instance->callees().kept() > 0; });
}

}  // namespace unbolt::host
