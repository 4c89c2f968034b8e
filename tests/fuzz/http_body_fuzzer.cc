// Bodies, chunked and by length: the content must not depend on the pieces they come in.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "unbolt/http/body_decoder.h"

namespace {

using unbolt::http::BodyDecoder;
using unbolt::http::InputBuffer;

struct Outcome {
  BodyDecoder::Progress progress;
  std::string content;
};

Outcome decode(std::string_view bytes, std::size_t piece, BodyDecoder::Kind kind) {
  constexpr std::uint64_t kLength = 100, kLimit = 1000;
  constexpr std::size_t kTrailers = 200;
  BodyDecoder decoder;
  decoder.start(kind, kLength, kLimit, kTrailers);
  InputBuffer in;
  Outcome out{decoder.progress(), {}};
  for (std::size_t given = 0;
       given < bytes.size() && out.progress == BodyDecoder::Progress::Open;) {
    const std::string_view part = bytes.substr(given, piece);
    in.make_room(in.size() + part.size());
    std::memcpy(in.room().data(), part.data(), part.size());
    in.commit(part.size());
    given += part.size();
    out.progress = decoder.advance(in);
    while (const std::size_t ready = decoder.ready(in)) {
      if (ready > in.size()) std::abort();
      out.content.append(in.view().substr(0, ready));
      decoder.consume(in, ready);
      out.progress = decoder.advance(in);
    }
  }
  if (out.content.size() > kLimit) std::abort();
  if (out.progress == BodyDecoder::Progress::Failed && decoder.error().message.empty()) {
    std::abort();
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const auto kind = data[0] % 2 == 0 ? BodyDecoder::Kind::Chunked : BodyDecoder::Kind::Length;
  const std::size_t piece = data[1] % 32 + 1;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Outcome whole = decode(bytes, bytes.size(), kind);
  const Outcome parts = decode(bytes, piece, kind);
  if (whole.progress != parts.progress || whole.content != parts.content) std::abort();
  return 0;
}
