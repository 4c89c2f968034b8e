// The packets of MQTT 5.0 that a client sends and is sent, as bytes. Chapters 2 and 3 of the OASIS
// standard; quality of service 0 and 1.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"

namespace unbolt::mqtt {

// Those of the standard's reason codes that mean something to us; 0x80 and above are failures.
namespace reason {
inline constexpr std::uint8_t kNoMatchingSubscribers = 0x10;
inline constexpr std::uint8_t kFailure = 0x80;
inline constexpr std::uint8_t kSessionTakenOver = 0x8e;
}  // namespace reason

// "not authorized (0x87)".
std::string reason_text(std::uint8_t reason);
// The kind of failure that a reason code of 0x80 or above tells.
ErrorCode reason_code(std::uint8_t reason);

struct Connect {
  std::string client;
  std::string user, password;
  bool clean_start = false;
  std::uint16_t keep_alive = 0;      // seconds
  std::uint32_t session_expiry = 0;  // seconds; the highest number: never
  std::uint16_t receive_maximum = 65'535;
  std::uint32_t maximum_packet = 0;
};

struct Connack {
  bool session_present = false;
  std::uint8_t reason = 0;
  std::uint16_t receive_maximum = 65'535;
  std::uint32_t maximum_packet = UINT32_MAX;
  std::uint8_t maximum_qos = 2;
  std::optional<std::uint16_t> keep_alive;
  bool shared = true, wildcards = true;
  std::string why;
};

struct Publish {
  std::string topic;
  Bytes payload;
  std::uint8_t qos = 0;
  bool duplicate = false;
  std::uint16_t id = 0;  // where qos is not 0
  std::string response_topic;
  Bytes correlation;
  std::uint32_t expiry = 0;  // seconds; 0: none
};

struct Puback {
  std::uint16_t id = 0;
  std::uint8_t reason = 0;
  std::string why;
};

// Of one filter.
struct Suback {
  std::uint16_t id = 0;
  std::uint8_t reason = 0;
  std::string why;
};
struct Unsuback {
  std::uint16_t id = 0;
};
struct Pong {};
struct Disconnect {
  std::uint8_t reason = 0;
  std::string why;
};

using Packet = std::variant<Connack, Publish, Puback, Suback, Unsuback, Pong, Disconnect>;

std::string encode(const Connect& packet);
std::string encode(const Publish& packet);
// What goes on the wire for it, at most.
std::size_t size_of(const Publish& packet);
std::string encode_puback(std::uint16_t id);
// Retained messages come where the subscription is new.
std::string encode_subscribe(std::uint16_t id, std::string_view filter, std::uint8_t qos);
std::string encode_unsubscribe(std::uint16_t id, std::string_view filter);
std::string encode_ping();
// With `forget` the broker drops the session.
std::string encode_disconnect(bool forget);

// Cuts a broker's bytes into packets. What breaks the protocol, and a packet of more than `largest`
// bytes, is a ProtocolError; after that it is of no more use.
class Decoder {
 public:
  explicit Decoder(std::uint32_t largest) : largest_(largest) {}

  void feed(ByteView bytes) { buffer_.insert(buffer_.end(), bytes.begin(), bytes.end()); }
  // None: more bytes are needed. Holds at most what was fed and not yet taken.
  Result<std::optional<Packet>> next();

 private:
  const std::uint32_t largest_;
  Bytes buffer_;
  std::size_t taken_ = 0;
};

}  // namespace unbolt::mqtt
