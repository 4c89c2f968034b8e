// JetStream's API: requests and answers in JSON, and publishing what is to be kept.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "unbolt/nats/connection.h"

namespace unbolt::nats {

// The numbers that JetStream gives its errors ("err_code").
enum class ApiCode : std::uint32_t {
  None = 0,
  ConsumerNotFound = 10014,
  StreamNotFound = 10059,
  WrongLastSequence = 10071,
  ConsumerNameInUse = 10013,
  ConsumerExists = 10148,
  StreamNameInUse = 10058,
};

// What the API answered, error or not.
struct ApiAnswer {
  nlohmann::json body;
  ApiCode code = ApiCode::None;  // of its error
  std::string error;             // its words; empty: none
};

// The answer to `message`, which is sent again where an answer was lost, or where nobody listens
// because the server has only just come back: only for what may be done twice.
Task<Result<Incoming>> ask(std::shared_ptr<Connection> connection, Outgoing message, Time deadline);

// Asks `$JS.API.SUBJECT`, again where the connection was lost meanwhile: only for what may be done
// twice. NotFound where the server has no JetStream.
Task<Result<ApiAnswer>> api(std::shared_ptr<Connection> connection, std::string subject,
                            nlohmann::json request, Time deadline);
// The answer, or its error as ours.
Result<nlohmann::json> body_of(ApiAnswer answer, std::string_view what);

// A fresh identity for a message.
std::string new_message_id();

// Where a message was kept.
struct Stored {
  std::uint64_t sequence = 0;
  bool duplicate = false;
};
// The same, or the API's error.
struct StoreAnswer {
  Stored stored;
  ApiCode code = ApiCode::None;
  std::string error;
};
// Publishes a message to a stream and awaits its acknowledgement. It gets an identity of its own,
// by which the server knows it again: where the answer is lost it is sent once more, and kept once.
Task<Result<StoreAnswer>> store(std::shared_ptr<Connection> connection, Outgoing message,
                                Time deadline, std::string identity = new_message_id());

// What is known of a stream.
struct Stream {
  std::string name;
  std::vector<std::string> subjects;
  bool direct = false;  // answers direct gets
  bool message_ttl = false;
  std::uint32_t replicas = 1;
};
// The stream; where there is none, and `wanted` (its configuration) is no null, it is made.
// NotFound, Unsupported (no JetStream).
Task<Result<Stream>> open_stream(std::shared_ptr<Connection> connection, std::string name,
                                 nlohmann::json wanted, Time deadline);

// Runs a task on a loop of its own; for threads that may block.
template <class T>
T run_here(Task<T> task) {
  asio::io_context loop(1);
  std::optional<T> value;
  std::exception_ptr failure;
  asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, T result) {
    failure = thrown;
    if (!thrown) value.emplace(std::move(result));
  });
  loop.run();
  if (failure) std::rethrow_exception(failure);
  return std::move(*value);
}

Error no_jetstream(const Connection& connection);

}  // namespace unbolt::nats
