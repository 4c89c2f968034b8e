// The contract's subjects and MQTT's topics, by the rule of NATS's own MQTT gateway: levels are
// tokens, `/` is `.`; an empty level is the token `/`, and a dot within a level is `//`.
#pragma once

#include <string>
#include <string_view>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"

namespace unbolt::providers::mqtt_messaging {

// Of a subject without wildcards. InvalidArgument for what no topic can say.
Result<std::string> topic_of(std::string_view subject);
// `*` is `+`; `>`, which stands for one token or more, is `+/#`.
Result<std::string> filter_of(std::string_view pattern);
std::string subject_of(std::string_view topic);

// Where an answer goes: a topic, and what the one who asks knows its question by. A subject has
// room for one thing, so the latter becomes its last token.
struct ReplyTo {
  std::string topic;
  Bytes correlation;
};
// Empty where it is too long for a subject.
std::string subject_of(const ReplyTo& reply_to);
Result<ReplyTo> reply_to_of(std::string_view subject);

}  // namespace unbolt::providers::mqtt_messaging
