// Request bytes in, response bytes out.
#include <gtest/gtest.h>

#include "unbolt/http/testing/test_server.h"

namespace unbolt::http::testing {
namespace {

// Answers by path, so that one server serves the whole table.
Task<> by_path(Request& request, ResponseWriter& response) {
  const std::string& path = request.head.target;
  if (path == "/echo") {
    std::string text = co_await read_all(*request.body);
    if (request.body->state() == BodyReader::State::Failed) co_return;
    for (const Field& field : request.body->trailers())
      text += fmt::format("[{}={}]", field.name, field.value);
    answer_with(response, text);
  } else if (path == "/chunks") {
    auto body = *response.start({200, {}});
    EXPECT_TRUE(body->write(as_bytes("one")));
    (void)co_await body->drained();
    EXPECT_TRUE(body->write(as_bytes("two")));
    EXPECT_TRUE(body->write(as_bytes("three")));
    EXPECT_TRUE(body->finish({{"x-sum", "3"}, {"Content-Length", "1"}}));
  } else if (path == "/length") {
    auto body = *response.start({200, {{"Content-Length", "5"}}});
    EXPECT_TRUE(body->write(as_bytes("hello")));
    EXPECT_FALSE(body->write(as_bytes("!")));
    EXPECT_TRUE(body->finish({}));
  } else if (path == "/short") {
    auto body = *response.start({200, {{"content-length", "5"}}});
    EXPECT_TRUE(body->write(as_bytes("hell")));
    EXPECT_EQ(body->finish({}).error().code, ErrorCode::ProtocolError);
  } else if (path == "/empty") {
    EXPECT_TRUE((*response.start({200, {}}))->finish({}));
  } else if (path == "/204" || path == "/304") {
    auto body =
        *response.start({path == "/204" ? 204 : 304, {{"content-length", "7"}, {"etag", "\"a\""}}});
    EXPECT_TRUE(body->write(as_bytes("dropped")));
    EXPECT_TRUE(body->finish({}));
  } else if (path == "/fields") {
    answer_with(response, "ok",
                {{"Connection", "close"},
                 {"Transfer-Encoding", "gzip"},
                 {"Keep-Alive", "x"},
                 {"X-A", " b "},
                 {"X-A", "c"}});
  } else if (path == "/bad-field") {
    EXPECT_EQ(response.start({200, {{"x", "a\r\nb: c"}}}).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(response.start({200, {{"x y", "a"}}}).error().code, ErrorCode::InvalidArgument);
    EXPECT_EQ(response.start({200, {{"content-length", "-1"}}}).error().code,
              ErrorCode::InvalidArgument);
    EXPECT_EQ(response.start({99, {}}).error().code, ErrorCode::InvalidArgument);
    EXPECT_FALSE(response.started());
    answer_with(response, "still fine");
  } else if (path == "/twice") {
    answer_with(response, "once");
    EXPECT_FALSE(response.start({200, {}}));
  } else if (path == "/silent") {
  } else if (path == "/throws") {
    throw std::runtime_error("a bug");
  } else if (path == "/unfinished") {
    auto body = *response.start({200, {}});
    EXPECT_TRUE(body->write(as_bytes("part")));
  } else if (path == "/head-counts") {
    answer_with(response, "12345");
  } else {
    answer_with(response, fmt::format("{} {} {} {}", request.head.method, request.head.scheme,
                                      request.head.authority, path));
  }
}

struct WireCase {
  const char* name;
  std::string request;
  std::string response;
};

std::string response_of(std::string_view status, std::string_view fields, std::string_view body) {
  return fmt::format("HTTP/1.1 {}\r\n{}\r\n{}", status, fields, body);
}
std::string refused(std::string_view status, std::string_view why) {
  return response_of(
      status,
      fmt::format("content-type: text/plain\r\nconnection: close\r\ncontent-length: {}\r\n",
                  why.size() + 1),
      std::string(why) + "\n");
}
const std::string kEnd = "GET /empty HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const std::string kEnded = response_of("200 OK", "connection: close\r\ncontent-length: 0\r\n", "");
const std::string kFailed =
    response_of("500 Internal Server Error", "content-type: text/plain\r\ncontent-length: 27\r\n",
                "the handler did not answer\n");

std::string ok(std::string_view body) {
  return response_of("200 OK", fmt::format("content-length: {}\r\n", body.size()), body);
}
// The request, then one that ends the connection: what comes first must keep it alive.
WireCase goes_on(const char* name, std::string request, std::string response) {
  return {name, std::move(request) + kEnd, std::move(response) + kEnded};
}

class ServerWire : public ::testing::TestWithParam<WireCase> {
 protected:
  Loop loop;
  TestServer server{loop, by_path, [] {
                      ServerLimits limits;
                      limits.max_head_bytes = 1024;
                      limits.max_body_bytes = 100;
                      return limits;
                    }()};
};

TEST_P(ServerWire, AnswersWith) {
  EXPECT_EQ(server.answer(GetParam().request), GetParam().response);
  loop.run([](TestServer& server) -> Task<> {
    EXPECT_TRUE(co_await eventually([&] { return server->connections() == 0; }));
  }(server));
}

INSTANTIATE_TEST_SUITE_P(
    Good, ServerWire,
    ::testing::Values(
        goes_on("Get", "GET /x?y HTTP/1.1\r\nHost: a:1\r\n\r\n", ok("GET http a:1 /x?y")),
        goes_on("Pipelined",
                "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET /chunks "
                "HTTP/1.1\r\nHost: a\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n",
                ok("GET http a /1") + ok("GET http a /2") +
                    response_of("200 OK", "transfer-encoding: chunked\r\n",
                                "3\r\none\r\n8\r\ntwothree\r\n0\r\nx-sum: 3\r\n\r\n") +
                    ok("GET http a /3")),
        goes_on("Absolute", "GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n", ok("GET http b /")),
        goes_on("Options", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", ok("OPTIONS http a *")),
        goes_on("EmptyLineBefore", "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", ok("GET http a /")),
        goes_on("EchoLength", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
                ok("hello")),
        goes_on("EchoChunked",
                "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                "Chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\nX-T: 1\r\n\r\n",
                ok("hello[X-T=1]")),
        goes_on("BodyUnread", "POST /empty HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
                ok("")),
        goes_on("Declared", "GET /length HTTP/1.1\r\nHost: a\r\n\r\n",
                response_of("200 OK", "content-length: 5\r\n", "hello")),
        goes_on("HeadCounts", "HEAD /head-counts HTTP/1.1\r\nHost: a\r\n\r\n",
                response_of("200 OK", "content-length: 5\r\n", "")),
        goes_on("HeadDeclared", "HEAD /length HTTP/1.1\r\nHost: a\r\n\r\n",
                response_of("200 OK", "content-length: 5\r\n", "")),
        goes_on("HeadChunks", "HEAD /chunks HTTP/1.1\r\nHost: a\r\n\r\n",
                response_of("200 OK", "transfer-encoding: chunked\r\n", "")),
        goes_on("HeadEmpty", "HEAD /empty HTTP/1.1\r\nHost: a\r\n\r\n",
                response_of("200 OK", "", "")),
        goes_on("NoContent", "GET /204 HTTP/1.1\r\nHost: a\r\n\r\n",
                response_of("204 No Content", "etag: \"a\"\r\n", "")),
        goes_on("NotModified", "GET /304 HTTP/1.1\r\nHost: a\r\n\r\n",
                response_of("304 Not Modified", "etag: \"a\"\r\ncontent-length: 7\r\n", "")),
        goes_on("ConnectionFieldsDropped", "GET /fields HTTP/1.1\r\nHost: a\r\n\r\n",
                response_of("200 OK", "X-A: b\r\nX-A: c\r\ncontent-length: 2\r\n", "ok")),
        goes_on("BadResponseFields", "GET /bad-field HTTP/1.1\r\nHost: a\r\n\r\n",
                ok("still fine")),
        goes_on("StartTwice", "GET /twice HTTP/1.1\r\nHost: a\r\n\r\n", ok("once")),
        goes_on("Silent", "GET /silent HTTP/1.1\r\nHost: a\r\n\r\n", kFailed),
        goes_on("Throws", "GET /throws HTTP/1.1\r\nHost: a\r\n\r\n", kFailed),
        goes_on("KeepAlive10", "GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n",
                response_of("200 OK", "connection: keep-alive\r\ncontent-length: 12\r\n",
                            "GET http a /")),
        WireCase{
            "Plain10", "GET / HTTP/1.0\r\n\r\n",
            response_of("200 OK", "connection: close\r\ncontent-length: 11\r\n", "GET http  /")},
        WireCase{"Chunks10", "GET /chunks HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
                 response_of("200 OK", "connection: close\r\n", "onetwothree")},
        WireCase{"CloseIsLast", kEnd + "GET / HTTP/1.1\r\nHost: a\r\n\r\n", kEnded},
        WireCase{
            "ExpectUnread",
            "POST /empty HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n",
            kEnded},
        WireCase{"Short", "GET /short HTTP/1.1\r\nHost: a\r\n\r\n",
                 response_of("200 OK", "content-length: 5\r\n", "hell")},
        WireCase{"Unfinished", "GET /unfinished HTTP/1.1\r\nHost: a\r\n\r\n",
                 response_of("200 OK", "transfer-encoding: chunked\r\n", "4\r\npart\r\n")}),
    [](const auto& info) { return info.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Refused, ServerWire,
    ::testing::Values(
        WireCase{"NotHttp", "\x16\x03\x01 hello\r\n\r\n",
                 refused("400 Bad Request", "not a request line")},
        WireCase{"NoHost", "GET / HTTP/1.1\r\n\r\n", refused("400 Bad Request", "host is missing")},
        WireCase{"Version", "GET / HTTP/3.0\r\n\r\n",
                 refused("505 HTTP Version Not Supported",
                         "only HTTP/1.1 and HTTP/1.0 are spoken here")},
        WireCase{"HugeHead",
                 "GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(200'000, 'x') + "\r\n\r\n",
                 refused("431 Request Header Fields Too Large", "the head is too large")},
        WireCase{"LargeBody", "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\n\r\n",
                 refused("413 Content Too Large", "the request's body is too large")},
        WireCase{"LargeChunks",
                 "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3c\r\n" +
                     std::string(60, 'a') + "\r\n29\r\n",
                 refused("413 Content Too Large", "the body is too large")},
        WireCase{
            "BadChunk",
            "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n",
            refused("400 Bad Request", "a chunk is longer than its size")},
        WireCase{"Smuggled",
                 "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
                 refused("400 Bad Request", "both content-length and transfer-encoding")},
        WireCase{"SecondIsBad", "GET /empty HTTP/1.1\r\nHost: a\r\n\r\nGET /\r\n\r\n",
                 ok("") + refused("400 Bad Request", "not a request line")}),
    [](const auto& info) { return info.param.name; });

TEST(ServerDate, IsSent) {
  Loop loop;
  TestServer server(loop, by_path);
  loop.run([](TestServer& server) -> Task<> {
    Wire wire = co_await Wire::connect(server.endpoint());
    co_await wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    std::string head = co_await wire.until("\r\n\r\n");
    EXPECT_TRUE(head.contains("\r\ndate: ")) << head;
    EXPECT_TRUE(head.contains(" GMT\r\n")) << head;
  }(server));
}

}  // namespace
}  // namespace unbolt::http::testing
