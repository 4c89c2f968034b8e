#include "unbolt/host/json_invocation.h"

#include <boost/asio/experimental/awaitable_operators.hpp>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "unbolt/component/json_text.h"
#include "unbolt/component/strings.h"
#include "unbolt/component/value_call.h"
#include "unbolt/component/value_json.h"
#include "unbolt/host/failures.h"
#include "unbolt/http/text.h"

namespace unbolt::host {
namespace {

const std::string* find_field(const http::Fields& fields, std::string_view name) {
  for (const auto& field : fields) {
    if (http::equals_ignoring_case(field.name, name)) return &field.value;
  }
  return nullptr;
}

// "application/json", "application/vnd.x+json", with any parameters.
bool is_json(std::string_view media_type) {
  const auto type = http::trim(media_type.substr(0, media_type.find(';')));
  if (http::equals_ignoring_case(type, "application/json")) return true;
  constexpr std::string_view kSuffix = "+json";
  return type.size() > kSuffix.size() &&
         http::equals_ignoring_case(type.substr(type.size() - kSuffix.size()), kSuffix);
}

JsonAnswer wrong_method(const http::Request& request, std::string_view allowed) {
  auto answer =
      problem(405, fmt::format("{} is not for this path: use {}", request.head.method, allowed));
  answer.fields.push_back({"allow", std::string(allowed)});
  return answer;
}

// A browser sends no JSON to another site's server unasked: that it must say what it sends keeps
// pages from calling functions.
std::optional<JsonAnswer> check_type(const http::Request& request) {
  const auto* encoding = find_field(request.head.fields, "content-encoding");
  if (encoding && !http::equals_ignoring_case(*encoding, "identity"))
    return problem(415, fmt::format("the body is encoded as {}: send it as it is", *encoding));
  const auto* type = find_field(request.head.fields, "content-type");
  if (type && is_json(*type)) return std::nullopt;
  auto answer =
      problem(415, fmt::format("the body is {}: send content-type: application/json (curl --json)",
                               type ? *type : "of no type"));
  answer.fields.push_back({"accept", "application/json"});
  return answer;
}

JsonAnswer document(const http::Request& request, const std::string& body) {
  if (request.head.method != "GET" && request.head.method != "HEAD")
    return wrong_method(request, "GET, HEAD");
  return {.body = body};
}

// "nearest":["/a/b","/a/c"]
std::string nearest_member(const std::vector<std::string>& paths) {
  std::string out = "\"nearest\":[";
  for (const auto& path : paths) {
    if (&path != &paths.front()) out += ',';
    component::append_json_string(out, path);
  }
  return out + ']';
}

}  // namespace

// What a request holds of the bytes that a loop may buffer.
class JsonHandler::Room {
 public:
  explicit Room(JsonHandler& handler) : handler_(handler) {}
  ~Room() { handler_.buffered_ -= taken_; }
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  bool take(std::size_t bytes) {
    if (handler_.limits_.buffered_bytes - handler_.buffered_ < bytes) return false;
    handler_.buffered_ += bytes;
    taken_ += bytes;
    return true;
  }

 private:
  JsonHandler& handler_;
  std::size_t taken_ = 0;
};

Task<> JsonHandler::handle(http::Request& request, http::ResponseWriter& response) {
  co_await send(response, co_await answer(request));
}

Task<JsonAnswer> JsonHandler::answer(http::Request& request) {
  const auto deadline = std::chrono::steady_clock::now() + pool_.served().limits.timeout;
  const std::string_view target = request.head.target;
  const auto path = http::percent_decoded(target.substr(0, target.find('?')));
  if (!path || !path->starts_with('/'))
    co_return problem(400, "the path is none: it has an escape that stands for nothing");
  if (*path == "/") {
    auto index = document(request, api_.index());
    index.fields.push_back(
        {"link", fmt::format("<{}>; rel=\"service-desc\"", JsonApi::kOpenApiPath)});
    co_return index;
  }
  if (*path == JsonApi::kOpenApiPath) co_return document(request, api_.openapi());

  const auto name = std::string_view(*path).substr(1);
  const auto function = api_.find(name);
  if (!function) {
    const auto nearest = api_.nearest(name);
    std::string why = component::to_valid_utf8(function.error().message);
    co_return problem(404, why + "; GET / lists them", nearest_member(nearest));
  }
  if (request.head.method != "POST") co_return wrong_method(request, "POST");
  if (!(*function)->not_served.empty())
    co_return problem(501, "this function is not served: " + (*function)->not_served);

  Room room(*this);  // until the call has ended: its arguments are several times their text
  component::Values arguments;
  {
    const auto body = co_await read(request, room, deadline);
    if (!body) co_return body.error();
    if (!body->empty()) {
      if (auto wrong = check_type(request)) co_return std::move(*wrong);
    }
    auto read = component::arguments_from_text(*(*function)->func->type, *body);
    if (!read) co_return problem(400, read.error().message);
    arguments = std::move(*read);
  }
  co_return co_await call(request, *(*function)->func, std::move(arguments), deadline);
}

Task<std::expected<std::string, JsonAnswer>> JsonHandler::read(http::Request& request, Room& room,
                                                               engine::Deadline deadline) const {
  using namespace asio::experimental::awaitable_operators;
  http::BodyReader& body = *request.body;
  std::string text;
  const auto too_large = [&] {
    return std::unexpected(
        problem(413, fmt::format("the body is larger than {} bytes", limits_.body_bytes)));
  };
  if (const auto* length = find_field(request.head.fields, "content-length");
      length && http::parse_decimal(*length).value_or(0) > limits_.body_bytes)
    co_return too_large();
  while (true) {
    const auto part = body.available();
    if (!part.empty()) {
      if (text.size() + part.size() > limits_.body_bytes) co_return too_large();
      if (!room.take(part.size()))
        co_return std::unexpected(problem(503, "too many large requests are under way"));
      text += as_text(part);
      body.consume(part.size());
      continue;
    }
    switch (body.state()) {
      case http::BodyReader::State::End: co_return text;
      case http::BodyReader::State::Failed:
        co_return std::unexpected(problem(400, body.error().message));
      case http::BodyReader::State::Open: break;
    }
    Timer timer(co_await asio::this_coro::executor, deadline);
    if ((co_await (body.wait() || timer.async_wait(use_task))).index() == 1)
      co_return std::unexpected(problem(408, "the body did not come in time"));
  }
}

Task<JsonAnswer> JsonHandler::call(const http::Request& request,
                                   const component::ExportedFunc& func, component::Values arguments,
                                   engine::Deadline deadline) {
  auto leased = co_await pool_.lease(deadline);
  if (!leased) co_return failed(leased.error(), request);
  std::unique_ptr<LiveInstance> live = std::move(*leased);
  component::Instance& instance = live->instance();
  component::ValueCall call(instance, func, std::move(arguments));
  if (!call.begin()) co_await instance.store().settle();
  auto fault = instance.store().take_fault();
  if (fault && live->wasi().exit_status) {
    fault->kind = engine::Fault::Kind::Exit;
    fault->frames.clear();
  }
  if (fault) co_return failed(*fault, request);  // and the instance is dropped
  auto answer = answer_of(*func.type, call.result());
  pool_.release(std::move(live));
  co_return answer;
}

JsonAnswer JsonHandler::failed(const engine::Fault& fault, const http::Request& request) {
  // A client that left is no news.
  const auto level =
      fault.kind == engine::Fault::Kind::Cancelled ? LogLevel::Debug : LogLevel::Error;
  log_.line(level, pool_.served().name, "{} {}: {}", request.head.method, request.head.target,
            fault.describe());
  const int status = status_of(fault);
  return problem(status, text_of(status).substr(0, text_of(status).find('\n')));
}

}  // namespace unbolt::host
