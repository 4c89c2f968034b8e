// One HTTP request into a component: lease an instance, call its handler, answer, give it back.
#pragma once

#include "unbolt/base/log.h"
#include "unbolt/component/bind.h"
#include "unbolt/host/component_pool.h"
#include "unbolt/http/handler.h"
#include "unbolt/wasi/http_types.h"

namespace unbolt::host {

// Failed: the component did not answer, for whatever reason; the client got an error in its place.
enum class Served : std::uint8_t { Answered, Failed };

// Answers every request with one component. Bound to one loop; `pool` and `log` outlive it.
class ComponentHandler final : public http::Handler {
 public:
  // `handle` is the component's wasi:http/incoming-handler#handle (see `find_http_handler`).
  ComponentHandler(ComponentPool& pool, const component::ExportedFunc& handle, Log& log)
      : pool_(pool), handle_(handle), log_(log) {}

  Task<> handle(http::Request& request, http::ResponseWriter& response) override;
  // The same, and how it went.
  Task<Served> serve(http::Request& request, http::ResponseWriter& response);

 private:
  void report(const engine::Fault& fault, const http::Request& request);

  ComponentPool& pool_;
  const component::ExportedFunc& handle_;
  Log& log_;
};

// The handler that a component exports, of any 0.2; null where it exports none. Conflict where its
// type is not the contract's.
Result<const component::ExportedFunc*> find_http_handler(
    const component::LinkedComponent& component);

}  // namespace unbolt::host
