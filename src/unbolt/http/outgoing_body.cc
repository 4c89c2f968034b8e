#include "unbolt/http/outgoing_body.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "unbolt/http/head_format.h"
#include "unbolt/http/text.h"

namespace unbolt::http {
namespace {

constexpr std::size_t kSendAt = 16 * 1024;

// What goes into a gap; no larger than it.
class GapText {
 public:
  GapText& add(std::string_view text) {
    end_ = std::ranges::copy(text, end_).out;
    return *this;
  }
  GapText& add_decimal(std::uint64_t value) { return add_number(value, 10); }
  GapText& add_hex(std::uint64_t value) { return add_number(value, 16); }
  std::string_view view() const { return {text_.data(), end_}; }

 private:
  GapText& add_number(std::uint64_t value, int base) {
    end_ = std::to_chars(end_, text_.data() + text_.size(), value, base).ptr;
    return *this;
  }

  std::array<char, OutputBuffer::kGap> text_;
  char* end_ = text_.data();
};

std::unexpected<Error> left() { return fail(ErrorCode::ConnectionClosed, "the peer has left"); }

}  // namespace

void OutgoingBody::start(Channel& channel, std::size_t buffer_bytes, const Plan& plan) {
  channel_ = &channel;
  plan_ = plan;
  buffer_bytes_ = buffer_bytes;
  framing_ = Framing::Undecided;
  written_ = remaining_ = 0;
  finished_ = aborted_ = flush_wanted_ = had_trailers_ = sent_ = false;
  if (!plan.length && !plan.forbidden) return channel.out.open_gap();
  framing_ = Framing::Length;
  remaining_ = plan.forbidden ? 0 : *plan.length;
  std::string& out = channel.out.text();
  out.append(plan.connection);
  if (plan.length) {
    out.append("content-length: ");
    append_decimal(out, *plan.length);
    out.append("\r\n");
  }
  out.append("\r\n");
}

void OutgoingBody::restart(Channel& channel) {
  bool finished = finished_;
  start(channel, buffer_bytes_, plan_);
  if (finished) (void)finish({});
}

std::size_t OutgoingBody::capacity() const {
  if (!check_open()) return buffer_bytes_;
  std::size_t pending = channel_->pending();
  return pending < buffer_bytes_ ? buffer_bytes_ - pending : 0;
}

Result<> OutgoingBody::check_open() const {
  if (aborted_) return fail(ErrorCode::ConnectionClosed, "the body was aborted");
  if (finished_) return fail(ErrorCode::InvalidArgument, "the body is finished");
  if (channel_->broken()) return left();
  return {};
}

Result<> OutgoingBody::write(ByteView bytes) {
  UNBOLT_TRY(check_open());
  // A status that has no body (204, 304): what the handler writes is dropped.
  if (bytes.empty() || plan_.forbidden) return {};
  if (framing_ == Framing::Length && bytes.size() > remaining_) {
    return fail(ErrorCode::LimitExceeded, "{} bytes are more than the {} left of content-length",
                bytes.size(), remaining_);
  }
  if (!plan_.discard && bytes.size() > capacity()) {
    return fail(ErrorCode::LimitExceeded, "{} bytes are more than the buffer takes now ({})",
                bytes.size(), capacity());
  }
  written_ += bytes.size();
  if (framing_ == Framing::Length) remaining_ -= bytes.size();
  if (plan_.discard) return {};
  append(as_text(bytes));
  if (channel_->out.size() >= std::min(kSendAt, buffer_bytes_)) send();
  if (channel_->broken()) return left();
  return {};
}

void OutgoingBody::append(std::string_view bytes) {
  OutputBuffer& out = channel_->out;
  if (framing_ == Framing::Chunked && !out.has_gap()) {
    if (bytes.size() < kSendAt) {
      out.open_gap();
    } else {
      append_hex(out.text(), bytes.size());
      out.text().append("\r\n").append(bytes).append("\r\n");
      return;
    }
  }
  out.text().append(bytes);
}

void OutgoingBody::flush() {
  if (!check_open()) return;
  flush_wanted_ = true;
  owner_.on_flush_wanted();
}

Task<> OutgoingBody::wait() {
  while (capacity() == 0) {
    if (!channel_->sending()) send();
    if (capacity() != 0) break;
    co_await capacity_waiter_.wait();
  }
}

Task<Result<>> OutgoingBody::drained() {
  if (!channel_) co_return Result<>{};
  if (!aborted_ && !channel_->broken()) send();
  while (channel_ && channel_->pending() != 0 && !channel_->broken())
    co_await drained_waiter_.wait();
  if (aborted_ || (channel_ && channel_->broken())) co_return left();
  co_return Result<>{};
}

Result<> OutgoingBody::finish(Fields trailers) {
  UNBOLT_TRY(check_open());
  std::string section;
  if (!trailers.empty() && !plan_.discard) UNBOLT_TRY(append_trailers(section, trailers));
  if (framing_ == Framing::Length && remaining_ != 0 && !plan_.discard) {
    auto missing = remaining_;
    abort();
    return fail(ErrorCode::ProtocolError, "the body is {} bytes shorter than content-length",
                missing);
  }
  if (framing_ == Framing::Undecided) end_head(section.empty() || !plan_.may_chunk);
  if (framing_ == Framing::Chunked && !plan_.discard) {
    end_chunk();
    channel_->out.text().append("0\r\n").append(section).append("\r\n");
  }
  finished_ = true;
  had_trailers_ = !section.empty();
  flush_wanted_ = true;
  owner_.on_flush_wanted();
  return {};
}

void OutgoingBody::abort() {
  if (finished_ || aborted_) return;
  if (!channel_->broken()) send();
  aborted_ = true;
  wake();
  owner_.on_abort();
}

void OutgoingBody::end_head(bool whole) {
  OutputBuffer& out = channel_->out;
  GapText text;
  bool chunk = false;
  if (whole) {
    framing_ = Framing::Length;
    text.add(plan_.connection);
    bool none = written_ == 0 && (plan_.omit_zero || plan_.discard);
    if (!none) text.add("content-length: ").add_decimal(written_).add("\r\n");
    text.add("\r\n");
  } else if (plan_.may_chunk) {
    framing_ = Framing::Chunked;
    text.add(plan_.connection).add("transfer-encoding: chunked\r\n\r\n");
    chunk = out.behind_gap() != 0;
    if (chunk) text.add_hex(out.behind_gap()).add("\r\n");
  } else {
    framing_ = Framing::UntilClose;
    text.add("connection: close\r\n\r\n");
  }
  out.close_gap(text.view());
  if (chunk) out.text().append("\r\n");
}

void OutgoingBody::end_chunk() {
  OutputBuffer& out = channel_->out;
  if (!out.has_gap()) return;
  GapText size;
  size.add_hex(out.behind_gap()).add("\r\n");
  out.close_gap(size.view());
  out.text().append("\r\n");
}

void OutgoingBody::send() {
  if (!channel_->attached()) {
    flush_wanted_ = true;
    return;
  }
  flush_wanted_ = false;
  sent_ = true;
  if (channel_->broken()) return;
  if (framing_ == Framing::Undecided) end_head(false);
  if (framing_ == Framing::Chunked) end_chunk();
  channel_->send();
  flush_wanted_ = !channel_->out.empty();
}

void OutgoingBody::on_output() {
  if (!channel_) return;
  if (flush_wanted_ && !channel_->sending()) send();
  wake();
}

void OutgoingBody::wake() {
  if (capacity() != 0) capacity_waiter_.post();
  if (channel_->pending() == 0 || channel_->broken() || aborted_) drained_waiter_.post();
}

}  // namespace unbolt::http
