// Where a message's body ends, and which of the bytes that came in are its content (RFC 9112,
// sections 6 and 7).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "unbolt/http/handler.h"
#include "unbolt/http/input_buffer.h"

namespace unbolt::http {

class BodyDecoder {
 public:
  enum class Kind : std::uint8_t { Empty, Length, Chunked, UntilClose };
  enum class Progress : std::uint8_t { Open, End, Failed };

  // `length` counts for Kind::Length; content beyond `limit` and trailers beyond
  // `max_trailer_bytes` fail.
  void start(Kind kind, std::uint64_t length, std::uint64_t limit, std::size_t max_trailer_bytes);

  // Takes framing off the front of `in`; call it after bytes came in and after `consume`.
  Progress advance(InputBuffer& in);
  // How much of the front of `in` is content.
  std::size_t ready(const InputBuffer& in) const;
  void consume(InputBuffer& in, std::size_t size);
  // The peer sends no more: End for Kind::UntilClose.
  Progress close();

  Progress progress() const { return progress_; }
  // Content that is certain to follow, with what is ready: for the size of a buffer.
  std::uint64_t expected() const { return remaining_; }
  const Error& error() const { return error_; }
  const Fields& trailers() const { return trailers_; }

 private:
  enum class Stage : std::uint8_t { Size, Data, DataEnd, Trailers };

  bool take_line(InputBuffer& in, std::size_t most, std::string_view& line);
  bool chunk_size(std::string_view line);
  bool trailer(std::string_view line);
  Progress fail(ErrorCode code, std::string_view why);

  Kind kind_ = Kind::Empty;
  Stage stage_ = Stage::Size;
  Progress progress_ = Progress::End;
  std::uint64_t remaining_ = 0;  // of the body or the chunk
  std::uint64_t allowed_ = 0;    // by the limit, for chunks to come
  std::size_t trailer_bytes_ = 0;
  Fields trailers_;
  Error error_;
};

}  // namespace unbolt::http
