#include "unbolt/contracts/messaging.h"

#include <algorithm>

#include "unbolt/contracts/text.h"

namespace unbolt::contracts {
namespace {

using Limits = MessagingLimits;

enum class Wildcards : std::uint8_t { Refused, Allowed };

std::string show(std::string_view text) { return printable(text, 120); }

// Takes the first token off.
std::string_view next_token(std::string_view& rest) {
  const auto dot = rest.find('.');
  const auto token = rest.substr(0, dot);
  rest = dot == rest.npos ? std::string_view() : rest.substr(dot + 1);
  return token;
}

bool is_space_or_control(char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; }

Result<> check_subject(std::string_view subject, Wildcards wildcards) {
  if (subject.size() > Limits::kSubject) {
    return fail(ErrorCode::LimitExceeded, "a subject of {} bytes: at most {} are allowed",
                subject.size(), Limits::kSubject);
  }
  if (std::ranges::any_of(subject, is_space_or_control)) {
    return fail(ErrorCode::InvalidArgument,
                "the subject '{}' has a space or a control character in it", show(subject));
  }
  if (subject.empty() || subject.starts_with('.') || subject.ends_with('.') ||
      subject.contains("..")) {
    return fail(ErrorCode::InvalidArgument, "the subject '{}' has an empty token", show(subject));
  }
  if (subject.starts_with('$')) {
    return fail(ErrorCode::Denied, "the subject '{}' is the broker's own", show(subject));
  }
  std::string_view rest = subject;
  while (!rest.empty()) {
    const auto token = next_token(rest);
    if (token != "*" && token != ">") continue;
    if (wildcards == Wildcards::Refused) {
      return fail(ErrorCode::InvalidArgument,
                  "the subject '{}' has a wildcard: messages go to one subject", show(subject));
    }
    if (token == ">" && !rest.empty()) {
      return fail(ErrorCode::InvalidArgument, "the subject '{}' has a '>' before its end",
                  show(subject));
    }
  }
  return {};
}

Result<> check_body(ByteView body) {
  if (body.size() <= Limits::kBody) return {};
  return fail(ErrorCode::LimitExceeded, "a message of {} bytes: at most {} are allowed",
              body.size(), Limits::kBody);
}

// Such that every broker takes it.
Result<> check_name(std::string_view what, const std::optional<std::string>& name) {
  if (!name) return {};
  const bool good = !name->empty() && std::ranges::all_of(*name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  if (good && name->size() <= Limits::kName) return {};
  return fail(ErrorCode::InvalidArgument,
              "the {} '{}' is not made of 1 to {} letters, digits, '-' and '_'", what, show(*name),
              Limits::kName);
}

}  // namespace

Result<> check_message(const MessageView& message) {
  UNBOLT_TRY(check_subject(message.subject, Wildcards::Refused));
  if (message.reply_to) {
    if (auto ok = check_subject(*message.reply_to, Wildcards::Refused); !ok)
      return std::unexpected(std::move(ok.error()).in("reply-to"));
  }
  return check_body(message.body);
}

Result<> check_request(std::string_view subject, ByteView body) {
  UNBOLT_TRY(check_subject(subject, Wildcards::Refused));
  return check_body(body);
}

Result<> check_subscribe(const SubscribeOptions& options) {
  UNBOLT_TRY(check_subject(options.subject, Wildcards::Allowed));
  UNBOLT_TRY(check_name("queue group", options.group));
  UNBOLT_TRY(check_name("durable name", options.durable));
  if (options.in_flight >= 1 && options.in_flight <= Limits::kInFlight) return {};
  return fail(ErrorCode::InvalidArgument, "{} messages in flight: expected 1 to {}",
              options.in_flight, Limits::kInFlight);
}

bool subject_matches(std::string_view pattern, std::string_view subject) {
  while (!pattern.empty() && !subject.empty()) {
    const auto wanted = next_token(pattern);
    if (wanted == ">") return true;
    const auto token = next_token(subject);
    if (wanted != "*" && wanted != token) return false;
  }
  return pattern.empty() && subject.empty();
}

bool patterns_meet(std::string_view one, std::string_view other) {
  while (!one.empty() && !other.empty()) {
    const auto a = next_token(one), b = next_token(other);
    if (a == ">" || b == ">") return true;
    if (a != "*" && b != "*" && a != b) return false;
  }
  return one.empty() && other.empty();
}

}  // namespace unbolt::contracts
