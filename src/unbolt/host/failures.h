// What a client sees when a component did not answer.
#pragma once

#include <string_view>

#include "unbolt/engine/fault.h"
#include "unbolt/http/handler.h"

namespace unbolt::host {

// 504 for one that ran out of time, 503 for one there was no room for, else 500.
int status_of(const engine::Fault& fault);
// The reason is the operator's, in the log; the client learns only what kind of failure it was.
std::string_view text_of(int status);
// Unless the response has begun.
void answer_with(http::ResponseWriter& response, int status, std::string_view text);

}  // namespace unbolt::host
