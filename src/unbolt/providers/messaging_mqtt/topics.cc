#include "unbolt/providers/messaging_mqtt/topics.h"

#include "unbolt/contracts/messaging.h"
#include "unbolt/contracts/text.h"

namespace unbolt::providers::mqtt_messaging {
namespace {

constexpr std::string_view kCorrelation = ".$correlation-";
constexpr std::string_view kDigits = "0123456789abcdef";

std::unexpected<Error> no_topic(std::string_view subject, std::string_view why,
                                std::string_view hint) {
  return std::unexpected(Error{ErrorCode::InvalidArgument,
                               fmt::format("the subject '{}' is no topic of MQTT: {}",
                                           contracts::printable(subject, 120), why),
                               std::string(hint)});
}

Result<> add_level(std::string_view subject, std::string_view token, std::string& topic) {
  if (token == "/") return {};
  while (!token.empty()) {
    const char c = token.front();
    if (c == '+' || c == '#')
      return no_topic(subject, "it has a '+' or '#' in it", "wildcards are written '*' and '>'");
    if (token.starts_with("//")) {
      topic += '.';
      token.remove_prefix(2);
      continue;
    }
    if (c == '/')
      return no_topic(subject, "it has a '/' in it", "levels are joined by '.': sensors.1.warmth");
    topic += c;
    token.remove_prefix(1);
  }
  return {};
}

enum class Wildcards : std::uint8_t { Literal, Mapped };

Result<std::string> map(std::string_view subject, Wildcards wildcards) {
  std::string topic;
  std::string_view rest = subject;
  for (bool first = true; first || !rest.empty(); first = false) {
    if (!first) topic += '/';
    const auto token = rest.substr(0, rest.find('.'));
    rest.remove_prefix(std::min(token.size() + 1, rest.size()));
    if (wildcards == Wildcards::Mapped && token == "*") {
      topic += '+';
    } else if (wildcards == Wildcards::Mapped && token == ">") {
      topic += first ? "#" : "+/#";
    } else {
      UNBOLT_TRY(add_level(subject, token, topic));
    }
  }
  if (topic.empty() || topic.front() == '$')
    return no_topic(subject, "it is empty or the broker's own", {});
  return topic;
}

int digit(char c) {
  const auto found = kDigits.find(c);
  return found == kDigits.npos ? -1 : static_cast<int>(found);
}

}  // namespace

Result<std::string> topic_of(std::string_view subject) { return map(subject, Wildcards::Literal); }

Result<std::string> filter_of(std::string_view pattern) { return map(pattern, Wildcards::Mapped); }

std::string subject_of(std::string_view topic) {
  std::string subject;
  std::size_t level = 0;  // where it begins
  for (std::size_t i = 0; i <= topic.size(); ++i) {
    if (i < topic.size() && topic[i] != '/') {
      if (topic[i] == '.') {
        subject += "//";
      } else {
        subject += topic[i];
      }
      continue;
    }
    if (i == level) subject += '/';
    if (i < topic.size()) subject += '.';
    level = i + 1;
  }
  return subject;
}

std::string subject_of(const ReplyTo& reply_to) {
  std::string subject = subject_of(reply_to.topic);
  if (!reply_to.correlation.empty()) {
    subject += kCorrelation;
    for (const auto byte : reply_to.correlation) {
      subject += kDigits[byte >> 4];
      subject += kDigits[byte & 15];
    }
  }
  if (subject.size() > contracts::MessagingLimits::kSubject) subject.clear();
  return subject;
}

Result<ReplyTo> reply_to_of(std::string_view subject) {
  ReplyTo found;
  if (const auto at = subject.rfind(kCorrelation); at != subject.npos) {
    const auto digits = subject.substr(at + kCorrelation.size());
    bool good = digits.size() % 2 == 0;
    for (std::size_t i = 0; good && i < digits.size(); i += 2) {
      const int high = digit(digits[i]), low = digit(digits[i + 1]);
      good = high >= 0 && low >= 0;
      if (good) found.correlation.push_back(static_cast<std::uint8_t>(high << 4 | low));
    }
    if (good) {
      subject = subject.substr(0, at);
    } else {
      found.correlation.clear();
    }
  }
  UNBOLT_ASSIGN(found.topic, topic_of(subject));
  return found;
}

}  // namespace unbolt::providers::mqtt_messaging
