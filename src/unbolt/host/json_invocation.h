// One JSON request into a component: read the arguments, lease an instance, call the function,
// answer with its value.
#pragma once

#include <cstddef>

#include "unbolt/base/log.h"
#include "unbolt/engine/fault.h"
#include "unbolt/host/component_pool.h"
#include "unbolt/host/json_answer.h"
#include "unbolt/host/json_api.h"
#include "unbolt/http/handler.h"

namespace unbolt::host {

struct JsonLimits {
  std::size_t body_bytes = 4u << 20;       // of one request; 413 beyond it
  std::size_t buffered_bytes = 64u << 20;  // of all requests of a loop at a time; 503 beyond it
};

// Answers `POST /INTERFACE/FUNCTION` with a call of the function, and `GET /` and
// `GET /openapi.json` with what there is. Bound to one loop; `pool`, `api` and `log` outlive it.
class JsonHandler final : public http::Handler {
 public:
  JsonHandler(ComponentPool& pool, const JsonApi& api, Log& log, JsonLimits limits = {})
      : pool_(pool), api_(api), log_(log), limits_(limits) {}

  Task<> handle(http::Request& request, http::ResponseWriter& response) override;

 private:
  class Room;

  Task<JsonAnswer> answer(http::Request& request);
  Task<JsonAnswer> call(const http::Request& request, const component::ExportedFunc& func,
                        component::Values arguments, engine::Deadline deadline);
  // The body, or why there is none.
  Task<std::expected<std::string, JsonAnswer>> read(http::Request& request, Room& room,
                                                    engine::Deadline deadline) const;
  JsonAnswer failed(const engine::Fault& fault, const http::Request& request);

  ComponentPool& pool_;
  const JsonApi& api_;
  Log& log_;
  const JsonLimits limits_;
  std::size_t buffered_ = 0;
};

}  // namespace unbolt::host
