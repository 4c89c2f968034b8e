#include "unbolt/http/body_decoder.h"

#include <algorithm>
#include <limits>

#include "unbolt/http/head_parser.h"
#include "unbolt/http/text.h"

namespace unbolt::http {
namespace {
constexpr std::size_t kMaxChunkLine = 1024;  // the size and its extensions
}

void BodyDecoder::start(Kind kind, std::uint64_t length, std::uint64_t limit,
                        std::size_t max_trailer_bytes) {
  kind_ = kind;
  stage_ = Stage::Size;
  progress_ = Progress::Open;
  remaining_ = 0;
  allowed_ = limit;
  trailer_bytes_ = max_trailer_bytes;
  if (!trailers_.empty()) trailers_.clear();
  if (kind == Kind::Length) remaining_ = length;
  if (kind == Kind::UntilClose) remaining_ = limit;
  if (kind == Kind::Empty || (kind == Kind::Length && length == 0)) progress_ = Progress::End;
}

BodyDecoder::Progress BodyDecoder::advance(InputBuffer& in) {
  if (kind_ == Kind::UntilClose && remaining_ == 0 && !in.empty()) {
    return fail(ErrorCode::LimitExceeded, "the body is too large");
  }
  if (kind_ != Kind::Chunked) return progress_;
  std::string_view line;
  while (progress_ == Progress::Open) {
    switch (stage_) {
      case Stage::Size:
        if (!take_line(in, kMaxChunkLine, line) || !chunk_size(line)) return progress_;
        break;
      case Stage::Data: return progress_;
      case Stage::DataEnd:
        if (in.size() < 2) return progress_;
        if (in.view().substr(0, 2) != "\r\n")
          return fail(ErrorCode::ProtocolError, "a chunk is longer than its size");
        in.consume(2);
        stage_ = Stage::Size;
        break;
      case Stage::Trailers:
        if (!take_line(in, trailer_bytes_, line) || !trailer(line)) return progress_;
        break;
    }
  }
  return progress_;
}

std::size_t BodyDecoder::ready(const InputBuffer& in) const {
  return static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, in.size()));
}

void BodyDecoder::consume(InputBuffer& in, std::size_t size) {
  in.consume(size);
  remaining_ -= size;
  if (remaining_ != 0 || progress_ != Progress::Open) return;
  if (kind_ == Kind::Length) progress_ = Progress::End;
  if (kind_ == Kind::Chunked) {
    stage_ = Stage::DataEnd;
    advance(in);
  }
}

BodyDecoder::Progress BodyDecoder::close() {
  if (progress_ != Progress::Open) return progress_;
  if (kind_ == Kind::UntilClose) return progress_ = Progress::End;
  return fail(ErrorCode::ConnectionClosed, "the peer left in the middle of the body");
}

// The line stays in the buffer's memory, so the view holds until more bytes come in.
bool BodyDecoder::take_line(InputBuffer& in, std::size_t most, std::string_view& line) {
  std::string_view bytes = in.view();
  std::size_t end = bytes.substr(0, most).find('\n');
  if (end == std::string_view::npos) {
    if (bytes.size() >= most)
      fail(ErrorCode::LimitExceeded, "a line of the body's framing is too long");
    return false;
  }
  if (end == 0 || bytes[end - 1] != '\r') {
    fail(ErrorCode::ProtocolError, "a line of the body's framing does not end with CR LF");
    return false;
  }
  line = bytes.substr(0, end - 1);
  in.consume(end + 1);
  return true;
}

bool BodyDecoder::chunk_size(std::string_view line) {
  std::string_view digits = line.substr(0, line.find(';'));
  auto size = digits.size() <= 16 ? parse_hex(digits) : std::nullopt;
  if (!size || !is_field_value(trim(line))) {
    fail(ErrorCode::ProtocolError, "a malformed chunk size");
    return false;
  }
  if (*size > allowed_) {
    fail(ErrorCode::LimitExceeded, "the body is too large");
    return false;
  }
  allowed_ -= *size;
  remaining_ = *size;
  stage_ = *size == 0 ? Stage::Trailers : Stage::Data;
  return true;
}

bool BodyDecoder::trailer(std::string_view line) {
  if (line.empty()) {
    progress_ = Progress::End;
    return true;
  }
  auto field = parse_field_line(line);
  if (!field) {
    fail(ErrorCode::ProtocolError, "a malformed trailer field");
    return false;
  }
  trailer_bytes_ -= std::min(trailer_bytes_, line.size() + 2);
  // What frames or routes a message has no meaning after it (RFC 9110, section 6.5.1).
  bool framing = is_connection_field(field->name) ||
                 equals_ignoring_case(field->name, "content-length") ||
                 equals_ignoring_case(field->name, "host");
  if (!framing) trailers_.emplace_back(std::string(field->name), std::string(field->value));
  return true;
}

BodyDecoder::Progress BodyDecoder::fail(ErrorCode code, std::string_view why) {
  error_ = Error{code, std::string(why), {}};
  remaining_ = 0;
  return progress_ = Progress::Failed;
}

}  // namespace unbolt::http
