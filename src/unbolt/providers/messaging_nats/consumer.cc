#include "unbolt/providers/messaging_nats/consumer.h"

#include "unbolt/contracts/text.h"
#include "unbolt/nats/jetstream.h"

namespace unbolt::providers::nats_messaging {
namespace {

using nats::Connection;
using nlohmann::json;

// A consumer without a name is kept so long while nobody asks it.
constexpr std::chrono::minutes kUnused{5};

std::int64_t nanoseconds(std::chrono::nanoseconds time) { return time.count(); }

// The same for the same subject, in every program.
std::string digest(std::string_view text) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

}  // namespace

ConsumerName consumer_name(const contracts::SubscribeOptions& options) {
  if (options.durable) return {*options.durable, true};
  // A group is one on each subject.
  if (options.group) return {*options.group + "-" + digest(options.subject), true};
  return {nats::new_message_id(), false};
}

namespace {

json consumer_config(const ConsumerName& named, const MessagingNatsOptions& provider,
                     const contracts::SubscribeOptions& options, std::uint64_t from) {
  json config = {{"name", named.name},
                 {"ack_policy", "explicit"},
                 {"ack_wait", nanoseconds(provider.ack_wait)},
                 {"filter_subject", options.subject},
                 {"max_ack_pending", 2 * contracts::MessagingLimits::kInFlight},
                 {"replay_policy", "instant"}};
  if (provider.max_deliver > 0) config["max_deliver"] = provider.max_deliver;
  if (named.kept) {
    config["durable_name"] = named.name;
    config["deliver_policy"] = provider.deliver_all ? "all" : "new";
  } else {
    config["deliver_policy"] = "new";
    config["inactive_threshold"] = nanoseconds(kUnused);
  }
  if (from > 0) {
    config["deliver_policy"] = "by_start_sequence";
    config["opt_start_seq"] = from;
  }
  return config;
}

}  // namespace

Result<> ensure_consumer(const std::shared_ptr<Connection>& connection, const ConsumerName& named,
                         const MessagingNatsOptions& provider,
                         const contracts::SubscribeOptions& options, std::uint64_t from) {
  const std::string of = provider.stream + "." + named.name;
  const std::string what =
      fmt::format("{}: the consumer '{}'", connection->options().shown, named.name);
  for (int attempt = 0;; ++attempt) {
    UNBOLT_ASSIGN(auto info, nats::run_here(nats::api(connection, "CONSUMER.INFO." + of, nullptr,
                                                      connection->deadline())));
    if (info.code != nats::ApiCode::ConsumerNotFound) {
      UNBOLT_ASSIGN(const json body, nats::body_of(std::move(info), what));
      const auto subject = body.value("config", json::object()).value("filter_subject", "");
      if (subject == options.subject) return {};
      return fail(ErrorCode::Conflict, "{} is there, for '{}' and not '{}'", what,
                  contracts::printable(subject, 120), options.subject);
    }
    const json request = {{"stream_name", provider.stream},
                          {"action", "create"},
                          {"config", consumer_config(named, provider, options, from)}};
    UNBOLT_ASSIGN(auto made, nats::run_here(nats::api(connection, "CONSUMER.CREATE." + of, request,
                                                      connection->deadline())));
    // Another was quicker, or did the same before its answer was lost: look again.
    const bool exists =
        made.code == nats::ApiCode::ConsumerExists || made.code == nats::ApiCode::ConsumerNameInUse;
    if (exists && attempt < 3) continue;
    UNBOLT_ASSIGN(const json ignored, nats::body_of(std::move(made), what));
    return {};
  }
}

}  // namespace unbolt::providers::nats_messaging
