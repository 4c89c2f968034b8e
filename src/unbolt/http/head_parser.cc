#include "unbolt/http/head_parser.h"

#include <cstring>

#include "unbolt/http/text.h"

namespace unbolt::http {

std::optional<FieldLine> parse_field_line(std::string_view line) {
  std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  FieldLine field{line.substr(0, colon), trim(line.substr(colon + 1))};
  if (!is_token(field.name) || !is_field_value(field.value)) return std::nullopt;
  return field;
}

HeadParser::Progress HeadParser::read_request(InputBuffer& in, RequestHead& head) {
  auto progress =
      read(in, head.fields, [&](std::string_view line) { return request_line(line, head); });
  if (progress == Progress::Done && !finish_request(head)) return Progress::Failed;
  return progress;
}

HeadParser::Progress HeadParser::read_response(InputBuffer& in, ResponseHead& head) {
  response_ = true;
  return read(in, head.fields, [&](std::string_view line) { return status_line(line, head); });
}

template <class StartLine>
HeadParser::Progress HeadParser::read(InputBuffer& in, Fields& fields, StartLine start_line) {
  for (;;) {
    std::string_view bytes = in.view();
    const void* found = bytes.size() > scanned_
                            ? std::memchr(bytes.data() + scanned_, '\n', bytes.size() - scanned_)
                            : nullptr;
    if (!found) {
      scanned_ = bytes.size();
      if (size_ + scanned_ <= max_bytes_) return Progress::More;
      return refuse(431, "the head is too large"), Progress::Failed;
    }
    std::size_t length = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
    if (size_ + length + 1 > max_bytes_)
      return refuse(431, "the head is too large"), Progress::Failed;
    if (length == 0 || bytes[length - 1] != '\r') {
      return refuse(400, "a line does not end with CR LF"), Progress::Failed;
    }
    std::string_view line = bytes.substr(0, length - 1);
    scanned_ = 0;
    if (stage_ == Stage::Start) {
      // One empty line before a message is forgiven (RFC 9112, section 2.2).
      if (!line.empty()) {
        facts_ = {};
        field_count_ = 0;
        hosts_ = 0;
        absolute_ = false;
        if (!start_line(line)) return Progress::Failed;
        stage_ = Stage::Fields;
      } else if (size_ != 0 || response_) {
        return refuse(400, "empty lines in place of a message"), Progress::Failed;
      }
    } else if (line.empty()) {
      in.consume(length + 1);
      fields.resize(field_count_);
      stage_ = Stage::Start;
      size_ = 0;
      if (facts_.chunked && facts_.content_length) {
        return refuse(400, "both content-length and transfer-encoding"), Progress::Failed;
      }
      return Progress::Done;
    } else if (!field_line(line, fields)) {
      return Progress::Failed;
    }
    in.consume(length + 1);
    size_ += length + 1;
  }
}

bool HeadParser::request_line(std::string_view line, RequestHead& head) {
  std::size_t first = line.find(' ');
  std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return refuse(400, "not a request line");
  std::string_view method = line.substr(0, first);
  if (!is_token(method)) return refuse(400, "not a method");
  if (!version(line.substr(last + 1))) return false;
  head.method.assign(method);
  head.scheme.assign("http");
  head.authority.clear();
  return request_target(line.substr(first + 1, last - first - 1), head);
}

bool HeadParser::request_target(std::string_view target, RequestHead& head) {
  if (!is_target(target)) return refuse(400, "not a request target");
  if (head.method == "CONNECT") return refuse(501, "CONNECT is not supported");
  if (target.front() == '/' || (target == "*" && head.method == "OPTIONS")) {
    head.target.assign(target);
    return true;
  }
  std::size_t colon = target.find("://");
  if (colon == std::string_view::npos) return refuse(400, "not a request target");
  std::string_view scheme = target.substr(0, colon);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) {
    return refuse(400, "the target's scheme is not http");
  }
  std::string_view rest = target.substr(colon + 3);
  std::size_t path = rest.find_first_of("/?");
  std::string_view authority = rest.substr(0, path);
  if (authority.empty() || !is_authority(authority))
    return refuse(400, "the target's authority is malformed");
  // The scheme stays that of the connection, whatever the client claims.
  head.authority.assign(authority);
  head.target.clear();
  if (path == std::string_view::npos || rest[path] == '?') head.target.push_back('/');
  if (path != std::string_view::npos) head.target.append(rest.substr(path));
  absolute_ = true;
  return true;
}

bool HeadParser::status_line(std::string_view line, ResponseHead& head) {
  // "HTTP/1.1 200 OK"; the reason may be missing, with its space.
  if (line.size() < 12 || line[8] != ' ' || (line.size() > 12 && line[12] != ' ')) {
    return refuse(400, "not a status line");
  }
  if (!version(line.substr(0, 8))) return false;
  auto status = parse_decimal(line.substr(9, 3));
  if (!status || *status < 100 || *status > 999) return refuse(400, "not a status");
  head.status = static_cast<int>(*status);
  return true;
}

bool HeadParser::version(std::string_view text) {
  auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != 8 || !text.starts_with("HTTP/") || !digit(text[5]) || text[6] != '.' ||
      !digit(text[7])) {
    return refuse(400, "not a version of HTTP");
  }
  if (text[5] != '1') return refuse(505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  facts_.http_1_0 = text[7] == '0';
  return true;
}

bool HeadParser::field_line(std::string_view line, Fields& fields) {
  if (line.front() == ' ' || line.front() == '\t') return refuse(400, "a folded field line");
  auto field = parse_field_line(line);
  if (!field) return refuse(400, "a malformed field line");
  if (!known_field(field->name, field->value)) return false;
  if (field_count_ < fields.size()) {
    fields[field_count_].name.assign(field->name);
    fields[field_count_].value.assign(field->value);
  } else {
    fields.emplace_back(std::string(field->name), std::string(field->value));
  }
  ++field_count_;
  return true;
}

bool HeadParser::known_field(std::string_view name, std::string_view value) {
  auto is = [&](std::string_view other) { return equals_ignoring_case(name, other); };
  switch (name.size()) {
    case 4:
      if (!is("host") || response_) break;
      if (++hosts_ > 1) return refuse(400, "more than one host");
      if (!is_authority(value)) return refuse(400, "the host is malformed");
      host_at_ = field_count_;
      break;
    case 6:
      if (is("expect") && equals_ignoring_case(value, "100-continue"))
        facts_.expects_continue = true;
      break;
    case 10:
      if (!is("connection")) break;
      for_each_item(value, [&](std::string_view item) {
        if (equals_ignoring_case(item, "close")) facts_.close = true;
        if (equals_ignoring_case(item, "keep-alive")) facts_.keep_alive = true;
      });
      break;
    case 14: {
      if (!is("content-length")) break;
      if (value.empty() || value.find_first_not_of("0123456789") != std::string_view::npos) {
        return refuse(400, "content-length is not a number");
      }
      auto length = parse_decimal(value);
      if (!length) return refuse(413, "content-length is too large");
      // Servers repeat it more often than they should; a request that does may be two requests to
      // somebody else.
      if (facts_.content_length && !(response_ && facts_.content_length == length)) {
        return refuse(400, "more than one content-length");
      }
      facts_.content_length = length;
      break;
    }
    case 17:
      if (is("transfer-encoding")) return transfer_encoding(value);
      break;
    default: break;
  }
  return true;
}

bool HeadParser::transfer_encoding(std::string_view value) {
  if (facts_.chunked) return refuse(400, "more than one transfer-encoding");
  if (facts_.http_1_0) return refuse(400, "transfer-encoding in HTTP/1.0");
  if (!equals_ignoring_case(value, "chunked"))
    return refuse(501, "a transfer-encoding other than chunked");
  facts_.chunked = true;
  return true;
}

bool HeadParser::finish_request(RequestHead& head) {
  if (hosts_ == 0 && !absolute_ && !facts_.http_1_0) return refuse(400, "host is missing");
  if (hosts_ != 0 && !absolute_) head.authority.assign(head.fields[host_at_].value);
  return true;
}

bool HeadParser::refuse(int status, std::string_view why) {
  bad_ = {status, why};
  return false;
}

}  // namespace unbolt::http
