#include "unbolt/host/watch_invocation.h"

#include <memory>

#include "unbolt/component/strings.h"
#include "unbolt/contracts/bucket.h"
#include "unbolt/contracts/text.h"

namespace unbolt::host {
namespace {

using component::Own;
using contracts::Bucket;
using contracts::KeyChange;

constexpr std::string_view kWatcherInterface = "wasi:keyvalue/watcher@0.2.0-draft";
constexpr std::string_view kDraft2 = "wasi:keyvalue/watcher@0.2.0-draft2";  // the same

using OnSet = component::ExportCall<void, Own<Bucket>, std::string_view, ByteView>;
using OnDelete = component::ExportCall<void, Own<Bucket>, std::string_view>;

std::string shown(const KeyChange& change) {
  return fmt::format("change of '{}' in '{}'", contracts::printable(change.key, 100),
                     contracts::printable(change.bucket, 100));
}

Error failed(const engine::Fault& fault, std::string_view component, const KeyChange& change,
             Log& log) {
  // That the caller left is no news.
  const auto level =
      fault.kind == engine::Fault::Kind::Cancelled ? LogLevel::Debug : LogLevel::Error;
  log.line(level, component, "{}: {}", shown(change), fault.describe());
  return fault.to_error();
}

template <class Call>
Task<> run(Call& call, component::Instance& instance) {
  if (!call.begin()) co_await instance.store().settle();
}

}  // namespace

Result<std::optional<Watcher>> find_watcher(const component::LinkedComponent& component) {
  const auto of = [&](std::string_view interface) {
    return Watcher{component.find_export(interface, "on-set"),
                   component.find_export(interface, "on-delete")};
  };
  Watcher watcher = of(kWatcherInterface);
  if (!watcher.on_set && !watcher.on_delete) watcher = of(kDraft2);
  if (!watcher.on_set && !watcher.on_delete) return std::nullopt;
  const bool typed = watcher.on_set && watcher.on_delete &&
                     OnSet::accepts(*watcher.on_set, component.resource_ids()) &&
                     OnDelete::accepts(*watcher.on_delete, component.resource_ids());
  if (typed) return watcher;
  return fail(ErrorCode::Conflict,
              "the component's {} has not the functions of the contract, on-set: func(bucket: "
              "bucket, key: string, value: list<u8>) and on-delete: func(bucket: bucket, key: "
              "string)",
              (watcher.on_set ? watcher.on_set : watcher.on_delete)->interface_name);
}

Task<Result<>> report_change(ComponentPool& pool, const Watcher& watcher, const KeyChange& change,
                             Log& log) {
  const std::string& component = pool.served().name;
  if (change.kind == KeyChange::Kind::Missed) {
    log.line(LogLevel::Warn, component,
             "changes of keys may have been missed: the provider was cut off from its server, or "
             "they came too quickly");
    co_return Result<>();
  }
  if (!component::valid_utf8(as_bytes(change.bucket)) ||
      !component::valid_utf8(as_bytes(change.key))) {
    log.line(LogLevel::Warn, component, "{}: not told, since it is no text", shown(change));
    co_return fail(ErrorCode::InvalidArgument, "{}: it is no text", shown(change));
  }
  const auto deadline = std::chrono::steady_clock::now() + pool.served().limits.timeout;
  auto leased = co_await pool.lease(deadline);
  if (!leased) co_return std::unexpected(failed(leased.error(), component, change, log));
  std::unique_ptr<LiveInstance> live = std::move(*leased);
  component::Instance& instance = live->instance();

  auto bucket = std::make_unique<Bucket>(Bucket{{change.bucket}, {}});
  if (change.kind == KeyChange::Kind::Set) {
    OnSet call(instance, *watcher.on_set, std::move(bucket), std::string_view(change.key),
               ByteView(*change.value));
    co_await run(call, instance);
  } else {
    OnDelete call(instance, *watcher.on_delete, std::move(bucket), std::string_view(change.key));
    co_await run(call, instance);
  }

  auto fault = instance.store().take_fault();
  if (fault && live->wasi().exit_status) {
    fault->kind = engine::Fault::Kind::Exit;
    fault->frames.clear();
  }
  if (fault)  // and the instance is dropped
    co_return std::unexpected(failed(*fault, component, change, log));
  pool.release(std::move(live));
  co_return Result<>();
}

}  // namespace unbolt::host
