#include "unbolt/component/bind.h"
#include "unbolt/wasi/http_interfaces.h"
#include "unbolt/wasi/http_types.h"

namespace unbolt::wasi {
namespace {

using component::Borrow;
using component::Call;
using component::Own;

using Method = HttpMethod<std::string_view>;
using Scheme = HttpScheme<std::string_view>;

Method request_method(Call&, Borrow<IncomingRequest> request) {
  return to_http_method<std::string_view>(request->head.method);
}
std::optional<std::string_view> request_path(Call&, Borrow<IncomingRequest> request) {
  return request->head.target;
}
std::optional<Scheme> request_scheme(Call&, Borrow<IncomingRequest> request) {
  const auto& scheme = request->head.scheme;
  if (scheme == "http") return Scheme(std::in_place_index<0>);
  if (scheme == "https") return Scheme(std::in_place_index<1>);
  return Scheme(std::in_place_index<2>, scheme);
}
std::optional<std::string_view> request_authority(Call&, Borrow<IncomingRequest> request) {
  if (request->head.authority.empty()) return std::nullopt;
  return request->head.authority;
}
Own<Fields> request_headers(Call&, Borrow<IncomingRequest> request) {
  return std::make_unique<Fields>(Fields{request->fields, true});
}

template <class Message>
std::expected<Own<IncomingBody>, None> consume(Call&, Borrow<Message> message) {
  if (std::exchange(message->consumed, true)) return std::unexpected(None{});
  return std::make_unique<IncomingBody>(IncomingBody{message->body});
}

std::uint16_t response_status(Call&, Borrow<IncomingResponse> response) {
  return static_cast<std::uint16_t>(response->status);
}
Own<Fields> response_headers(Call&, Borrow<IncomingResponse> response) {
  return std::make_unique<Fields>(Fields{response->fields, true});
}

std::expected<Own<InputStream>, None> body_stream(Call&, Borrow<IncomingBody> body) {
  if (std::exchange(body->streamed, true)) return std::unexpected(None{});
  return std::make_unique<InputStream>(body->source, body->children.add());
}
Result<Own<FutureTrailers>> body_finish(Call&, Own<IncomingBody> body) {
  if (body->has_children())
    return fail(ErrorCode::InvalidArgument, "incoming-body.finish: its stream is still open");
  return std::make_unique<FutureTrailers>(FutureTrailers{body->source});
}

// Trailers come after the body: what of it was not read is passed over.
class TrailersPollable final : public Pollable {
 public:
  explicit TrailersPollable(std::shared_ptr<IncomingBodySource> source)
      : source_(std::move(source)) {}
  bool ready() override {
    source_->consume(source_->available().size());
    return !source_->open() && source_->available().empty();
  }
  Task<> wait() override {
    while (!ready()) co_await source_->wait();
  }
  const void* key() const override { return source_.get(); }

 private:
  std::shared_ptr<IncomingBodySource> source_;
};

Own<Pollable> trailers_subscribe(Call&, Borrow<FutureTrailers> trailers) {
  return std::make_unique<TrailersPollable>(trailers->source);
}

using Trailers = std::expected<std::optional<Own<Fields>>, HttpError>;
std::optional<std::expected<Trailers, None>> trailers_get(Call&, Borrow<FutureTrailers> trailers) {
  if (!TrailersPollable(trailers->source).ready()) return std::nullopt;
  if (std::exchange(trailers->taken, true))
    return std::expected<Trailers, None>(std::unexpected(None{}));
  if (auto failure = trailers->source->failure()) {
    return std::expected<Trailers, None>(Trailers(std::unexpected(to_http_error(*failure))));
  }
  auto list = trailers->source->trailers();
  if (list.empty()) return std::expected<Trailers, None>(Trailers(std::nullopt));
  return std::expected<Trailers, None>(Trailers(
      std::make_unique<Fields>(Fields{std::make_shared<http::Fields>(std::move(list)), true})));
}

std::optional<HttpError> http_error_code(Call&, Borrow<IoError> error) {
  return to_http_error(error->error);
}

}  // namespace

void add_incoming(component::HostInterface& types) {
  types.resource<IncomingRequest>("incoming-request")
      .resource<IncomingResponse>("incoming-response")
      .resource<IncomingBody>("incoming-body")
      .resource<FutureTrailers>("future-trailers")
      .func<&request_method>("[method]incoming-request.method")
      .func<&request_path>("[method]incoming-request.path-with-query")
      .func<&request_scheme>("[method]incoming-request.scheme")
      .func<&request_authority>("[method]incoming-request.authority")
      .func<&request_headers>("[method]incoming-request.headers")
      .func<&consume<IncomingRequest>>("[method]incoming-request.consume")
      .func<&response_status>("[method]incoming-response.status")
      .func<&response_headers>("[method]incoming-response.headers")
      .func<&consume<IncomingResponse>>("[method]incoming-response.consume")
      .func<&body_stream>("[method]incoming-body.stream")
      .func<&body_finish>("[static]incoming-body.finish")
      .func<&trailers_subscribe>("[method]future-trailers.subscribe")
      .func<&trailers_get>("[method]future-trailers.get")
      .func<&http_error_code>("http-error-code");
}

}  // namespace unbolt::wasi
