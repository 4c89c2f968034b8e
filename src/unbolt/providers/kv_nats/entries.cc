#include "unbolt/providers/kv_nats/entries.h"

#include <openssl/evp.h>

#include <charconv>

#include "unbolt/providers/kv_nats/names.h"

namespace unbolt::providers::nats_kv {
namespace {

using nats::Incoming;
using nats::Outgoing;
using nlohmann::json;

constexpr char kOperation[] = "KV-Operation";
// How long the mark of a removal stays, for those who watch.
constexpr char kMarkFor[] = "60s";
constexpr std::uint32_t kStreamIsFull = 10077, kStoreIsFull = 10023, kNoMessage = 10037;

Error unexpected_answer(const Store& store, std::string_view what) {
  return Error{
      ErrorCode::ProtocolError, fmt::format("{}: {}", store.connection->options().shown, what), {}};
}

Bytes from_base64(const std::string& text) {
  Bytes bytes(text.size() / 4 * 3 + 3);
  const int size =
      EVP_DecodeBlock(bytes.data(), reinterpret_cast<const unsigned char*>(text.data()),
                      static_cast<int>(text.size()));
  std::size_t length = size < 0 ? 0 : static_cast<std::size_t>(size);
  for (auto end = text.rbegin(); end != text.rend() && *end == '=' && length > 0; ++end) --length;
  bytes.resize(length);
  return bytes;
}

// The value of a header in their text; empty: none.
std::string header_in(std::string_view headers, std::string_view name) {
  const std::string line = fmt::format("\r\n{}:", name);
  const auto at = headers.find(line);
  if (at == headers.npos) return {};
  auto value = headers.substr(at + line.size());
  value = value.substr(0, value.find("\r\n"));
  while (value.starts_with(' ')) value.remove_prefix(1);
  return std::string(value);
}

// From the leader of a stream of several servers.
Task<Result<Entry>> read_from_leader(std::shared_ptr<const Store> store, std::string subject) {
  auto answer = co_await nats::api(store->connection, "STREAM.MSG.GET." + store->stream,
                                   {{"last_by_subj", subject}}, store->connection->deadline());
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  if (static_cast<std::uint32_t>(answer->code) == kNoMessage) co_return Entry{};
  auto body = nats::body_of(std::move(*answer), store->connection->options().shown);
  if (!body) co_return std::unexpected(std::move(body.error()));
  const auto message = body->value("message", json::object());
  Entry entry;
  entry.revision = message.value("seq", std::uint64_t{0});
  const Bytes raw = from_base64(message.value("hdrs", ""));
  const auto headers = as_text(raw);
  entry.identity = header_in(headers, "Nats-Msg-Id");
  if (header_in(headers, kOperation).empty() && header_in(headers, "Nats-Marker-Reason").empty())
    entry.value = from_base64(message.value("data", ""));
  co_return entry;
}

}  // namespace

std::string Store::subject(std::string_view bucket, std::string_view key) const {
  return prefix + encode(bucket) + "." + key_token(key);
}

bool is_removal(const Incoming& message) {
  return message.header(kOperation) || message.header("Nats-Marker-Reason");
}

Task<Result<Entry>> read(std::shared_ptr<const Store> store, std::string subject) {
  if (!store->direct) co_return co_await read_from_leader(store, std::move(subject));
  Outgoing request{"$JS.API.DIRECT.GET." + store->stream,
                   to_bytes(as_bytes(json{{"last_by_subj", subject}}.dump())),
                   {},
                   {}};
  auto answer =
      co_await nats::ask(store->connection, std::move(request), store->connection->deadline());
  if (!answer) {
    if (answer.error().code == ErrorCode::NotFound) {
      answer.error().code = ErrorCode::Unavailable;
      answer.error().message = fmt::format("{}: the store {} is gone",
                                           store->connection->options().shown, store->stream);
    }
    co_return std::unexpected(std::move(answer.error()));
  }
  const int status = answer->status();
  if (status == 404) co_return Entry{};
  if (status != 0)
    co_return std::unexpected(unexpected_answer(*store, fmt::format("the answer {}", status)));
  Entry entry;
  const auto sequence = answer->header("Nats-Sequence").value_or("");
  std::from_chars(sequence.data(), sequence.data() + sequence.size(), entry.revision);
  if (entry.revision == 0)
    co_return std::unexpected(unexpected_answer(*store, "an answer without a revision"));
  entry.identity = answer->header("Nats-Msg-Id").value_or("");
  if (!is_removal(*answer)) entry.value = to_bytes(answer->body());
  co_return entry;
}

Write make_write(const Store& store, std::string_view bucket, std::string_view key,
                 ByteView value) {
  Write write{store.subject(bucket, key), to_bytes(value), {}};
  if (is_digest(key_token(key))) write.key = encode(key);
  return write;
}

Write make_removal(const Store& store, std::string_view bucket, std::string_view key) {
  Write removal = make_write(store, bucket, key, {});
  removal.removed = true;
  return removal;
}

Task<Result<std::uint64_t>> write(std::shared_ptr<const Store> store, Write write) {
  Outgoing message{std::move(write.subject), std::move(write.value), {}, {}};
  if (!write.key.empty()) message.headers.emplace_back(kKeyHeader, std::move(write.key));
  if (write.removed) {
    message.headers.emplace_back(kOperation, "DEL");
    if (store->message_ttl) message.headers.emplace_back("Nats-TTL", kMarkFor);
  }
  if (write.expected)
    message.headers.emplace_back("Nats-Expected-Last-Subject-Sequence",
                                 fmt::format("{}", *write.expected));
  auto answer = co_await nats::store(store->connection, std::move(message),
                                     store->connection->deadline(), std::move(write.identity));
  if (!answer) co_return std::unexpected(std::move(answer.error()));
  if (answer->error.empty()) co_return answer->stored.sequence;
  const auto code = static_cast<std::uint32_t>(answer->code);
  co_return fail(answer->code == nats::ApiCode::WrongLastSequence ? ErrorCode::Conflict
                 : code == kStreamIsFull || code == kStoreIsFull  ? ErrorCode::LimitExceeded
                                                                  : ErrorCode::Unavailable,
                 "{}: the store {}: {}", store->connection->options().shown, store->stream,
                 answer->error);
}

}  // namespace unbolt::providers::nats_kv
