#include "unbolt/nats/jetstream.h"

#include <openssl/rand.h>

#include <array>

#include "unbolt/contracts/text.h"

namespace unbolt::nats {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kPause{50};

Task<> pause() {
  Timer timer(co_await asio::this_coro::executor, kPause);
  co_await timer.async_wait(use_task);
}

// Reads an error out of an answer.
void read_error(const json& body, ApiCode& code, std::string& error) {
  const auto found = body.find("error");
  if (found == body.end() || !found->is_object()) return;
  code = static_cast<ApiCode>(found->value("err_code", 0u));
  error = contracts::printable(found->value("description", std::string("no description")), 300);
}

// A server that has only just come back says so for a moment.
bool is_passing(const json& body) {
  const auto found = body.find("error");
  return found != body.end() && found->is_object() && found->value("code", 0) == 503;
}

Result<json> parse(const Incoming& answer, const Connection& connection) {
  auto body = json::parse(as_text(answer.body()), nullptr, false);
  if (body.is_object()) return body;
  return fail(ErrorCode::ProtocolError, "{}: JetStream's answer is no JSON: '{}'",
              connection.options().shown, contracts::printable(as_text(answer.body()), 100));
}

// Until it is no passing failure of a server that comes up.
Task<Result<json>> ask_json(std::shared_ptr<Connection> connection, Outgoing message,
                            Time deadline) {
  while (true) {
    auto answer = co_await ask(connection, message, deadline);
    if (!answer) co_return std::unexpected(std::move(answer.error()));
    auto body = parse(*answer, *connection);
    if (!body || !is_passing(*body) || Clock::now() + kPause >= deadline) co_return body;
    co_await pause();
  }
}

template <class T>
T value_or(const json& from, const char* name, T otherwise) {
  const auto found = from.find(name);
  if (found == from.end() || found->is_null()) return otherwise;
  try {
    return found->get<T>();
  } catch (const json::exception&) {
    return otherwise;
  }
}

Stream read_stream(const json& body) {
  Stream stream;
  const auto config = body.value("config", json::object());
  stream.name = value_or<std::string>(config, "name", "");
  stream.subjects = value_or<std::vector<std::string>>(config, "subjects", {});
  stream.direct = value_or(config, "allow_direct", false);
  stream.message_ttl = value_or(config, "allow_msg_ttl", false);
  stream.replicas = value_or<std::uint32_t>(config, "num_replicas", 1);
  return stream;
}

}  // namespace

Task<Result<Incoming>> ask(std::shared_ptr<Connection> connection, Outgoing message,
                           Time deadline) {
  while (true) {
    auto answer = co_await connection->request(message, deadline);
    if (answer) co_return answer;
    const auto code = answer.error().code;
    const bool again = code == ErrorCode::ConnectionClosed ||
                       (code == ErrorCode::NotFound && connection->unsettled());
    if (!again || Clock::now() + kPause >= deadline) {
      if (code == ErrorCode::ConnectionClosed) answer.error().code = ErrorCode::Unavailable;
      co_return answer;
    }
    co_await pause();
  }
}

std::string new_message_id() {
  std::array<unsigned char, 16> bytes{};
  RAND_bytes(bytes.data(), static_cast<int>(bytes.size()));
  std::string id;
  for (unsigned char byte : bytes) fmt::format_to(std::back_inserter(id), "{:02x}", byte);
  return id;
}

Error no_jetstream(const Connection& connection) {
  return Error{ErrorCode::Unsupported,
               fmt::format("{}: the server has no JetStream", connection.options().shown),
               "start nats-server with -js"};
}

Task<Result<ApiAnswer>> api(std::shared_ptr<Connection> connection, std::string subject,
                            json request, Time deadline) {
  Outgoing message{"$JS.API." + subject, {}, {}, {}};
  if (!request.is_null()) message.body = to_bytes(as_bytes(request.dump()));
  auto body = co_await ask_json(connection, std::move(message), deadline);
  if (!body) {
    if (body.error().code == ErrorCode::NotFound)
      co_return std::unexpected(no_jetstream(*connection));
    co_return std::unexpected(std::move(body.error()));
  }
  ApiAnswer answer;
  read_error(*body, answer.code, answer.error);
  answer.body = std::move(*body);
  co_return answer;
}

Result<json> body_of(ApiAnswer answer, std::string_view what) {
  if (answer.error.empty()) return std::move(answer.body);
  const bool absent =
      answer.code == ApiCode::StreamNotFound || answer.code == ApiCode::ConsumerNotFound;
  return fail(absent ? ErrorCode::NotFound : ErrorCode::Unavailable, "{}: {}", what, answer.error);
}

Task<Result<StoreAnswer>> store(std::shared_ptr<Connection> connection, Outgoing message,
                                Time deadline, std::string identity) {
  message.headers.emplace_back("Nats-Msg-Id", std::move(identity));
  const std::string subject = message.subject;
  auto body = co_await ask_json(connection, std::move(message), deadline);
  if (!body) {
    if (body.error().code == ErrorCode::NotFound)
      co_return fail(ErrorCode::Unavailable, "{}: no stream keeps '{}'",
                     connection->options().shown, contracts::printable(subject, 120));
    co_return std::unexpected(std::move(body.error()));
  }
  StoreAnswer answer;
  read_error(*body, answer.code, answer.error);
  answer.stored.sequence = value_or<std::uint64_t>(*body, "seq", 0);
  answer.stored.duplicate = value_or(*body, "duplicate", false);
  co_return answer;
}

Task<Result<Stream>> open_stream(std::shared_ptr<Connection> connection, std::string name,
                                 json wanted, Time deadline) {
  const std::string what = fmt::format("{}: the stream '{}'", connection->options().shown, name);
  auto found = co_await api(connection, "STREAM.INFO." + name, nullptr, deadline);
  if (!found) co_return std::unexpected(std::move(found.error()));
  if (found->code == ApiCode::StreamNotFound && !wanted.is_null()) {
    wanted["name"] = name;
    found = co_await api(connection, "STREAM.CREATE." + name, std::move(wanted), deadline);
    if (!found) co_return std::unexpected(std::move(found.error()));
    // Another was quicker.
    if (found->code == ApiCode::StreamNameInUse)
      found = co_await api(connection, "STREAM.INFO." + name, nullptr, deadline);
    if (!found) co_return std::unexpected(std::move(found.error()));
  }
  auto body = body_of(std::move(*found), what);
  if (!body) co_return std::unexpected(std::move(body.error()));
  co_return read_stream(*body);
}

}  // namespace unbolt::nats
