// What a caller gets who speaks JSON to a component: a value, the function's own error, or a
// problem (RFC 9457).
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "unbolt/component/value.h"
#include "unbolt/http/handler.h"

namespace unbolt::host {

// A response that is whole before it is sent. A value.
struct JsonAnswer {
  int status = 200;
  std::string body;  // empty: the response has none
  std::string_view media_type = "application/json";
  http::Fields fields;  // beside the type and the length
};

// `members` are more members of the object, as JSON: `"nearest":["/a/b"]`.
JsonAnswer problem(int status, std::string_view detail, std::string_view members = {});

// The value; of a `result` what is in it, where an error has a status of its own and stands in the
// problem's member "error". 204 for nothing.
JsonAnswer answer_of(const component::FuncType& type, const std::optional<component::Value>& value);

// Every status with which a function may answer an error of this type (null: one without payload).
// The name of an enum's or variant's case decides: not-found is 404, denied 403 and so on; 422 for
// all others.
std::set<int> error_statuses(const component::Type* error);

// Ends when the response has left or the client has.
Task<> send(http::ResponseWriter& response, JsonAnswer answer);

}  // namespace unbolt::host
