#include "unbolt/http/head_format.h"

#include <array>
#include <ctime>

#include "unbolt/http/text.h"

namespace unbolt::http {
namespace {

Result<> append_field(std::string& out, const Field& field) {
  if (!is_token(field.name))
    return fail(ErrorCode::InvalidArgument, "'{}' is not the name of a field", field.name);
  if (!is_field_value(trim(field.value))) {
    return fail(ErrorCode::InvalidArgument, "the field '{}' holds a control character", field.name);
  }
  out.append(field.name).append(": ").append(trim(field.value)).append("\r\n");
  return {};
}

Result<> take_length(const Field& field, DeclaredLength& length) {
  auto value = parse_decimal(field.value);
  if (!value || (length && length != value)) {
    return fail(ErrorCode::InvalidArgument, "content-length '{}' is not one number", field.value);
  }
  length = value;
  return {};
}

struct Seen {
  DeclaredLength length;
  bool date = false;
  bool host = false;
};

Result<Seen> append_fields(std::string& out, const Fields& fields, bool skip_host) {
  Seen seen;
  for (const Field& field : fields) {
    if (is_connection_field(field.name)) continue;
    if (equals_ignoring_case(field.name, "content-length")) {
      UNBOLT_TRY(take_length(field, seen.length));
      continue;
    }
    if (skip_host && equals_ignoring_case(field.name, "host")) continue;
    if (equals_ignoring_case(field.name, "date")) seen.date = true;
    UNBOLT_TRY(append_field(out, field));
  }
  return seen;
}

}  // namespace

Result<DeclaredLength> append_request_head(std::string& out, const RequestHead& head) {
  if (!is_token(head.method))
    return fail(ErrorCode::InvalidArgument, "'{}' is not a method", head.method);
  if (head.method == "CONNECT")
    return fail(ErrorCode::Unsupported, "the method CONNECT is not supported");
  std::string_view target = head.target.empty() ? "/" : std::string_view(head.target);
  bool query_only = target.front() == '?';
  if (!is_target(target) || (target.front() != '/' && !query_only && target != "*")) {
    return fail(ErrorCode::InvalidArgument, "'{}' is not a path with a query", target);
  }
  if (head.authority.empty() || !is_authority(head.authority)) {
    return fail(ErrorCode::InvalidArgument, "'{}' is not a host with a port", head.authority);
  }
  std::size_t before = out.size();
  out.append(head.method)
      .append(query_only ? " /" : " ")
      .append(target)
      .append(" HTTP/1.1\r\nhost: ");
  out.append(head.authority).append("\r\n");
  auto seen = append_fields(out, head.fields, true);
  if (!seen) {
    out.resize(before);
    return std::unexpected(std::move(seen).error());
  }
  return seen->length;
}

Result<DeclaredLength> append_response_head(std::string& out, const ResponseHead& head,
                                            std::string_view date) {
  if (head.status < 200 || head.status > 999) {
    return fail(ErrorCode::InvalidArgument, "{} is not the status of a response", head.status);
  }
  std::size_t before = out.size();
  if (head.status == 200) {
    out.append("HTTP/1.1 200 OK\r\n");
  } else {
    out.append("HTTP/1.1 ");
    append_decimal(out, static_cast<std::uint64_t>(head.status));
    out.append(" ").append(reason_phrase(head.status)).append("\r\n");
  }
  auto seen = append_fields(out, head.fields, false);
  if (!seen) {
    out.resize(before);
    return std::unexpected(std::move(seen).error());
  }
  if (!seen->date) out.append(date);
  return seen->length;
}

Result<> append_trailers(std::string& out, const Fields& fields) {
  for (const Field& field : fields) {
    if (is_connection_field(field.name) || equals_ignoring_case(field.name, "content-length"))
      continue;
    UNBOLT_TRY(append_field(out, field));
  }
  return {};
}

std::string_view DateLine::now() {
  timespec time;
  clock_gettime(CLOCK_REALTIME_COARSE, &time);
  if (time.tv_sec == second_) return line_;
  second_ = time.tv_sec;
  std::tm parts{};
  gmtime_r(&time.tv_sec, &parts);
  static constexpr std::array<std::string_view, 7> kDays{"Sun", "Mon", "Tue", "Wed",
                                                         "Thu", "Fri", "Sat"};
  static constexpr std::array<std::string_view, 12> kMonths{
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  line_ = fmt::format("date: {}, {:02} {} {} {:02}:{:02}:{:02} GMT\r\n",
                      kDays[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                      kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                      parts.tm_hour, parts.tm_min, parts.tm_sec);
  return line_;
}

}  // namespace unbolt::http
