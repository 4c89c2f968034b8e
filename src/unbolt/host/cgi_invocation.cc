#include "unbolt/host/cgi_invocation.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "unbolt/host/cgi_head.h"
#include "unbolt/host/cgi_variables.h"
#include "unbolt/host/failures.h"
#include "unbolt/wasi/http_types.h"

namespace unbolt::host {
namespace {

constexpr std::string_view kRunInterface = "wasi:cli/run@0.2.0";

// The program's standard output: a header section, then the body, which leaves as the client takes
// it.
class CgiOutput final : public wasi::Sink {
 public:
  explicit CgiOutput(http::ResponseWriter& response) : response_(response) {}

  bool open() override { return !failure_; }
  std::optional<Error> failure() override { return failure_; }
  std::size_t capacity() override {
    pass_on();
    if (!open()) return 0;
    if (!body_) return kHeadPiece;
    return kept_.empty() ? body_->capacity() : 0;
  }
  Reply<Result<>> write(ByteView bytes) override {
    if (!body_) bytes = read_head(bytes);
    if (failure_) return Result<>(std::unexpected(*failure_));
    kept_.insert(kept_.end(), bytes.begin(), bytes.end());
    pass_on();
    return Result<>{};
  }
  void flush() override {
    pass_on();
    if (body_) body_->flush();
  }
  bool holds_back() override { return !kept_.empty(); }
  Task<> wait() override {
    if (!body_ || capacity() > 0 || !open()) co_return;
    co_await body_->wait();
    pass_on();
    // A writer that takes nothing although it has been waited for has lost its peer.
    if (open() && body_->capacity() == 0)
      failure_ = Error{ErrorCode::ConnectionClosed, "the client has left", {}};
  }

  // Why there is no response; empty while there may be one.
  const std::string& refused() const { return refused_; }
  bool wrote_anything() const { return head_.started(); }
  http::BodyWriter* body() { return body_; }

 private:
  static constexpr std::size_t kHeadPiece = 16 * 1024;

  // What follows the header section.
  ByteView read_head(ByteView bytes) {
    std::string_view text = as_text(bytes);
    switch (head_.read(text)) {
      case CgiHeadParser::Progress::More: break;
      case CgiHeadParser::Progress::Failed: refuse(head_.why()); break;
      case CgiHeadParser::Progress::Done:
        auto started = response_.start(std::move(head_.head()));
        if (started) {
          body_ = *started;
        } else {
          refuse(started.error().message);
        }
        break;
    }
    return as_bytes(text);
  }
  void refuse(std::string why) {
    refused_ = std::move(why);
    failure_ = Error{ErrorCode::ProtocolError, refused_, {}};
  }
  void pass_on() {
    if (!body_ || kept_.empty() || !open()) return;
    const std::size_t size = std::min(kept_.size(), body_->capacity());
    if (auto written = body_->write(ByteView(kept_).first(size)); !written) {
      failure_ = std::move(written.error());
      return;
    }
    kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(size));
    body_->flush();
  }

  http::ResponseWriter& response_;
  CgiHeadParser head_;
  http::BodyWriter* body_ = nullptr;
  Bytes kept_;
  std::string refused_;
  std::optional<Error> failure_;
};

}  // namespace

const component::ExportedFunc* find_run(const component::LinkedComponent& component) {
  const auto* run = component.find_export(kRunInterface, "run");
  return run && RunCall::accepts(*run, component.resource_ids()) ? run : nullptr;
}

void CgiHandler::report(LogLevel level, const http::Request& request, std::string_view what) {
  log_.line(level, pool_.served().name, "{} {}: {}", request.head.method, request.head.target,
            what);
}

void CgiHandler::report(const engine::Fault& fault, const http::Request& request) {
  // A client that left is no news.
  report(fault.kind == engine::Fault::Kind::Cancelled ? LogLevel::Debug : LogLevel::Error, request,
         fault.describe());
}

Task<> CgiHandler::handle(http::Request& request, http::ResponseWriter& response) {
  const ServedComponent& served = pool_.served();
  const auto deadline = std::chrono::steady_clock::now() + served.limits.timeout;
  auto variables = cgi_variables(request, served.environment.grants);
  if (!variables) {
    report(LogLevel::Warn, request, variables.error().message);
    answer_with(response, 400, text_of(400));
    co_return;
  }
  const auto input = std::make_shared<wasi::IncomingBodySource>(request.body);
  const auto output = std::make_shared<CgiOutput>(response);
  auto leased = co_await pool_.make(deadline, [&](wasi::Context& wasi) {
    wasi.variables = std::move(variables->environment);
    wasi.arguments = served.environment.arguments;
    wasi.arguments->insert(wasi.arguments->end(), std::make_move_iterator(variables->words.begin()),
                           std::make_move_iterator(variables->words.end()));
    wasi.standard_input = input;
    wasi.standard_output = output;
  });
  std::optional<engine::Fault> fault;
  std::optional<int> status;
  if (!leased) {
    fault = std::move(leased.error());
  } else {
    component::Instance& instance = (*leased)->instance();
    RunCall call(instance, run_);
    if (!call.begin()) co_await instance.store().settle();
    fault = instance.store().take_fault();
    status = (*leased)->wasi().exit_status;
    if (status) fault.reset();
    if (!fault && !status) status = call.result() ? 0 : 1;
  }
  if (leased) leased->reset();  // the last line of its standard error goes to the log now

  if (!output->refused().empty()) {
    report(LogLevel::Error, request, output->refused());
    answer_with(response, 502, text_of(502));
    co_return;
  }
  if (fault) {
    // A response that has begun is cut short, for the client to see.
    report(*fault, request);
    const int code = status_of(*fault);
    answer_with(response, code, text_of(code));
    co_return;
  }
  if (*status != 0)
    report(LogLevel::Warn, request, fmt::format("it exited with status {}", *status));
  http::BodyWriter* body = output->body();
  if (!body) {
    report(LogLevel::Error, request,
           output->wrote_anything() ? "it ended within its header section"
                                    : "it ended without any output");
    answer_with(response, 502, text_of(502));
    co_return;
  }
  while (output->open() && output->holds_back()) co_await output->wait();
  if (const auto failure = output->failure()) {
    if (failure->code != ErrorCode::ConnectionClosed)
      report(LogLevel::Error, request, failure->message);
    co_return;
  }
  if (auto finished = body->finish({});
      !finished && finished.error().code != ErrorCode::ConnectionClosed)
    report(LogLevel::Error, request, finished.error().message);
}

}  // namespace unbolt::host
