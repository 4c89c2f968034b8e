#include "unbolt/http/head_parser.h"

#include <gtest/gtest.h>

#include <cstring>

namespace unbolt::http {
namespace {

void append(InputBuffer& in, std::string_view bytes) {
  if (in.room().size() < bytes.size()) in.make_room(in.size() + bytes.size() + 64);
  std::memcpy(in.room().data(), bytes.data(), bytes.size());
  in.commit(bytes.size());
}

struct Read {
  HeadParser::Progress progress;
  RequestHead head;
  HeadFacts facts;
  BadMessage bad;
  std::string rest;
};

Read read_request(std::string_view bytes, std::size_t piece, std::size_t max = 4096) {
  HeadParser parser(max);
  InputBuffer in;
  Read read{HeadParser::Progress::More, {}, {}, {}, {}};
  while (!bytes.empty() && read.progress == HeadParser::Progress::More) {
    append(in, bytes.substr(0, piece));
    bytes.remove_prefix(std::min(piece, bytes.size()));
    read.progress = parser.read_request(in, read.head);
  }
  read.facts = parser.facts();
  read.bad = parser.bad();
  read.rest = std::string(in.view());
  return read;
}

struct BadCase {
  const char* name;
  std::string bytes;
  int status;
};

class BadRequest : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadRequest, IsRefusedHoweverItComes) {
  for (std::size_t piece : {std::size_t{1}, std::size_t{7}, GetParam().bytes.size()}) {
    Read read = read_request(GetParam().bytes, piece, 512);
    EXPECT_EQ(read.progress, HeadParser::Progress::Failed) << "in pieces of " << piece;
    EXPECT_EQ(read.bad.status, GetParam().status) << read.bad.why;
  }
}

std::string get(std::string_view fields) {
  return "GET / HTTP/1.1\r\nHost: a\r\n" + std::string(fields) + "\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    All, BadRequest,
    ::testing::Values(
        BadCase{"NoVersion", "GET /\r\n\r\n", 400},
        BadCase{"NoTarget", "GET HTTP/1.1\r\n\r\n", 400},
        BadCase{"TwoSpaces", "GET  / HTTP/1.1\r\n\r\n", 400},
        BadCase{"SpaceInTarget", "GET /a b HTTP/1.1\r\n\r\n", 400},
        BadCase{"MethodNoToken", "GE(T / HTTP/1.1\r\n\r\n", 400},
        BadCase{"Fragment", "GET /#a HTTP/1.1\r\n\r\n", 400},
        BadCase{"HighByteInTarget", "GET /\xc3\xa9 HTTP/1.1\r\n\r\n", 400},
        BadCase{"RelativeTarget", "GET a/b HTTP/1.1\r\n\r\n", 400},
        BadCase{"StarWithGet", "GET * HTTP/1.1\r\n\r\n", 400},
        BadCase{"OtherScheme", "GET ftp://a/ HTTP/1.1\r\n\r\n", 400},
        BadCase{"UserInAuthority", "GET http://u@a/ HTTP/1.1\r\n\r\n", 400},
        BadCase{"Connect", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
        BadCase{"NotHttp", "GET / HTTQ/1.1\r\n\r\n", 400},
        BadCase{"LowerCaseVersion", "GET / http/1.1\r\n\r\n", 400},
        BadCase{"Http2", "GET / HTTP/2.0\r\n\r\n", 505},
        BadCase{"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
        BadCase{"BareLineFeed", "GET / HTTP/1.1\nHost: a\n\n", 400},
        BadCase{"BareLineFeedInFields", "GET / HTTP/1.1\r\nHost: a\nB: c\r\n\r\n", 400},
        BadCase{"BareCarriageReturn", get("A: b\rc\r\n"), 400},
        BadCase{"Nul", get(std::string_view("A: b\0c\r\n", 8)), 400},
        BadCase{"ControlCharacter", get("A: \x01\r\n"), 400},
        BadCase{"Delete", get("A: \x7f\r\n"), 400}, BadCase{"Folded", get("A: b\r\n c\r\n"), 400},
        BadCase{"FoldedFirst", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        BadCase{"SpaceBeforeColon", get("A : b\r\n"), 400}, BadCase{"NoColon", get("Ab\r\n"), 400},
        BadCase{"NoName", get(": b\r\n"), 400}, BadCase{"TwoHosts", get("Host: b\r\n"), 400},
        BadCase{"NoHost", "GET / HTTP/1.1\r\nA: b\r\n\r\n", 400},
        BadCase{"HostWithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        BadCase{"HostPort", "GET / HTTP/1.1\r\nHost: a:70000\r\n\r\n", 400},
        BadCase{"LengthTwice", get("Content-Length: 1\r\nContent-Length: 1\r\n"), 400},
        BadCase{"LengthsDiffer", get("Content-Length: 1\r\ncontent-length: 2\r\n"), 400},
        BadCase{"LengthList", get("Content-Length: 1, 1\r\n"), 400},
        BadCase{"LengthSigned", get("Content-Length: +1\r\n"), 400},
        BadCase{"LengthHex", get("Content-Length: 0x1\r\n"), 400},
        BadCase{"LengthEmpty", get("Content-Length:\r\n"), 400},
        BadCase{"LengthHuge", get("Content-Length: 99999999999999999999\r\n"), 413},
        BadCase{"LengthAndChunked", get("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"),
                400},
        BadCase{"ChunkedAndLength", get("Transfer-Encoding: chunked\r\nContent-Length: 1\r\n"),
                400},
        BadCase{"ChunkedTwice", get("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
                400},
        BadCase{"OtherCoding", get("Transfer-Encoding: gzip, chunked\r\n"), 501},
        BadCase{"Identity", get("Transfer-Encoding: identity\r\n"), 501},
        BadCase{"ChunkedIn10", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        BadCase{"EmptyLines", "\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", 400},
        BadCase{"LongLine", "GET /" + std::string(600, 'a'), 431},
        BadCase{"LongHead", get("A: " + std::string(500, 'a') + "\r\n"), 431}),
    [](const auto& info) { return info.param.name; });

TEST(HeadParser, ReadsARequestInAnyPieces) {
  std::string bytes =
      "\r\nPOST /a/b?c=d HTTP/1.1\r\nHost: example.org:8080\r\nX-Empty:\r\nX-Pad: \t v w \t\r\n"
      "Content-Length: 5\r\nExpect: 100-Continue\r\nConnection: Keep-Alive, Foo\r\n\r\nhello";
  for (std::size_t piece = 1; piece <= bytes.size(); ++piece) {
    Read read = read_request(bytes, piece);
    ASSERT_EQ(read.progress, HeadParser::Progress::Done) << read.bad.why;
    EXPECT_EQ(read.head.method, "POST");
    EXPECT_EQ(read.head.target, "/a/b?c=d");
    EXPECT_EQ(read.head.authority, "example.org:8080");
    ASSERT_EQ(read.head.fields.size(), 6u);
    EXPECT_EQ(read.head.fields[1].value, "");
    EXPECT_EQ(read.head.fields[2].name, "X-Pad");
    EXPECT_EQ(read.head.fields[2].value, "v w");
    EXPECT_EQ(read.facts.content_length, 5u);
    EXPECT_TRUE(read.facts.expects_continue);
    EXPECT_TRUE(read.facts.keep_alive);
    EXPECT_FALSE(read.facts.close);
    EXPECT_TRUE(std::string_view("hello").starts_with(read.rest));
  }
}

TEST(HeadParser, TheTargetsAuthorityComesBeforeTheHosts) {
  Read read = read_request("GET http://b:81?x HTTP/1.1\r\nHost: a\r\n\r\n", 1000);
  ASSERT_EQ(read.progress, HeadParser::Progress::Done);
  EXPECT_EQ(read.head.authority, "b:81");
  EXPECT_EQ(read.head.target, "/?x");
}

TEST(HeadParser, KeepsNothingOfTheMessageBefore) {
  HeadParser parser(4096);
  InputBuffer in;
  RequestHead head;
  append(in,
         "POST / HTTP/1.1\r\nHost: a\r\nA: b\r\nC: d\r\nTransfer-Encoding: chunked\r\n\r\nGET /b "
         "HTTP/1.0\r\nE: f\r\n\r\n");
  ASSERT_EQ(parser.read_request(in, head), HeadParser::Progress::Done);
  EXPECT_TRUE(parser.facts().chunked);
  ASSERT_EQ(parser.read_request(in, head), HeadParser::Progress::Done);
  EXPECT_FALSE(parser.facts().chunked);
  EXPECT_TRUE(parser.facts().http_1_0);
  EXPECT_EQ(head.authority, "");
  ASSERT_EQ(head.fields.size(), 1u);
  EXPECT_EQ(head.fields[0].name, "E");
}

TEST(HeadParser, ReadsResponses) {
  struct Case {
    std::string_view bytes;
    int status;  // 0: refused
  };
  for (const Case& test :
       {Case{"HTTP/1.1 200 OK\r\n\r\n", 200}, Case{"HTTP/1.0 404\r\n\r\n", 404},
        Case{"HTTP/1.1 299 \r\nA: b\r\n\r\n", 299}, Case{"HTTP/1.1 200OK\r\n\r\n", 0},
        Case{"HTTP/1.1 20 OK\r\n\r\n", 0}, Case{"HTTP/1.1 099 x\r\n\r\n", 0},
        Case{"HTTP/2 200 OK\r\n\r\n", 0}, Case{"\r\nHTTP/1.1 200 OK\r\n\r\n", 0},
        Case{"SSH-2.0-OpenSSH\r\n", 0},
        Case{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", 200},
        Case{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 0}}) {
    HeadParser parser(4096);
    InputBuffer in;
    ResponseHead head;
    append(in, test.bytes);
    auto progress = parser.read_response(in, head);
    EXPECT_EQ(progress, test.status ? HeadParser::Progress::Done : HeadParser::Progress::Failed)
        << test.bytes;
    if (test.status) EXPECT_EQ(head.status, test.status);
  }
}

}  // namespace
}  // namespace unbolt::http
