// The header section of a CGI program: what the parser makes of it must not depend on the pieces it
// comes in, and what it lets through is fit for a response.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "unbolt/host/cgi_head.h"
#include "unbolt/http/text.h"

namespace {

using unbolt::host::CgiHeadParser;

struct Outcome {
  CgiHeadParser::Progress progress = CgiHeadParser::Progress::More;
  std::size_t consumed = 0;
  int status = 0;
};

Outcome parse(std::string_view bytes, std::size_t piece) {
  CgiHeadParser parser;
  Outcome out;
  while (out.consumed < bytes.size() && out.progress == CgiHeadParser::Progress::More) {
    std::string_view part = bytes.substr(out.consumed, piece);
    const std::size_t given = part.size();
    out.progress = parser.read(part);
    out.consumed += given - part.size();
  }
  if (out.progress == CgiHeadParser::Progress::Failed && parser.why().empty()) std::abort();
  if (out.progress != CgiHeadParser::Progress::Done) return out;
  out.status = parser.head().status;
  if (out.status < 200 || out.status > 599) std::abort();
  for (const auto& [name, value] : parser.head().fields) {
    if (!unbolt::http::is_token(name) || !unbolt::http::is_field_value(value)) std::abort();
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = data[0] % 32 + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Outcome whole = parse(bytes, bytes.size());
  const Outcome parts = parse(bytes, piece);
  if (whole.progress != parts.progress || whole.status != parts.status) std::abort();
  if (whole.progress == CgiHeadParser::Progress::Done && whole.consumed != parts.consumed)
    std::abort();
  return 0;
}
