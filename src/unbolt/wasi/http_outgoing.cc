#include <algorithm>
#include <charconv>

#include "unbolt/component/bind.h"
#include "unbolt/contracts/guest.h"
#include "unbolt/http/text.h"
#include "unbolt/wasi/context.h"
#include "unbolt/wasi/http_interfaces.h"
#include "unbolt/wasi/http_types.h"

namespace unbolt::wasi {
namespace {

using component::Borrow;
using component::Call;
using component::Own;

using Done = std::expected<void, None>;

Executor loop_of(Call& call) { return call.host<contracts::Guest>().loop; }

// ---- outgoing-response

Own<OutgoingResponse> response_new(Call&, Own<Fields> headers) {
  auto response = std::make_unique<OutgoingResponse>();
  response->fields = std::move(headers->list);
  return response;
}
std::uint16_t response_status(Call&, Borrow<OutgoingResponse> response) { return response->status; }
Done response_set_status(Call&, Borrow<OutgoingResponse> response, std::uint16_t status) {
  if (status < 100 || status > 999) return std::unexpected(None{});
  response->status = status;
  return {};
}

template <class Message>
Own<Fields> headers_of(Call&, Borrow<Message> message) {
  return std::make_unique<Fields>(Fields{message->fields, true});
}
// What the content-length says, where it is one.
std::optional<std::uint64_t> declared_length(const http::Fields& fields) {
  std::optional<std::uint64_t> length;
  for (const auto& field : fields) {
    if (!http::equals_ignoring_case(field.name, "content-length")) continue;
    std::uint64_t value = 0;
    const char* end = field.value.data() + field.value.size();
    const auto [stop, ec] = std::from_chars(field.value.data(), end, value);
    if (ec != std::errc() || stop != end) return std::nullopt;
    length = value;
  }
  return length;
}

template <class Message>
std::expected<Own<OutgoingBody>, None> body_of(Call& call, Borrow<Message> message) {
  if (message->body) return std::unexpected(None{});
  constexpr bool kResponse = std::same_as<Message, OutgoingResponse>;
  // A response may have none of the body that it declares: to HEAD, with 304. Its writer knows.
  message->body = std::make_shared<OutgoingBodySink>(
      loop_of(call), kResponse ? std::nullopt : declared_length(*message->fields));
  return std::make_unique<OutgoingBody>(message->body, kResponse);
}

// ---- outgoing-body

std::expected<Own<OutputStream>, None> body_write(Call&, Borrow<OutgoingBody> body) {
  if (std::exchange(body->written, true)) return std::unexpected(None{});
  return std::make_unique<OutputStream>(body->sink, body->children.add());
}
using Finished = std::expected<void, HttpError>;
Result<Finished> body_finish(Call&, Own<OutgoingBody> body, std::optional<Own<Fields>> trailers) {
  if (body->has_children())
    return fail(ErrorCode::InvalidArgument, "outgoing-body.finish: its stream is still open");
  body->done = true;
  auto finished = body->sink->finish(trailers ? *(*trailers)->list : http::Fields{});
  if (finished) return Finished{};
  if (finished.error().code == ErrorCode::ProtocolError) {
    const OptionalU64 written = body->sink->written();
    return Finished(std::unexpected(body->of_response
                                        ? http_error<HttpErrorCase::HttpResponseBodySize>(written)
                                        : http_error<HttpErrorCase::HttpRequestBodySize>(written)));
  }
  return Finished(std::unexpected(to_http_error(finished.error())));
}

// ---- response-outparam

Result<> outparam_set(Call&, Own<ResponseOutparam> outparam,
                      std::expected<Own<OutgoingResponse>, HttpError> response) {
  RequestScope& scope = *outparam->scope;
  ResponseTarget* target = std::exchange(scope.target, nullptr);
  if (!target) return {};  // the request has ended already
  if (!response) {
    target->failed(response.error());
    return {};
  }
  OutgoingResponse& message = **response;
  auto writer = target->start({message.status, *message.fields});
  if (!writer) {
    if (message.body) message.body->cut_off();
    return {};
  }
  if (!message.body) {
    (void)(*writer)->finish({});
    return {};
  }
  scope.response_body = message.body;
  message.body->attach(*writer);
  return {};
}

// ---- outgoing-request

using Method = HttpMethod<std::string>;
using Scheme = HttpScheme<std::string>;

bool is_visible(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](unsigned char c) { return c > 0x20 && c != 0x7f; });
}

Own<OutgoingRequest> request_new(Call&, Own<Fields> headers) {
  auto request = std::make_unique<OutgoingRequest>();
  request->fields = std::move(headers->list);
  return request;
}

Method request_method(Call&, Borrow<OutgoingRequest> request) {
  return to_http_method<std::string>(request->method);
}
Done request_set_method(Call&, Borrow<OutgoingRequest> request, Method method) {
  if (method.index() < std::size(kHttpMethods)) {
    request->method = kHttpMethods[method.index()];
    return {};
  }
  auto& other = std::get<std::size(kHttpMethods)>(method);
  if (!http::is_token(other)) return std::unexpected(None{});
  request->method = std::move(other);
  return {};
}
std::optional<std::string> request_path(Call&, Borrow<OutgoingRequest> request) {
  return request->path_with_query;
}
Done request_set_path(Call&, Borrow<OutgoingRequest> request, std::optional<std::string> path) {
  if (path && !is_visible(*path)) return std::unexpected(None{});
  request->path_with_query = std::move(path);
  return {};
}
std::optional<Scheme> request_scheme(Call&, Borrow<OutgoingRequest> request) {
  if (!request->scheme) return std::nullopt;
  if (*request->scheme == "http") return Scheme(std::in_place_index<0>);
  if (*request->scheme == "https") return Scheme(std::in_place_index<1>);
  return Scheme(std::in_place_index<2>, *request->scheme);
}
Done request_set_scheme(Call&, Borrow<OutgoingRequest> request, std::optional<Scheme> scheme) {
  if (!scheme) {
    request->scheme.reset();
  } else if (scheme->index() < 2) {
    request->scheme = scheme->index() == 0 ? "http" : "https";
  } else {
    auto& other = std::get<2>(*scheme);
    if (!http::is_token(other)) return std::unexpected(None{});
    request->scheme = std::move(other);
  }
  return {};
}
std::optional<std::string> request_authority(Call&, Borrow<OutgoingRequest> request) {
  return request->authority;
}
Done request_set_authority(Call&, Borrow<OutgoingRequest> request,
                           std::optional<std::string> authority) {
  if (authority && (authority->empty() || !http::is_authority(*authority))) {
    return std::unexpected(None{});
  }
  request->authority = std::move(authority);
  return {};
}

// ---- request-options

Own<RequestOptions> options_new(Call&) { return std::make_unique<RequestOptions>(); }
template <auto Member>
OptionalU64 option_get(Call&, Borrow<RequestOptions> options) {
  return (*options).*Member;
}
template <auto Member>
Done option_set(Call&, Borrow<RequestOptions> options, OptionalU64 value) {
  (*options).*Member = value;
  return {};
}

}  // namespace

void add_outgoing(component::HostInterface& types) {
  types.resource<OutgoingRequest>("outgoing-request")
      .resource<RequestOptions>("request-options")
      .resource<ResponseOutparam>("response-outparam")
      .resource<OutgoingResponse>("outgoing-response")
      .resource<OutgoingBody>("outgoing-body")
      .func<&request_new>("[constructor]outgoing-request")
      .func<&body_of<OutgoingRequest>>("[method]outgoing-request.body")
      .func<&request_method>("[method]outgoing-request.method")
      .func<&request_set_method>("[method]outgoing-request.set-method")
      .func<&request_path>("[method]outgoing-request.path-with-query")
      .func<&request_set_path>("[method]outgoing-request.set-path-with-query")
      .func<&request_scheme>("[method]outgoing-request.scheme")
      .func<&request_set_scheme>("[method]outgoing-request.set-scheme")
      .func<&request_authority>("[method]outgoing-request.authority")
      .func<&request_set_authority>("[method]outgoing-request.set-authority")
      .func<&headers_of<OutgoingRequest>>("[method]outgoing-request.headers")
      .func<&options_new>("[constructor]request-options")
      .func<&option_get<&RequestOptions::connect>>("[method]request-options.connect-timeout")
      .func<&option_set<&RequestOptions::connect>>("[method]request-options.set-connect-timeout")
      .func<&option_get<&RequestOptions::first_byte>>("[method]request-options.first-byte-timeout")
      .func<&option_set<&RequestOptions::first_byte>>(
          "[method]request-options.set-first-byte-timeout")
      .func<&option_get<&RequestOptions::between_bytes>>(
          "[method]request-options.between-bytes-timeout")
      .func<&option_set<&RequestOptions::between_bytes>>(
          "[method]request-options.set-between-bytes-timeout")
      .func<&outparam_set>("[static]response-outparam.set")
      .func<&response_new>("[constructor]outgoing-response")
      .func<&response_status>("[method]outgoing-response.status-code")
      .func<&response_set_status>("[method]outgoing-response.set-status-code")
      .func<&headers_of<OutgoingResponse>>("[method]outgoing-response.headers")
      .func<&body_of<OutgoingResponse>>("[method]outgoing-response.body")
      .func<&body_write>("[method]outgoing-body.write")
      .func<&body_finish>("[static]outgoing-body.finish");
}

}  // namespace unbolt::wasi
