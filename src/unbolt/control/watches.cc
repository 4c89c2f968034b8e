#include "unbolt/control/watches.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <utility>

#include "unbolt/base/within.h"
#include "unbolt/contracts/text.h"

namespace unbolt::control {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds kSubscribeTime{10};

class Watches::Active {
 public:
  explicit Active(WantedWatch of) : wanted(std::move(of)) {}
  const WantedWatch wanted;
  const std::shared_ptr<contracts::ChangeQueue> queue = std::make_shared<contracts::ChangeQueue>();
  std::unique_ptr<contracts::KeyWatch> watch;
  const std::shared_ptr<Wakeup> told = std::make_shared<Wakeup>();  // woken after the last change
};

Watches::~Watches() = default;

bool Watches::has(const WantedWatch& watch) const {
  return std::ranges::any_of(active_, [&](const auto& each) { return each->wanted == watch; });
}

Task<Result<Watches::List>> Watches::prepare(const std::vector<WantedWatch>& wanted) {
  List prepared;
  for (const WantedWatch& each : wanted) {
    if (has(each)) continue;
    auto fresh = std::make_shared<Active>(each);
    auto watch = co_await within(Clock::now() + kSubscribeTime, "watching the bucket",
                                 each.store->watch(each.bucket, fresh->queue->callback()));
    if (!watch) {
      co_return std::unexpected(std::move(watch).error().in(
          fmt::format("{}: watch '{}' ({})", each.component, contracts::printable(each.bucket, 100),
                      each.store->name())));
    }
    fresh->watch = std::move(*watch);
    prepared.push_back(std::move(fresh));
  }
  co_return prepared;
}

void Watches::begin(List prepared) {
  for (auto& fresh : prepared) {
    asio::co_spawn(loop_, tell(fresh), asio::detached);
    active_.push_back(std::move(fresh));
  }
}

Watches::List Watches::retire(const std::vector<WantedWatch>& wanted) {
  List retired;
  std::erase_if(active_, [&](const std::shared_ptr<Active>& each) {
    const bool stays = std::ranges::find(wanted, each->wanted) != wanted.end();
    if (!stays) retired.push_back(each);
    return !stays;
  });
  return retired;
}

Task<> Watches::tell(std::shared_ptr<Active> from) {
  // However a call ends, its token goes, and the next change has its turn.
  struct Token {
    std::shared_ptr<Wakeup> wakeup;
    ~Token() { wakeup->wake(); }
  };
  while (auto change = co_await from->queue->next(Clock::time_point::max())) {
    auto ended = std::make_shared<Wakeup>();
    data_plane_.post(from->wanted.target,
                     [change = std::move(*change),
                      token = std::make_shared<Token>(ended)](host::Target& component) mutable {
                       component.report(std::move(change), std::move(token));
                     });
    (void)co_await ended->wait_until(Clock::time_point::max());
  }
  from->told->wake();
}

Task<> Watches::end(List retired, std::chrono::milliseconds patience) {
  const auto deadline = Clock::now() + patience;
  for (const auto& each : retired) {
    each->watch.reset();
    each->queue->close();
  }
  for (const auto& each : retired) (void)co_await each->told->wait_until(deadline);
}

}  // namespace unbolt::control
