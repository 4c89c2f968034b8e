// The response to one request of a connection.
#pragma once

#include "unbolt/http/head_format.h"
#include "unbolt/http/head_parser.h"
#include "unbolt/http/outgoing_body.h"

namespace unbolt::http {

class ServerResponse final : public ResponseWriter {
 public:
  class Owner : public OutgoingBody::Owner {
   public:
    // Asked once, when the head is written.
    virtual bool may_keep_alive() const = 0;

   protected:
    ~Owner() = default;
  };

  ServerResponse(Owner& owner, DateLine& date, std::size_t buffer_bytes)
      : owner_(owner), date_(date), buffer_bytes_(buffer_bytes), body_(owner) {}

  // Before each request.
  void begin(Channel& channel, const RequestHead& request, const HeadFacts& facts);

  Result<BodyWriter*> start(ResponseHead head) override;
  bool started() const override { return body_.started(); }

  // A short answer of the server's own; only where none was started.
  void answer(int status, std::string_view why);

  OutgoingBody& body() { return body_; }
  // Puts "100 Continue" in front of the response; nothing where its head has left.
  void send_continue();

  // The head promised the client that the connection goes on.
  bool keeps_alive() const { return keeps_alive_ && !body_.until_close(); }

 private:
  Owner& owner_;
  DateLine& date_;
  const std::size_t buffer_bytes_;
  Channel* channel_ = nullptr;
  std::size_t head_at_ = 0;  // in the channel's output
  bool http_1_0_ = false;
  bool is_head_ = false;
  bool keeps_alive_ = false;
  OutgoingBody body_;
};

}  // namespace unbolt::http
