// One HTTP request into a component that is a program: the CGI (RFC 3875), as WAGI has it.
#pragma once

#include <expected>
#include <variant>

#include "unbolt/base/log.h"
#include "unbolt/component/bind.h"
#include "unbolt/host/component_pool.h"
#include "unbolt/http/handler.h"

namespace unbolt::host {

using RunCall = component::ExportCall<std::expected<void, std::monostate>>;

// The component's wasi:cli/run#run of any 0.2; null where it exports none, or one of another type.
const component::ExportedFunc* find_run(const component::LinkedComponent& component);

// Answers every request with a fresh run of one program: the request's body is its standard input,
// its standard output is the response, from its header section on, and its standard error goes to
// the log by line. Bound to one loop; `pool` and `log` outlive it.
class CgiHandler final : public http::Handler {
 public:
  CgiHandler(ComponentPool& pool, const component::ExportedFunc& run, Log& log)
      : pool_(pool), run_(run), log_(log) {}

  Task<> handle(http::Request& request, http::ResponseWriter& response) override;

 private:
  void report(LogLevel level, const http::Request& request, std::string_view what);
  void report(const engine::Fault& fault, const http::Request& request);

  ComponentPool& pool_;
  const component::ExportedFunc& run_;
  Log& log_;
};

}  // namespace unbolt::host
