#include "unbolt/http/body_decoder.h"

#include <gtest/gtest.h>

#include <cstring>

namespace unbolt::http {
namespace {

using Progress = BodyDecoder::Progress;

struct Decoded {
  std::string content;
  Progress progress = Progress::Open;
  ErrorCode code = ErrorCode::Internal;
  Fields trailers;
  std::string rest;
};

Decoded decode(BodyDecoder::Kind kind, std::uint64_t length, std::string_view bytes,
               std::size_t piece, std::uint64_t limit = 1000) {
  BodyDecoder decoder;
  InputBuffer in;
  Decoded result;
  decoder.start(kind, length, limit, 64);
  in.make_room(bytes.size() + 1);
  while (decoder.progress() == Progress::Open && !bytes.empty()) {
    std::size_t size = std::min(piece, bytes.size());
    std::memcpy(in.room().data(), bytes.data(), size);
    in.commit(size);
    bytes.remove_prefix(size);
    decoder.advance(in);
    while (std::size_t ready = decoder.ready(in)) {
      result.content += in.view().substr(0, ready);
      decoder.consume(in, ready);
    }
  }
  if (bytes.empty()) decoder.close();
  result.progress = decoder.progress();
  if (result.progress == Progress::Failed) result.code = decoder.error().code;
  result.trailers = decoder.trailers();
  result.rest = std::string(in.view());
  return result;
}

TEST(BodyDecoder, ReadsChunksInAnyPieces) {
  std::string_view bytes =
      "5\r\nhello\r\n00a;ext=\"v\"\r\n0123456789\r\n0\r\nX-Sum: 7\r\nHost: no\r\n\r\nnext";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    Decoded decoded = decode(BodyDecoder::Kind::Chunked, 0, bytes, piece);
    EXPECT_EQ(decoded.progress, Progress::End);
    EXPECT_EQ(decoded.content, "hello0123456789");
    ASSERT_EQ(decoded.trailers.size(), 1u);
    EXPECT_EQ(decoded.trailers[0].name, "X-Sum");
    EXPECT_EQ(decoded.trailers[0].value, "7");
    EXPECT_TRUE(std::string_view("next").starts_with(decoded.rest));
  }
}

TEST(BodyDecoder, RefusesBadChunks) {
  struct Case {
    std::string_view bytes;
    ErrorCode code;
  };
  for (const Case& test : std::initializer_list<Case>{
           {"\r\nhello", ErrorCode::ProtocolError},
           {"g\r\n", ErrorCode::ProtocolError},
           {"-1\r\n", ErrorCode::ProtocolError},
           {"0x5\r\nhello\r\n", ErrorCode::ProtocolError},
           {" 5\r\nhello\r\n", ErrorCode::ProtocolError},
           {"5 \r\nhello\r\n", ErrorCode::ProtocolError},
           {"5\nhello\r\n", ErrorCode::ProtocolError},
           {"5\r\nhelloXX", ErrorCode::ProtocolError},
           {"5\r\nhello\n0\r\n", ErrorCode::ProtocolError},
           {"5;a\x01\r\nhello\r\n", ErrorCode::ProtocolError},
           {"00000000000000005\r\nhello\r\n", ErrorCode::ProtocolError},
           {"ffffffffffffffff\r\n", ErrorCode::LimitExceeded},
           {"3e9\r\n", ErrorCode::LimitExceeded},
           {"0\r\nbad trailer\r\n\r\n", ErrorCode::ProtocolError},
           {"0\r\n A: b\r\n\r\n", ErrorCode::ProtocolError},
           {"0\r\nA: "
            "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\r\n\r\n",
            ErrorCode::LimitExceeded},
           {"0\r\nA: bbbbbbbbbbbbbbbbbbbbbbbb\r\nB: bbbbbbbbbbbbbbbbbbbb\r\nC: "
            "bbbbbbbbbbbbbbb\r\n\r\n",
            ErrorCode::LimitExceeded},
           {"5\r\nhel", ErrorCode::ConnectionClosed},
           {"5\r\nhello\r\n", ErrorCode::ConnectionClosed}}) {
    for (std::size_t piece : {std::size_t{1}, std::size_t{1000}}) {
      Decoded decoded = decode(BodyDecoder::Kind::Chunked, 0, test.bytes, piece);
      EXPECT_EQ(decoded.progress, Progress::Failed) << test.bytes;
      EXPECT_EQ(to_string(decoded.code), to_string(test.code)) << test.bytes;
    }
  }
}

TEST(BodyDecoder, BoundsALineOfFraming) {
  EXPECT_EQ(decode(BodyDecoder::Kind::Chunked, 0, "5;" + std::string(2000, 'a'), 100).code,
            ErrorCode::LimitExceeded);
}

TEST(BodyDecoder, CountsALength) {
  Decoded decoded = decode(BodyDecoder::Kind::Length, 5, "helloGET", 3);
  EXPECT_EQ(decoded.progress, Progress::End);
  EXPECT_EQ(decoded.content, "hello");
  EXPECT_EQ(decoded.rest, "G");
  EXPECT_EQ(decode(BodyDecoder::Kind::Length, 5, "hell", 3).code, ErrorCode::ConnectionClosed);
  EXPECT_EQ(decode(BodyDecoder::Kind::Length, 0, "x", 1).progress, Progress::End);
}

TEST(BodyDecoder, EndsWithTheConnection) {
  Decoded decoded = decode(BodyDecoder::Kind::UntilClose, 0, "hello", 2);
  EXPECT_EQ(decoded.progress, Progress::End);
  EXPECT_EQ(decoded.content, "hello");
  EXPECT_EQ(decode(BodyDecoder::Kind::UntilClose, 0, "hello", 2, 4).code, ErrorCode::LimitExceeded);
}

}  // namespace
}  // namespace unbolt::http
