#include "unbolt/host/http_invocation.h"

#include <optional>

#include "unbolt/host/failures.h"

namespace unbolt::host {
namespace {

using component::Own;
using HandleCall =
    component::ExportCall<void, Own<wasi::IncomingRequest>, Own<wasi::ResponseOutparam>>;

constexpr std::string_view kHandlerInterface = "wasi:http/incoming-handler@0.2.0";

// Where the guest's response-outparam leads.
class Answer final : public wasi::ResponseTarget {
 public:
  explicit Answer(http::ResponseWriter& writer) : writer_(writer) {}
  Result<http::BodyWriter*> start(http::ResponseHead head) override {
    auto started = writer_.start(std::move(head));
    if (started)
      body_ = *started;
    else
      refused_ = started.error();
    return started;
  }
  void failed(const wasi::HttpError& error) override { error_ = error; }

  const std::optional<wasi::HttpError>& error() const { return error_; }
  const std::optional<Error>& refused() const { return refused_; }
  http::BodyWriter* body() const { return body_; }

 private:
  http::ResponseWriter& writer_;
  http::BodyWriter* body_ = nullptr;
  std::optional<wasi::HttpError> error_;
  std::optional<Error> refused_;
};

}  // namespace

Result<const component::ExportedFunc*> find_http_handler(
    const component::LinkedComponent& component) {
  const auto* handle = component.find_export(kHandlerInterface, "handle");
  if (!handle) return nullptr;
  if (!HandleCall::accepts(*handle, component.resource_ids())) {
    return fail(ErrorCode::Conflict, "the component's {}#handle has another type: {}",
                handle->interface_name, component::to_wit(*handle->type));
  }
  return handle;
}

void ComponentHandler::report(const engine::Fault& fault, const http::Request& request) {
  // A client that left is no news.
  const auto level =
      fault.kind == engine::Fault::Kind::Cancelled ? LogLevel::Debug : LogLevel::Error;
  log_.line(level, pool_.served().name, "{} {}: {}", request.head.method, request.head.target,
            fault.describe());
}

Task<> ComponentHandler::handle(http::Request& request, http::ResponseWriter& response) {
  co_await serve(request, response);
}

Task<Served> ComponentHandler::serve(http::Request& request, http::ResponseWriter& response) {
  const auto deadline = std::chrono::steady_clock::now() + pool_.served().limits.timeout;
  auto leased = co_await pool_.lease(deadline);
  if (!leased) {
    report(leased.error(), request);
    const int status = status_of(leased.error());
    answer_with(response, status, text_of(status));
    co_return Served::Failed;
  }
  std::unique_ptr<LiveInstance> live = std::move(*leased);
  component::Instance& instance = live->instance();

  Answer answer(response);
  auto scope = std::make_shared<wasi::RequestScope>();
  scope->target = &answer;
  auto [incoming, outparam] = wasi::make_request(request, scope);
  HandleCall call(instance, handle_, std::move(incoming), std::move(outparam));
  if (!call.begin()) co_await instance.store().settle();

  // From here on the guest's handles reach nothing of this request, whatever it kept.
  scope->end();
  auto fault = instance.store().take_fault();
  if (fault && live->wasi().exit_status) {
    fault->kind = engine::Fault::Kind::Exit;
    fault->frames.clear();
  }
  if (fault) {
    report(*fault, request);
    const int status = status_of(*fault);
    answer_with(response, status, text_of(status));
    co_return Served::Failed;  // and the instance is dropped
  }
  auto served = Served::Failed;
  if (answer.error()) {
    log_.line(LogLevel::Warn, pool_.served().name,
              "{} {}: the component answered with the error {}", request.head.method,
              request.head.target, wasi::name_of(*answer.error()));
    answer_with(response, wasi::status_of(*answer.error()),
                "the component answered with an error\n");
  } else if (answer.refused()) {
    log_.line(LogLevel::Error, pool_.served().name, "{} {}: the response cannot be sent: {}",
              request.head.method, request.head.target, answer.refused()->message);
    answer_with(response, 500, text_of(500));
  } else if (!response.started()) {
    log_.line(LogLevel::Error, pool_.served().name,
              "{} {}: the component returned without setting a response", request.head.method,
              request.head.target);
    answer_with(response, 500, text_of(500));
  } else {
    served = Served::Answered;
  }
  pool_.release(std::move(live));
  co_return served;
}

}  // namespace unbolt::host
