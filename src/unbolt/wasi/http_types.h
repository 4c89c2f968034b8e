// The resources of wasi:http/types, and the seam between them and whoever serves the request.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <boost/asio/cancellation_signal.hpp>

#include "unbolt/component/abi.h"
#include "unbolt/http/client.h"
#include "unbolt/http/handler.h"
#include "unbolt/wasi/http_error.h"
#include "unbolt/wasi/streams.h"

namespace unbolt::wasi {

// variant method, variant scheme; Text is how the last case holds what is none of the others.
template <class Text>
using HttpMethod = std::variant<None, None, None, None, None, None, None, None, None, Text>;
template <class Text>
using HttpScheme = std::variant<None, None, Text>;

inline constexpr std::string_view kHttpMethods[] = {"GET",     "HEAD",    "POST",  "PUT",  "DELETE",
                                                    "CONNECT", "OPTIONS", "TRACE", "PATCH"};

template <class Text>
HttpMethod<Text> to_http_method(std::string_view name) {
  return []<std::size_t... I>(std::string_view name, std::index_sequence<I...>) {
    HttpMethod<Text> method(std::in_place_index<std::size(kHttpMethods)>, name);
    (void)((kHttpMethods[I] == name && (method.template emplace<I>(), true)) || ...);
    return method;
  }(name, std::make_index_sequence<std::size(kHttpMethods)>{});
}

// A fields resource. Headers of messages that came in, and of those that were sent, cannot be
// changed any more.
struct Fields {
  std::shared_ptr<http::Fields> list = std::make_shared<http::Fields>();
  bool immutable = false;
};

// The body of a message that came in. Shared by the resources that look at it; cut off when its
// request has ended, since a guest may keep handles for longer.
class IncomingBodySource final : public Source {
 public:
  explicit IncomingBodySource(http::BodyReader* reader) : reader_(reader) {}
  explicit IncomingBodySource(std::unique_ptr<http::BodyReader> owned)
      : reader_(owned.get()), owned_(std::move(owned)) {}
  void cut_off() {
    reader_ = nullptr;
    owned_.reset();
  }

  ByteView available() override { return reader_ ? reader_->available() : ByteView{}; }
  void consume(std::size_t size) override {
    if (reader_) reader_->consume(size);
  }
  bool open() override { return reader_ && reader_->state() == http::BodyReader::State::Open; }
  std::optional<Error> failure() override;
  Task<> wait() override;
  // After the end.
  http::Fields trailers() const { return reader_ ? reader_->trailers() : http::Fields{}; }

 private:
  http::BodyReader* reader_;
  std::unique_ptr<http::BodyReader> owned_;
};

// The body of a message that goes out. The guest may write before the message is sent: until then a
// bounded buffer stands in for the connection.
class OutgoingBodySink final : public Sink {
 public:
  // `declared`: what a request's content-length promises.
  OutgoingBodySink(Executor loop, std::optional<std::uint64_t> declared)
      : loop_(loop), declared_(declared) {}

  // The message is sent now; the writer outlives the sink or `cut_off`.
  void attach(http::BodyWriter* writer, std::shared_ptr<void> owner = nullptr);
  void cut_off();
  // ProtocolError where it is shorter than was declared: the peer must see that, too.
  Result<> finish(http::Fields trailers);
  bool finished() const { return finished_; }
  std::uint64_t written() const { return written_; }
  // Dropped without `finish`: the peer must see that it is incomplete.
  void abandon();

  bool open() override { return !finished_ && !failure_; }
  std::optional<Error> failure() override { return failure_; }
  std::size_t capacity() override;
  Reply<Result<>> write(ByteView bytes) override;
  void flush() override {
    if (writer_) writer_->flush();
  }
  Task<> wait() override;

 private:
  static constexpr std::size_t kBuffer = 16 * 1024;
  Executor loop_;
  http::BodyWriter* writer_ = nullptr;
  std::shared_ptr<void> owner_;
  std::optional<std::uint64_t> declared_;
  std::uint64_t written_ = 0;
  Bytes buffer_;  // before it is attached
  bool finished_ = false;
  http::Fields trailers_;
  std::optional<Error> failure_;
  std::optional<Timer> attached_;  // while somebody waits for that
};

struct IncomingRequest {
  http::RequestHead head;
  std::shared_ptr<http::Fields> fields;
  std::shared_ptr<IncomingBodySource> body;
  bool consumed = false;
};

struct IncomingBody {
  std::shared_ptr<IncomingBodySource> source;
  bool streamed = false;
  Children children{};
  bool has_children() const { return children.any(); }
};

struct FutureTrailers {
  std::shared_ptr<IncomingBodySource> source;
  bool taken = false;
};

struct OutgoingBody {
  OutgoingBody(std::shared_ptr<OutgoingBodySink> to, bool response)
      : sink(std::move(to)), of_response(response) {}
  OutgoingBody(const OutgoingBody&) = delete;
  OutgoingBody& operator=(const OutgoingBody&) = delete;
  std::shared_ptr<OutgoingBodySink> sink;
  bool of_response = false;
  bool written = false;
  bool done = false;
  Children children{};
  bool has_children() const { return children.any(); }
  ~OutgoingBody() {
    if (!done) sink->abandon();
  }
};

struct OutgoingRequest {
  std::string method = "GET";
  std::optional<std::string> scheme, authority, path_with_query;
  std::shared_ptr<http::Fields> fields;
  std::shared_ptr<OutgoingBodySink> body;  // made when it is asked for
};

struct RequestOptions {
  std::optional<std::uint64_t> connect, first_byte, between_bytes;
};

struct OutgoingResponse {
  std::uint16_t status = 200;
  std::shared_ptr<http::Fields> fields;
  std::shared_ptr<OutgoingBodySink> body;  // made when it is asked for
};

// Who takes the response to a request: the host's invocation. Outlives the request.
class ResponseTarget {
 public:
  virtual ~ResponseTarget() = default;
  virtual Result<http::BodyWriter*> start(http::ResponseHead head) = 0;
  // The guest answered with an error instead.
  virtual void failed(const HttpError& error) = 0;
};

// One request's hold on what the guest's handles reach. Whoever serves the request owns it and ends
// it.
struct RequestScope {
  ResponseTarget* target = nullptr;  // null once answered or ended
  std::shared_ptr<IncomingBodySource> request_body;
  std::shared_ptr<OutgoingBodySink> response_body;
  void end();
};

struct ResponseOutparam {
  std::shared_ptr<RequestScope> scope;
};

struct IncomingResponse {
  int status = 0;
  std::shared_ptr<http::Fields> fields;
  std::shared_ptr<IncomingBodySource> body;
  bool consumed = false;
};

// The two resources that a handler is called with.
std::pair<component::Own<IncomingRequest>, component::Own<ResponseOutparam>> make_request(
    http::Request& request, std::shared_ptr<RequestScope> scope);

}  // namespace unbolt::wasi
