// wasi:sockets/ip-name-lookup.
#include <boost/asio/redirect_error.hpp>

#include "unbolt/wasi/context.h"
#include "unbolt/wasi/sockets_interfaces.h"
#include "unbolt/wasi/sockets_network.h"
#include "unbolt/wasi/streams.h"

namespace unbolt::wasi {
namespace {

using component::Borrow;
using component::Call;
using component::Own;

// What was asked for, and what came of it: shared by the stream and its pollables. When both are
// gone, so is the look-up, whatever its thread still does.
struct Answer {
  explicit Answer(Executor loop) : arrived(loop, Timer::time_point::max()) {}
  std::optional<Addresses> addresses;
  std::size_t given = 0;
  Timer arrived;
  std::shared_ptr<Lookup> lookup;
  std::shared_ptr<void> place;  // among the look-ups that may be under way
};

}  // namespace

struct ResolveAddressStream {
  std::shared_ptr<Answer> answer;
};

namespace {

std::shared_ptr<void> place_of(const std::shared_ptr<InstanceNetwork>& network) {
  if (network->lookups >= InstanceNetwork::kMaxLookups) return nullptr;
  ++network->lookups;
  return {network.get(), [network](InstanceNetwork*) { --network->lookups; }};
}

SocketResult<Own<ResolveAddressStream>> resolve_addresses(Call& call, Borrow<Network>,
                                                          std::string_view text) {
  const auto& guest = call.host<contracts::Guest>();
  const auto& network = network_of(call);
  auto host = parse_host(text);
  if (!host) return refuse(host.error());
  auto answer = std::make_shared<Answer>(guest.loop);
  if (const auto* address = std::get_if<asio::ip::address>(&*host)) {
    // It was no secret; but who may have no network is told so at every door.
    if (!network->may_make_sockets(guest, "looking up addresses"))
      return refuse(SocketError::AccessDenied);
    answer->addresses = std::vector{*address};
    return std::make_unique<ResolveAddressStream>(std::move(answer));
  }
  auto& name = std::get<std::string>(*host);
  if (!network->may_resolve(guest, name)) return refuse(SocketError::AccessDenied);
  answer->place = place_of(network);
  answer->lookup = std::make_shared<Lookup>(Lookup{std::move(name), guest.loop, nullptr});
  answer->lookup->done = [weak = std::weak_ptr(answer), network](Addresses addresses) {
    const auto answer = weak.lock();
    if (!answer) return;
    if (addresses) network->learn(answer->lookup->name, *addresses);
    answer->addresses = std::move(addresses);
    answer->place.reset();
    answer->arrived.cancel();
  };
  if (!answer->place || !network->services().resolver.start(answer->lookup))
    return refuse(SocketError::TemporaryResolverFailure);
  return std::make_unique<ResolveAddressStream>(std::move(answer));
}

SocketResult<std::optional<IpAddress>> resolve_next_address(Call&,
                                                            Borrow<ResolveAddressStream> stream) {
  Answer& answer = *stream->answer;
  if (!answer.addresses) return refuse(SocketError::WouldBlock);
  if (!*answer.addresses) return refuse(answer.addresses->error());
  if (answer.given == (*answer.addresses)->size()) return std::optional<IpAddress>();
  return to_wit((**answer.addresses)[answer.given++]);
}

class AnswerPollable final : public Pollable {
 public:
  explicit AnswerPollable(std::shared_ptr<Answer> answer) : answer_(std::move(answer)) {}
  bool ready() override { return answer_->addresses.has_value(); }
  Task<> wait() override {
    while (!ready()) {
      boost::system::error_code ignored;
      co_await answer_->arrived.async_wait(asio::redirect_error(use_task, ignored));
    }
  }
  const void* key() const override { return answer_.get(); }

 private:
  std::shared_ptr<Answer> answer_;
};

Own<Pollable> subscribe(Call&, Borrow<ResolveAddressStream> stream) {
  return std::make_unique<AnswerPollable>(stream->answer);
}

}  // namespace

void add_name_lookup(component::HostInterfaces& host) {
  host.add("wasi:sockets/ip-name-lookup@0.2.12")
      .resource<ResolveAddressStream>("resolve-address-stream")
      .func<&resolve_addresses>("resolve-addresses")
      .func<&resolve_next_address>("[method]resolve-address-stream.resolve-next-address")
      .func<&subscribe>("[method]resolve-address-stream.subscribe");
}

}  // namespace unbolt::wasi
