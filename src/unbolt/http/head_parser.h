// The head of an HTTP/1 message, from bytes that come in pieces (RFC 9112, sections 2 to 6).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "unbolt/http/handler.h"
#include "unbolt/http/input_buffer.h"

namespace unbolt::http {

// What the fields say of the body's length and of the connection.
struct HeadFacts {
  bool http_1_0 = false;
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool close = false;       // "connection: close"
  bool keep_alive = false;  // "connection: keep-alive"
  bool expects_continue = false;
};

// Why a message was refused: `status` for a server to answer with, `why` a static text.
struct BadMessage {
  int status = 400;
  std::string_view why;
};

// "name: value" without the line's end; the views point into `line`. Refuses folded lines and
// control characters.
struct FieldLine {
  std::string_view name;
  std::string_view value;
};
std::optional<FieldLine> parse_field_line(std::string_view line);

// Strict, so that no peer reads another message than we do: CRLF only, no folded lines, one
// content-length, never beside a transfer-encoding. Consumes whole lines as they come. One parser a
// connection, used again for each message.
class HeadParser {
 public:
  enum class Progress : std::uint8_t { More, Done, Failed };

  explicit HeadParser(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  // Writes into `head`, whose strings are used again. After Done the next call starts a new
  // message; after Failed the connection is of no more use.
  Progress read_request(InputBuffer& in, RequestHead& head);
  Progress read_response(InputBuffer& in, ResponseHead& head);

  bool started() const { return size_ != 0; }
  const HeadFacts& facts() const { return facts_; }
  const BadMessage& bad() const { return bad_; }

 private:
  enum class Stage : std::uint8_t { Start, Fields };

  template <class StartLine>
  Progress read(InputBuffer& in, Fields& fields, StartLine start_line);
  bool request_line(std::string_view line, RequestHead& head);
  bool request_target(std::string_view target, RequestHead& head);
  bool status_line(std::string_view line, ResponseHead& head);
  bool version(std::string_view text);
  bool field_line(std::string_view line, Fields& fields);
  bool known_field(std::string_view name, std::string_view value);
  bool transfer_encoding(std::string_view value);
  bool finish_request(RequestHead& head);
  bool refuse(int status, std::string_view why);

  const std::size_t max_bytes_;
  Stage stage_ = Stage::Start;
  bool response_ = false;
  std::uint8_t hosts_ = 0;
  bool absolute_ = false;    // the target names the authority
  std::size_t size_ = 0;     // of the lines consumed
  std::size_t scanned_ = 0;  // of the line that is not whole yet
  std::size_t field_count_ = 0;
  std::size_t host_at_ = 0;  // which field
  HeadFacts facts_;
  BadMessage bad_;
};

}  // namespace unbolt::http
