// HTTP as the rest of the program sees it: messages, bodies that stream, and the one interface that
// answers requests. This folder knows nothing of WebAssembly.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/base/task.h"

namespace unbolt::http {

struct Field {
  std::string name;  // as it was sent; compared without case
  std::string value;
};

// Header or trailer fields in the order they were sent (RFC 9110, section 5).
using Fields = std::vector<Field>;

struct RequestHead {
  std::string method;     // "GET"
  std::string scheme;     // "http" or "https"
  std::string authority;  // host, and the port where one was given
  std::string target;     // path and query, "/a?b=c"
  Fields fields;
};

struct ResponseHead {
  int status = 200;
  Fields fields;
};

// A body that comes in, from a client's request or a server's response. Bound to its loop.
class BodyReader {
 public:
  enum class State : std::uint8_t { Open, End, Failed };

  virtual ~BodyReader() = default;

  // Bytes that have arrived and were not consumed yet. Valid until `consume`, `wait` or the
  // reader's end.
  virtual ByteView available() const = 0;
  // `size` is at most `available().size()`. Reading from the peer goes on only as bytes are
  // consumed (back-pressure).
  virtual void consume(std::size_t size) = 0;
  // End and Failed are reported only when `available()` is empty.
  virtual State state() const = 0;
  // Why it failed; only in state Failed (ConnectionClosed, ProtocolError, LimitExceeded, Timeout).
  virtual const Error& error() const = 0;
  // Ends when there are bytes or the state is no longer Open. At most one at a time.
  virtual Task<> wait() = 0;
  // The trailer fields; empty before state End and where none were sent.
  virtual const Fields& trailers() const = 0;
};

// A body that goes out. Bound to its loop. What is written is copied into a bounded buffer, and
// sent when the buffer is large enough, when `flush` asks, or when the body is finished; small
// responses leave in one packet with their head.
class BodyWriter {
 public:
  virtual ~BodyWriter() = default;

  // How many bytes `write` takes now; 0 means: `wait` first. Never 0 where `write` would fail (the
  // peer has left), so that a loop which writes what it may ends.
  virtual std::size_t capacity() const = 0;
  // ConnectionClosed when the peer has left; LimitExceeded past `capacity()` or past the declared
  // content-length.
  virtual Result<> write(ByteView bytes) = 0;
  // Sends what is buffered without waiting for it, once the coroutine that runs now comes to rest.
  virtual void flush() = 0;
  // Ends when `capacity() > 0` or the peer has left. At most one at a time.
  virtual Task<> wait() = 0;
  // Ends when everything written so far has been given to the system, with what came of it.
  virtual Task<Result<>> drained() = 0;
  // The body is whole; nothing may follow. ProtocolError where fewer bytes were written than
  // content-length said.
  virtual Result<> finish(Fields trailers) = 0;
  // The body cannot be completed: the peer must see that it is broken (the connection is closed).
  virtual void abort() = 0;
};

// One request as the server hands it to the handler. Both references live until `handle` ends.
struct Request {
  RequestHead head;
  asio::ip::tcp::endpoint remote;  // who sent it
  bool http_1_0 = false;
  BodyReader* body = nullptr;  // never null; in state End where there is none
};

class ResponseWriter {
 public:
  virtual ~ResponseWriter() = default;
  // Once per request. Checks names and values (no control characters), sets content-length or
  // chunked as the fields say or the version needs, and drops connection-level fields. The writer
  // lives until `handle` ends.
  virtual Result<BodyWriter*> start(ResponseHead head) = 0;
  virtual bool started() const = 0;
};

// Who answers requests. One object serves all connections of a loop, many requests at a time.
class Handler {
 public:
  virtual ~Handler() = default;
  // Ends when the response is finished. Where it ends without having started a response, the server
  // answers 500; where the body was not finished, it closes the connection. Cancelled (Asio's
  // signal) when the client leaves.
  virtual Task<> handle(Request& request, ResponseWriter& response) = 0;
};

}  // namespace unbolt::http
