// Heads of requests and responses: what the parser makes of them must not depend on the pieces they
// come in.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "unbolt/http/head_parser.h"

namespace {

using unbolt::http::HeadParser;
using unbolt::http::InputBuffer;

constexpr std::size_t kMaxHead = 4096;

template <class Head>
struct Outcome {
  HeadParser::Progress progress = HeadParser::Progress::More;
  std::size_t consumed = 0;
  int status = 0;
  Head head;
};

void append(InputBuffer& in, std::string_view bytes) {
  in.make_room(in.size() + bytes.size());
  std::memcpy(in.room().data(), bytes.data(), bytes.size());
  in.commit(bytes.size());
}

template <class Head, class Read>
Outcome<Head> parse(std::string_view bytes, std::size_t piece, Read read) {
  Outcome<Head> out;
  HeadParser parser(kMaxHead);
  InputBuffer in;
  std::size_t given = 0;
  while (out.progress == HeadParser::Progress::More && given < bytes.size()) {
    const std::string_view part = bytes.substr(given, piece);
    append(in, part);
    given += part.size();
    out.progress = read(parser, in, out.head);
  }
  out.consumed = given - in.size();
  if (out.progress == HeadParser::Progress::Failed) {
    out.status = parser.bad().status;
    if (parser.bad().why.empty()) std::abort();
  }
  return out;
}

template <class Head, class Read>
void check(std::string_view bytes, std::size_t piece, Read read) {
  const auto whole = parse<Head>(bytes, bytes.size(), read);
  const auto parts = parse<Head>(bytes, piece, read);
  if (whole.progress != parts.progress) std::abort();
  if (whole.progress == HeadParser::Progress::Done && whole.consumed != parts.consumed) {
    std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = data[0] % 32 + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  check<unbolt::http::RequestHead>(bytes, piece, [](auto& parser, auto& in, auto& head) {
    return parser.read_request(in, head);
  });
  check<unbolt::http::ResponseHead>(bytes, piece, [](auto& parser, auto& in, auto& head) {
    return parser.read_response(in, head);
  });
  return 0;
}
