// wasmcloud:messaging's consumer onto Messaging.
#include "unbolt/component/bind.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/contracts/interfaces.h"

namespace unbolt::contracts {
namespace {

using component::Call;

// record broker-message
struct BrokerMessageView {
  std::string_view subject;
  ByteView body;
  std::optional<std::string_view> reply_to;
};
struct BrokerMessage {
  std::string subject;
  Bytes body;
  std::optional<std::string> reply_to;
};
template <class T = void>
using Answer = std::expected<T, std::string>;

constexpr std::string_view kNotLinked = "no provider of wasmcloud:messaging is linked";

const std::shared_ptr<Messaging>& provider(Call& call) {
  const Guest& guest = call.host<Guest>();
  return guest.links->messaging.find(guest.chosen.find(Choosable::Messaging), {});
}

Answer<> published(Result<> result) {
  if (!result) return std::unexpected(std::move(result.error().message));
  return {};
}
Task<Answer<>> published_later(std::shared_ptr<Messaging> held, Task<Result<>> result) {
  co_return published(co_await std::move(result));
}
Reply<Answer<>> publish(Call& call, BrokerMessageView message) {
  const auto& messaging = provider(call);
  if (!messaging) return std::unexpected(std::string(kNotLinked));
  auto reply = messaging->publish({message.subject, message.body, message.reply_to});
  if (reply.ready()) return published(std::move(reply).take());
  return published_later(messaging, std::move(reply).task());
}

Answer<BrokerMessage> answered(Result<Message> result) {
  if (!result) return std::unexpected(std::move(result.error().message));
  return BrokerMessage{std::move(result->subject), std::move(result->body),
                       std::move(result->reply_to)};
}
Task<Answer<BrokerMessage>> answered_later(std::shared_ptr<Messaging> held,
                                           Task<Result<Message>> result) {
  co_return answered(co_await std::move(result));
}
Reply<Answer<BrokerMessage>> request(Call& call, std::string_view subject, ByteView body,
                                     std::uint32_t timeout_ms) {
  const auto& messaging = provider(call);
  if (!messaging) return std::unexpected(std::string(kNotLinked));
  auto reply = messaging->request(subject, body, std::chrono::milliseconds(timeout_ms));
  if (reply.ready()) return answered(std::move(reply).take());
  return answered_later(messaging, std::move(reply).task());
}

}  // namespace

void add_messaging(component::HostInterfaces& host) {
  // The records of `types` are here by their shape; the interface has no functions.
  host.add("wasmcloud:messaging/types@0.2.0").every_version();
  host.add("wasmcloud:messaging/consumer@0.2.0")
      .every_version()
      .func<&request>("request")
      .func<&publish>("publish");
}

}  // namespace unbolt::contracts
