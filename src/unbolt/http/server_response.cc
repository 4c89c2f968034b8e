#include "unbolt/http/server_response.h"

namespace unbolt::http {

void ServerResponse::begin(Channel& channel, const RequestHead& request, const HeadFacts& facts) {
  channel_ = &channel;
  http_1_0_ = facts.http_1_0;
  is_head_ = request.method == "HEAD";
  keeps_alive_ = false;
  body_.reset();
}

Result<BodyWriter*> ServerResponse::start(ResponseHead head) {
  if (started()) return fail(ErrorCode::InvalidArgument, "the response was started already");
  if (channel_->broken()) return fail(ErrorCode::ConnectionClosed, "the client has left");
  std::string& out = channel_->out.text();
  head_at_ = out.size();
  UNBOLT_ASSIGN(DeclaredLength length, append_response_head(out, head, date_.now()));
  keeps_alive_ = owner_.may_keep_alive();
  std::string_view connection = !keeps_alive_ ? "connection: close\r\n"
                                : http_1_0_   ? "connection: keep-alive\r\n"
                                              : "";
  bool forbidden = head.status == 204 || head.status == 304;
  if (head.status == 204) length.reset();
  body_.start(*channel_, buffer_bytes_,
              {.length = length,
               .forbidden = forbidden,
               .discard = is_head_,
               .may_chunk = !http_1_0_,
               .connection = connection});
  return &body_;
}

void ServerResponse::send_continue() {
  static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
  if (!started()) {
    channel_->out.text().append(kContinue);
    channel_->send();
  } else if (body_.unsent()) {
    channel_->out.insert(head_at_, kContinue);
    body_.flush();
  }
}

void ServerResponse::answer(int status, std::string_view why) {
  std::string text(why);
  text += '\n';
  auto body = start({status, {{"content-type", "text/plain"}}});
  if (!body || !(*body)->write(as_bytes(text))) return;
  (void)(*body)->finish({});
}

}  // namespace unbolt::http
