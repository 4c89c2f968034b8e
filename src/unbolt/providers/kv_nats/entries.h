// Reading and writing one key of a store in JetStream.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "unbolt/nats/jetstream.h"

namespace unbolt::providers::nats_kv {

// Immutable; shared by all operations.
struct Store {
  std::shared_ptr<nats::Connection> connection;
  std::string stream;  // KV_STORE
  std::string prefix;  // $KV.STORE.
  // A stream of one server answers reads itself; of several, only the leader has what was written.
  bool direct = false;
  bool message_ttl = false;

  std::string subject(std::string_view bucket, std::string_view key) const;
};

struct Entry {
  std::optional<Bytes> value;  // absent: there is none, or it was removed
  std::uint64_t revision = 0;  // 0: the subject holds nothing at all
  std::string identity;        // of the write
};

Task<Result<Entry>> read(std::shared_ptr<const Store> store, std::string subject);

// What a write says beside the value.
struct Write {
  std::string subject;
  Bytes value;
  std::string key;  // encoded; only of a digest
  bool removed = false;
  std::optional<std::uint64_t> expected;  // the revision it replaces
  std::string identity = nats::new_message_id();
};
// A key and its value, copied.
Write make_write(const Store& store, std::string_view bucket, std::string_view key, ByteView value);
Write make_removal(const Store& store, std::string_view bucket, std::string_view key);

// The new revision; Conflict where another than the expected one is there.
Task<Result<std::uint64_t>> write(std::shared_ptr<const Store> store, Write write);

// Whether a message of the stream says that its key is gone.
bool is_removal(const nats::Incoming& message);

}  // namespace unbolt::providers::nats_kv
