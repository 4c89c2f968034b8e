#include "unbolt/host/message_invocation.h"

#include <expected>
#include <optional>

#include "unbolt/component/names.h"
#include "unbolt/contracts/text.h"

namespace unbolt::host {
namespace {

constexpr std::string_view kHandlerInterface = "wasmcloud:messaging/handler";
constexpr std::string_view kHandlerType =
    "func(msg: record { subject: string, body: list<u8>, reply-to: option<string> }) -> result<_, "
    "string>";

// record broker-message
struct BrokerMessage {
  std::string_view subject;
  ByteView body;
  std::optional<std::string_view> reply_to;
};
using HandleCall = component::ExportCall<std::expected<void, std::string>, BrokerMessage>;

constexpr std::size_t kShown = 200;

Error failed(const engine::Fault& fault, std::string_view component,
             const contracts::Message& message, Log& log) {
  // That the caller left is no news.
  const auto level =
      fault.kind == engine::Fault::Kind::Cancelled ? LogLevel::Debug : LogLevel::Error;
  log.line(level, component, "message of '{}': {}", contracts::printable(message.subject, kShown),
           fault.describe());
  return fault.to_error();
}

}  // namespace

Result<const component::ExportedFunc*> find_message_handler(
    const component::LinkedComponent& component) {
  // Of several versions the first that has the shape.
  const component::ExportedFunc* other = nullptr;
  for (const auto& item : component.plan().exports) {
    if (item.name != "handle-message" ||
        component::split_version(item.interface_name).path != kHandlerInterface)
      continue;
    if (HandleCall::accepts(item, component.resource_ids())) return &item;
    other = &item;
  }
  if (!other) return nullptr;
  return fail(ErrorCode::Conflict,
              "the component's {}#handle-message is\n    {}\n  and here it is called as\n    {}",
              other->interface_name, component::to_wit(*other->type), kHandlerType);
}

Task<Result<>> handle_message(ComponentPool& pool, const component::ExportedFunc& handle,
                              const contracts::Message& message, Log& log) {
  const std::string& component = pool.served().name;
  const auto deadline = std::chrono::steady_clock::now() + pool.served().limits.timeout;
  auto leased = co_await pool.lease(deadline);
  if (!leased) co_return std::unexpected(failed(leased.error(), component, message, log));
  std::unique_ptr<LiveInstance> live = std::move(*leased);
  component::Instance& instance = live->instance();

  BrokerMessage given{message.subject, message.body, std::nullopt};
  if (message.reply_to) given.reply_to = *message.reply_to;
  HandleCall call(instance, handle, given);
  if (!call.begin()) co_await instance.store().settle();

  auto fault = instance.store().take_fault();
  if (fault && live->wasi().exit_status) {
    fault->kind = engine::Fault::Kind::Exit;
    fault->frames.clear();
  }
  if (fault)  // and the instance is dropped
    co_return std::unexpected(failed(*fault, component, message, log));
  auto answer = std::move(call.result());
  pool.release(std::move(live));
  if (answer) co_return Result<>();
  const std::string why = contracts::printable(answer.error(), kShown);
  log.line(LogLevel::Warn, component, "message of '{}': the component answered with an error: {}",
           contracts::printable(message.subject, kShown), why);
  co_return fail(ErrorCode::Unavailable, "the component answered with an error: {}", why);
}

}  // namespace unbolt::host
