#include "unbolt/providers/messaging_nats/messaging_nats.h"

#include <algorithm>

#include "unbolt/contracts/text.h"
#include "unbolt/nats/jetstream.h"
#include "unbolt/providers/messaging_nats/core_subscription.h"
#include "unbolt/providers/messaging_nats/stream_subscription.h"

namespace unbolt::providers {
namespace {

using contracts::Message;
using contracts::MessageView;
using contracts::Messaging;
using contracts::Subscription;
using nats::Connection;
using nlohmann::json;
using Clock = std::chrono::steady_clock;

// What the connection calls lost is Unavailable to those who ask.
Error as_unavailable(Error error) {
  if (error.code == ErrorCode::ConnectionClosed) error.code = ErrorCode::Unavailable;
  return error;
}

nats::Outgoing to_outgoing(const MessageView& view) {
  return {std::string(view.subject),
          to_bytes(view.body),
          std::string(view.reply_to.value_or(std::string_view())),
          {}};
}

Task<Result<>> publish_core(std::shared_ptr<Connection> connection, nats::Outgoing message) {
  const auto deadline = connection->deadline();
  auto done = co_await connection->publish(std::move(message), deadline);
  if (!done) co_return std::unexpected(as_unavailable(std::move(done.error())));
  co_return done;
}

Task<Result<>> publish_stored(std::shared_ptr<Connection> connection, std::string stream,
                              nats::Outgoing message) {
  message.headers.emplace_back("Nats-Expected-Stream", std::move(stream));
  // Its place is taken by the acknowledgement's.
  if (!message.reply_to.empty())
    message.headers.emplace_back(nats_messaging::kReplyToHeader,
                                 std::exchange(message.reply_to, {}));
  const auto deadline = connection->deadline();
  auto stored = co_await nats::store(connection, std::move(message), deadline);
  if (!stored) co_return std::unexpected(as_unavailable(std::move(stored.error())));
  if (stored->error.empty()) co_return Result<>();
  co_return fail(ErrorCode::Unavailable, "{}: JetStream refuses the message: {}",
                 connection->options().shown, stored->error);
}

Task<Result<Message>> ask(std::shared_ptr<Connection> connection, nats::Outgoing message,
                          std::chrono::milliseconds timeout) {
  const std::string subject = contracts::printable(message.subject, 120);
  const auto deadline = Clock::now() + timeout;
  auto answer = co_await connection->request(std::move(message), deadline);
  if (answer) co_return Message(*nats_messaging::to_message(*answer));
  Error error = as_unavailable(std::move(answer.error()));
  if (error.code == ErrorCode::NotFound)
    co_return fail(ErrorCode::Unavailable, "nobody subscribes to '{}'", subject);
  if (error.code == ErrorCode::Timeout)
    co_return fail(ErrorCode::Timeout, "no answer to the request to '{}' within {} ms", subject,
                   timeout.count());
  co_return std::unexpected(std::move(error));
}

class MessagingNats final : public Messaging {
 public:
  MessagingNats(std::shared_ptr<Connection> connection, MessagingNatsOptions options,
                std::vector<std::string> kept)
      : connection_(std::move(connection)), options_(std::move(options)), kept_(std::move(kept)) {}

  Reply<Result<>> publish(const MessageView& message) override {
    if (auto ok = contracts::check_message(message); !ok) return ok;
    const bool kept = std::ranges::any_of(kept_, [&](const auto& pattern) {
      return contracts::subject_matches(pattern, message.subject);
    });
    if (kept) return publish_stored(connection_, options_.stream, to_outgoing(message));
    return publish_core(connection_, to_outgoing(message));
  }

  Reply<Result<Message>> request(std::string_view subject, ByteView body,
                                 std::chrono::milliseconds timeout) override {
    if (auto ok = contracts::check_request(subject, body); !ok)
      return std::unexpected(std::move(ok.error()));
    return ask(connection_, to_outgoing({subject, body, {}}),
               std::min(timeout, contracts::MessagingLimits::kTimeout));
  }

  Reply<Result<std::unique_ptr<Subscription>>> subscribe(contracts::SubscribeOptions options,
                                                         contracts::Receiver receiver) override {
    using Answer = Result<std::unique_ptr<Subscription>>;
    if (auto ok = contracts::check_subscribe(options); !ok)
      return Answer(std::unexpected(std::move(ok.error())));
    const bool kept = std::ranges::any_of(kept_, [&](const auto& pattern) {
      return contracts::patterns_meet(pattern, options.subject);
    });
    if (options.durable && !kept) return Answer(std::unexpected(keeps_nothing(options)));
    return join(connection_, handled_, kept ? std::optional(options_) : std::nullopt,
                std::move(options), std::move(receiver));
  }

 private:
  Error keeps_nothing(const contracts::SubscribeOptions& options) const {
    const auto subject = contracts::printable(options.subject, 120);
    if (options_.stream.empty())
      return Error{
          ErrorCode::Unsupported,
          fmt::format("the durable name '{}': core NATS keeps no messages", *options.durable),
          "name a stream: nats://HOST?jetstream=STREAM"};
    return Error{ErrorCode::Unsupported,
                 fmt::format("the durable name '{}': the stream '{}' does not keep '{}'",
                             *options.durable, options_.stream, subject),
                 {}};
  }

  static Task<Result<std::unique_ptr<Subscription>>> join(
      std::shared_ptr<Connection> connection,
      std::shared_ptr<nats_messaging::HandledMessages> handled,
      std::optional<MessagingNatsOptions> stream, contracts::SubscribeOptions options,
      contracts::Receiver receiver) {
    BlockingPool& blocking = connection->blocking();
    co_return co_await blocking.run([&] {
      return stream ? nats_messaging::subscribe_stream(connection, *stream, *handled, options,
                                                       std::move(receiver))
                    : nats_messaging::subscribe_core(connection, options, std::move(receiver));
    });
  }

  const std::shared_ptr<Connection> connection_;
  const MessagingNatsOptions options_;
  const std::vector<std::string> kept_;  // the stream's subjects
  const std::shared_ptr<nats_messaging::HandledMessages> handled_ =
      std::make_shared<nats_messaging::HandledMessages>();
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    parts.emplace_back(text.substr(0, text.find(',')));
    text.remove_prefix(std::min(parts.back().size() + 1, text.size()));
  }
  return parts;
}

Result<> one_of(const contracts::ProviderUrl& url, std::string_view name, std::string_view usual,
                std::string_view other, bool& is_other) {
  const auto found = url.query.find(name);
  if (found == url.query.end() || found->second == usual) return {};
  is_other = true;
  if (found->second == other) return {};
  return fail(ErrorCode::InvalidArgument, "the option '{}' of '{}' is neither {} nor {}", name,
              url.shown(), usual, other);
}

Result<std::chrono::milliseconds> at_least(const contracts::ProviderUrl& url, std::string_view name,
                                           std::chrono::milliseconds otherwise,
                                           std::uint64_t least) {
  UNBOLT_ASSIGN(const auto value,
                url.milliseconds_option(name, static_cast<std::uint64_t>(otherwise.count())));
  if (value >= least && value <= 86'400'000)
    return std::chrono::milliseconds(static_cast<std::int64_t>(value));
  return fail(ErrorCode::InvalidArgument, "the option '{}' of '{}' must be {} ms to a day", name,
              url.shown(), least);
}

Result<> check_stream_name(const contracts::ProviderUrl& url, std::string_view name) {
  const bool good = !name.empty() && name.size() <= 200 && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
  });
  if (good) return {};
  return fail(ErrorCode::InvalidArgument,
              "'{}': the name of a stream is made of letters, digits, '-' and '_'", url.shown());
}

}  // namespace

Result<std::shared_ptr<Messaging>> make_messaging_nats(const MessagingNatsOptions& options,
                                                       const contracts::ProviderContext& context) {
  UNBOLT_ASSIGN(auto connection, Connection::open(options.server, context.log, context.blocking));
  std::vector<std::string> kept;
  if (!options.stream.empty()) {
    json wanted;
    if (!options.subjects.empty()) {
      wanted = {{"subjects", options.subjects},
                {"storage", options.memory_storage ? "memory" : "file"},
                {"num_replicas", options.replicas},
                {"duplicate_window", std::chrono::nanoseconds(std::chrono::minutes(2)).count()}};
    }
    auto stream = nats::run_here(
        nats::open_stream(connection, options.stream, std::move(wanted), connection->deadline()));
    if (!stream) {
      Error error = std::move(stream.error());
      if (error.code == ErrorCode::NotFound && error.hint.empty())
        error.hint = "make it with the tool of NATS, or name its subjects: &subjects=orders.>";
      return std::unexpected(std::move(error));
    }
    for (const auto& subject : options.subjects) {
      if (std::ranges::find(stream->subjects, subject) != stream->subjects.end()) continue;
      return fail(ErrorCode::Conflict, "{}: the stream '{}' is there, without the subject '{}'",
                  options.server.shown, options.stream, subject);
    }
    kept = std::move(stream->subjects);
  }
  return std::make_shared<MessagingNats>(std::move(connection), options, std::move(kept));
}

Result<std::shared_ptr<Messaging>> open_messaging_nats(const contracts::ProviderUrl& url,
                                                       const contracts::ProviderContext& context) {
  static constexpr std::string_view kOfStreams[] = {
      "subjects", "storage", "replicas", "ack_wait", "retry_delay", "max_deliver", "deliver"};
  MessagingNatsOptions options;
  std::vector<std::string_view> known = {"jetstream"};
  known.insert(known.end(), std::begin(kOfStreams), std::end(kOfStreams));
  UNBOLT_ASSIGN(options.server, nats::read_url(url, std::move(known)));
  if (!options.server.path.empty()) {
    return std::unexpected(
        Error{ErrorCode::InvalidArgument,
              fmt::format("'{}' has a path, which means nothing to messaging", url.shown()),
              "name a stream with ?jetstream=STREAM"});
  }
  if (const auto stream = url.query.find("jetstream"); stream != url.query.end()) {
    UNBOLT_TRY(check_stream_name(url, stream->second));
    options.stream = stream->second;
  } else {
    for (const auto name : kOfStreams) {
      if (!url.query.contains(name)) continue;
      return fail(ErrorCode::InvalidArgument, "'{}': {} needs jetstream=STREAM", url.shown(), name);
    }
  }
  if (const auto subjects = url.query.find("subjects"); subjects != url.query.end()) {
    options.subjects = split(subjects->second);
    for (const auto& subject : options.subjects) UNBOLT_TRY(contracts::check_subscribe({subject}));
  }
  UNBOLT_TRY(one_of(url, "storage", "file", "memory", options.memory_storage));
  bool only_new = false;
  UNBOLT_TRY(one_of(url, "deliver", "all", "new", only_new));
  options.deliver_all = !only_new;
  UNBOLT_ASSIGN(const auto replicas, url.bytes_option("replicas", 1));
  options.replicas = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(replicas, 1, 5));
  UNBOLT_ASSIGN(options.max_deliver, url.bytes_option("max_deliver", 0));
  UNBOLT_ASSIGN(options.ack_wait, at_least(url, "ack_wait", options.ack_wait, 1000));
  UNBOLT_ASSIGN(options.retry_delay, at_least(url, "retry_delay", options.retry_delay, 1));
  return make_messaging_nats(options, context);
}

}  // namespace unbolt::providers
