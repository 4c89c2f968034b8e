#include "unbolt/host/failures.h"

namespace unbolt::host {

int status_of(const engine::Fault& fault) {
  switch (fault.kind) {
    case engine::Fault::Kind::Deadline: return 504;
    case engine::Fault::Kind::Limit: return 503;
    default: return 500;
  }
}

std::string_view text_of(int status) {
  switch (status) {
    case 400: return "the request is not one that the component can be given\n";
    case 502: return "the component's answer is none\n";
    case 503: return "the host has no room for this request\n";
    case 504: return "the component did not answer in time\n";
    default: return "the component failed\n";
  }
}

void answer_with(http::ResponseWriter& response, int status, std::string_view text) {
  if (response.started()) return;
  auto body = response.start({status, {{"content-type", "text/plain; charset=utf-8"}}});
  if (!body) return;
  (void)(*body)->write(as_bytes(text));
  (void)(*body)->finish({});
}

}  // namespace unbolt::host
