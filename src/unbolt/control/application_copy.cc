// A swap of a store that carries over what the old one holds.
#include <functional>
#include <utility>

#include "unbolt/contracts/blob_handover.h"
#include "unbolt/contracts/key_value_handover.h"
#include "unbolt/control/application.h"

namespace unbolt::control {
namespace {

using Copy = std::function<Task<Result<contracts::CopyReport>>(contracts::HandoverOptions)>;

// Calls of `through` go to the old store by way of a handover to the new one; answers with what
// makes it copy.
template <class Handover, class Contract>
Copy put_between(contracts::LinkedProviders<Contract>& through,
                 const contracts::LinkedProviders<Contract>& next, const std::string& name) {
  auto handover = std::make_shared<Handover>(through.find(name), next.find(name));
  through.set(name, handover);
  return [handover](contracts::HandoverOptions options) { return handover->copy(options); };
}

}  // namespace

// First calls go to the old store through a handover; when none is left that goes past it, the data
// is copied behind it and it cuts over; then calls go to the new store alone.
Task<Result<ChangeReport>> Application::carry_over(std::string component, LinkKey link,
                                                   ComponentState next, Carry carry,
                                                   std::string words,
                                                   host::ConcurrencyGate::Pass turn,
                                                   Clock::time_point begun) {
  Running& running = running_.at(component);
  if (running.canary) {
    co_return std::unexpected(Error{ErrorCode::Conflict,
                                    component + ": a canary serves beside it, with the same store",
                                    "end it first: unbolt rollback, or unbolt swap to its file"});
  }
  const ComponentState original = running.made.state;
  const auto patience = patience_of(running.made);
  auto made = co_await make(component, std::move(next), &running.made, {});
  if (!made) co_return std::unexpected(std::move(made).error());
  auto through = co_await make(component, original, &running.made, {});
  if (!through) co_return std::unexpected(std::move(through).error());
  auto& links = through->deployment->served.links;
  const auto& next_links = made->deployment->served.links;
  const Copy copy = link.contract == kKeyValue
                        ? put_between<contracts::KeyValueHandover>(links.key_value,
                                                                   next_links.key_value, link.name)
                        : put_between<contracts::BlobHandover>(links.blob_store,
                                                               next_links.blob_store, link.name);

  through->find_watched();

  auto before = running.made.tally;
  const auto back_to = running.previous;
  bool committed = false;
  ChangeReport report = co_await publish(component, std::move(*through), begun);
  Calls calls{original.digest, 0, 0, 0};
  const auto count = [&calls](const host::Tally& tally) {
    calls.begun += tally.begun();
    calls.failed += tally.failed();
  };
  Result<contracts::CopyReport> copied;
  if (auto watched = co_await watch_again(patience); !watched) {
    copied = std::unexpected(std::move(watched).error());
  } else if (co_await wait_gone(before, patience)) {
    contracts::HandoverOptions options;
    // A host that is killed from here on begins with the new store, which holds all.
    options.commit = [&]() -> Task<Result<>> {
      committed = true;
      desired_.components.insert_or_assign(component, made->state);
      running_.at(component).previous = original;
      co_return co_await store();
    };
    options.existing = carry == Carry::Overwrite ? contracts::HandoverOptions::Existing::Mirror
                                                 : contracts::HandoverOptions::Existing::Refuse;
    copied = co_await copy(options);
  } else {
    copied = fail(ErrorCode::Timeout, "{} calls that began before are still under way",
                  before->in_flight());
  }
  count(*before);
  before = running.made.tally;
  if (!copied) {
    // The old store alone, as it was.
    auto back = co_await make(component, original, &running.made, {});
    if (back) {
      co_await publish(component, std::move(*back), begun);
      if (auto watched = co_await watch_again(patience); !watched)
        parts_.log.line(LogLevel::Warn, component, "{}", watched.error().message);
    }
    running.previous = back_to;
    if (committed) {
      desired_.components.insert_or_assign(component, original);
      if (auto kept = co_await store(); !kept)
        parts_.log.line(LogLevel::Error, component, "{}; a restart would begin with the new store",
                        kept.error().message);
    }
    Error error = std::move(copied).error().in(fmt::format(
        "{}: {}: nothing was swapped, as the data could not be carried over", component, words));
    if (carry == Carry::Data && error.code == ErrorCode::Conflict)
      error.hint = "name a store that is empty, or add --overwrite: what it holds is removed";
    co_return std::unexpected(std::move(error));
  }
  const auto now = made->tally;
  const auto ready = report.ready;
  report = co_await publish(component, std::move(*made), begun);
  report.ready = ready;
  if (auto watched = co_await watch_again(patience); !watched)
    parts_.log.line(LogLevel::Warn, component, "{}", watched.error().message);
  auto kept = co_await keep();
  turn = {};
  report.before.revision = report.after.revision = original.digest;
  co_await finish(report, before, now, patience, begun);
  count(*before);
  report.before = calls;
  report.copied = *copied;
  report.change = std::move(words);
  if (!kept) {
    co_return std::unexpected(
        std::move(kept).error().in("the change is in service, but a restart would not know of it"));
  }
  co_return report;
}

}  // namespace unbolt::control
