// wasi:http/outgoing-handler: requests that a guest makes, where a grant covers their host.
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>

#include "unbolt/component/bind.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/wasi/context.h"
#include "unbolt/wasi/http_interfaces.h"
#include "unbolt/wasi/http_types.h"
#include "unbolt/wasi/interfaces.h"

namespace unbolt::wasi {
namespace {

using component::Borrow;
using component::Call;
using component::Own;

// A request under way: shared by the task that waits for its response and the handles that look at
// it.
struct Pending {
  explicit Pending(Executor loop) : arrived(loop, Timer::time_point::max()) {}
  std::shared_ptr<http::ClientExchange> exchange;
  std::optional<Result<http::ClientResponse>> response;
  Timer arrived;
  asio::cancellation_signal stop;
};

Task<> receive(std::shared_ptr<Pending> pending) {
  auto response = co_await pending->exchange->response();
  pending->response = std::move(response);
  pending->arrived.cancel();
}

}  // namespace

// wasi:http/types: future-incoming-response
struct FutureIncomingResponse {
  explicit FutureIncomingResponse(std::shared_ptr<Pending> request) : pending(std::move(request)) {}
  FutureIncomingResponse(const FutureIncomingResponse&) = delete;
  FutureIncomingResponse& operator=(const FutureIncomingResponse&) = delete;
  std::shared_ptr<Pending> pending;
  bool taken = false;
  ~FutureIncomingResponse() {
    if (!pending->response) pending->stop.emit(asio::cancellation_type::terminal);
  }
};

namespace {

class ResponsePollable final : public Pollable {
 public:
  explicit ResponsePollable(std::shared_ptr<Pending> pending) : pending_(std::move(pending)) {}
  bool ready() override { return pending_->response.has_value(); }
  Task<> wait() override {
    while (!ready()) {
      boost::system::error_code ec;
      co_await pending_->arrived.async_wait(asio::redirect_error(use_task, ec));
      if (!ready() && ec == asio::error::operation_aborted) co_return;  // cancelled
    }
  }
  const void* key() const override { return pending_.get(); }

 private:
  std::shared_ptr<Pending> pending_;
};

Own<Pollable> future_subscribe(Call&, Borrow<FutureIncomingResponse> future) {
  return std::make_unique<ResponsePollable>(future->pending);
}

using Response = std::expected<Own<IncomingResponse>, HttpError>;
std::optional<std::expected<Response, None>> future_get(Call&,
                                                        Borrow<FutureIncomingResponse> future) {
  if (!future->pending->response) return std::nullopt;
  if (std::exchange(future->taken, true))
    return std::expected<Response, None>(std::unexpected(None{}));
  auto& response = *future->pending->response;
  if (!response) {
    return std::expected<Response, None>(
        Response(std::unexpected(to_http_error(response.error()))));
  }
  auto incoming = std::make_unique<IncomingResponse>();
  incoming->status = response->head.status;
  incoming->fields = std::make_shared<http::Fields>(std::move(response->head.fields));
  incoming->body = std::make_shared<IncomingBodySource>(std::move(response->body));
  return std::expected<Response, None>(Response(std::move(incoming)));
}

http::ClientTimeouts timeouts(const std::optional<Own<RequestOptions>>& options) {
  http::ClientTimeouts timeouts;
  if (!options) return timeouts;
  const auto set = [](std::chrono::nanoseconds& to, const OptionalU64& from) {
    if (from) to = std::chrono::nanoseconds(std::min<std::uint64_t>(*from, INT64_MAX));
  };
  set(timeouts.connect, (*options)->connect);
  set(timeouts.first_byte, (*options)->first_byte);
  set(timeouts.between_bytes, (*options)->between_bytes);
  return timeouts;
}

using Handled = std::expected<Own<FutureIncomingResponse>, HttpError>;

Handled handle(Call& call, Own<OutgoingRequest> request,
               std::optional<Own<RequestOptions>> options) {
  const auto& guest = call.host<contracts::Guest>();
  Context& context = *guest.wasi;
  http::RequestHead head;
  head.method = request->method;
  head.scheme = request->scheme.value_or("https");
  if (head.scheme != "http" && head.scheme != "https") {
    return std::unexpected(http_error<HttpErrorCase::HttpProtocolError>());
  }
  if (!request->authority)
    return std::unexpected(http_error<HttpErrorCase::HttpRequestUriInvalid>());
  head.authority = *request->authority;
  head.target = request->path_with_query && !request->path_with_query->empty()
                    ? *request->path_with_query
                    : "/";
  head.fields = *request->fields;
  if (!context.environment->grants.allows_host(head.authority, head.scheme == "https" ? 443 : 80)) {
    guest.links->logging->write(
        guest.component, LogLevel::Warn, "unbolt",
        fmt::format("denied: a request to {}; grant it with --allow-host", head.authority));
    return std::unexpected(http_error<HttpErrorCase::HttpRequestDenied>());
  }
  auto started = context.http_client->start(std::move(head), timeouts(options));
  if (!started) return std::unexpected(to_http_error(started.error()));
  auto pending = std::make_shared<Pending>(guest.loop);
  pending->exchange = std::move(*started);
  if (request->body) {
    request->body->attach(&pending->exchange->body(), pending->exchange);
  } else {
    (void)pending->exchange->body().finish({});
  }
  asio::co_spawn(
      guest.loop, receive(pending),
      asio::bind_cancellation_slot(pending->stop.slot(), [pending](std::exception_ptr failure) {
        if (failure && !pending->response) {
          pending->response = fail(ErrorCode::Cancelled, "the request was cancelled");
          pending->arrived.cancel();
        }
      }));
  return std::make_unique<FutureIncomingResponse>(std::move(pending));
}

}  // namespace

void add_outgoing_handler(component::HostInterfaces& host, component::HostInterface& types) {
  types.resource<FutureIncomingResponse>("future-incoming-response")
      .func<&future_subscribe>("[method]future-incoming-response.subscribe")
      .func<&future_get>("[method]future-incoming-response.get");
  host.add("wasi:http/outgoing-handler@0.2.12").func<&handle>("handle");
}

void add_http(component::HostInterfaces& host) {
  auto& types = host.add("wasi:http/types@0.2.12");
  add_fields(types);
  add_incoming(types);
  add_outgoing(types);
  add_outgoing_handler(host, types);
}

}  // namespace unbolt::wasi
