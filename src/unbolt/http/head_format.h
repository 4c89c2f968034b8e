// The heads that we send, checked before they are written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "unbolt/http/handler.h"

namespace unbolt::http {

std::string_view reason_phrase(int status);

// What the fields said of the body's length.
using DeclaredLength = std::optional<std::uint64_t>;

// Append the first line and the fields, without what frames the body and without the empty line.
// Connection-level fields and content-length are left out (its value is the result).
// InvalidArgument where a name is no token, a value holds a control character or content-length is
// no number; `out` is then as it was.
Result<DeclaredLength> append_request_head(std::string& out, const RequestHead& head);
// `date` is a whole line, left out where the fields have one.
Result<DeclaredLength> append_response_head(std::string& out, const ResponseHead& head,
                                            std::string_view date);

// Appends the trailer section; content-length and connection-level fields are left out.
Result<> append_trailers(std::string& out, const Fields& fields);

// "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" of now, made anew once a second. One per loop.
class DateLine {
 public:
  std::string_view now();

 private:
  std::int64_t second_ = -1;
  std::string line_;
};

}  // namespace unbolt::http
