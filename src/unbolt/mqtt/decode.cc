#include <algorithm>

#include "unbolt/contracts/text.h"
#include "unbolt/mqtt/packets.h"
#include "unbolt/mqtt/wire.h"

namespace unbolt::mqtt {
namespace {

// Reads from the left; what is not there reads as nothing and is remembered.
class Reader {
 public:
  explicit Reader(ByteView bytes) : left_(bytes) {}

  bool good() const { return good_; }
  bool empty() const { return left_.empty(); }
  void fail() { good_ = false; }

  std::uint8_t u8() {
    const auto one = take(1);
    return one.empty() ? 0 : one[0];
  }
  std::uint16_t u16() {
    const unsigned high = u8();
    return static_cast<std::uint16_t>(high << 8 | u8());
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  // A variable byte integer.
  std::uint32_t length() {
    std::uint32_t value = 0;
    for (unsigned shift = 0; shift < 28; shift += 7) {
      const auto byte = u8();
      value |= (byte & 0x7fu) << shift;
      if (byte < 0x80) return value;
    }
    fail();
    return 0;
  }
  ByteView bytes() { return take(u16()); }
  std::string text() { return std::string(as_text(bytes())); }
  ByteView take(std::size_t count) {
    if (count > left_.size() || !good_) {
      fail();
      left_ = {};
      return {};
    }
    const auto taken = left_.first(count);
    left_ = left_.subspan(count);
    return taken;
  }
  ByteView rest() { return take(left_.size()); }

 private:
  ByteView left_;
  bool good_ = true;
};

// All that any packet has; the others are skipped.
struct Properties {
  std::string response_topic, reason;
  Bytes correlation;
  std::uint32_t expiry = 0, maximum_packet = UINT32_MAX;
  std::uint16_t receive_maximum = 65'535;
  std::optional<std::uint16_t> keep_alive;
  std::uint8_t maximum_qos = 2;
  bool wildcards = true, shared = true;
};

Properties read_properties(Reader& packet) {
  Properties found;
  Reader reader(packet.take(packet.length()));
  while (reader.good() && !reader.empty()) {
    switch (reader.length()) {
      case property::kMessageExpiry: found.expiry = reader.u32(); break;
      case property::kResponseTopic: found.response_topic = reader.text(); break;
      case property::kCorrelation: found.correlation = to_bytes(reader.bytes()); break;
      case property::kReason: found.reason = reader.text(); break;
      case property::kReceiveMaximum:
        found.receive_maximum = reader.u16();
        if (found.receive_maximum == 0) reader.fail();
        break;
      case property::kMaximumPacket:
        found.maximum_packet = reader.u32();
        if (found.maximum_packet == 0) reader.fail();
        break;
      case property::kServerKeepAlive: found.keep_alive = reader.u16(); break;
      case property::kMaximumQos: found.maximum_qos = reader.u8(); break;
      case property::kWildcards: found.wildcards = reader.u8() != 0; break;
      case property::kShared: found.shared = reader.u8() != 0; break;
      case property::kPayloadFormat:
      case property::kRetainAvailable:
      case property::kSubscriptionIds: reader.u8(); break;
      case property::kTopicAliasMaximum: reader.u16(); break;
      case property::kSessionExpiry: reader.u32(); break;
      case property::kSubscription: reader.length(); break;
      case property::kContentType:
      case property::kAssignedClient:
      case property::kAuthMethod:
      case property::kAuthData:
      case property::kResponseInformation:
      case property::kServerReference: reader.bytes(); break;
      case property::kUserProperty:
        reader.bytes();
        reader.bytes();
        break;
      default:  // also a topic alias: we allow none
        reader.fail();
    }
  }
  if (!reader.good()) packet.fail();
  return found;
}

Publish read_publish(Reader& reader, std::uint8_t flags) {
  Publish publish;
  publish.qos = flags >> 1 & 3;
  publish.duplicate = (flags & 8) != 0;
  publish.topic = reader.text();
  if (publish.qos > 0) {
    publish.id = reader.u16();
    if (publish.id == 0) reader.fail();
  }
  auto properties = read_properties(reader);
  publish.response_topic = std::move(properties.response_topic);
  publish.correlation = std::move(properties.correlation);
  publish.expiry = properties.expiry;
  publish.payload = to_bytes(reader.rest());
  // We ask for 1 at most; a topic names one.
  if (publish.qos > 1 || publish.topic.empty() ||
      publish.topic.find_first_of(std::string_view("+#\0", 3)) != std::string::npos)
    reader.fail();
  return publish;
}

Connack read_connack(Reader& reader) {
  Connack connack;
  connack.session_present = (reader.u8() & 1) != 0;
  connack.reason = reader.u8();
  if (reader.empty()) {  // a server of MQTT 3 that refuses us
    if (connack.reason == 1) connack.reason = 0x84;
    if (connack.reason == 0) reader.fail();
    return connack;
  }
  auto properties = read_properties(reader);
  connack.receive_maximum = properties.receive_maximum;
  connack.maximum_packet = properties.maximum_packet;
  connack.maximum_qos = properties.maximum_qos;
  connack.keep_alive = properties.keep_alive;
  connack.shared = properties.shared;
  connack.wildcards = properties.wildcards;
  connack.why = std::move(properties.reason);
  return connack;
}

std::optional<Packet> read_packet(std::uint8_t first, Reader& reader) {
  switch (first >> 4) {
    case kConnack: return read_connack(reader);
    case kPublish: return read_publish(reader, first & 0x0f);
    case kPuback: {
      Puback puback{.id = reader.u16()};
      if (!reader.empty()) puback.reason = reader.u8();
      if (!reader.empty()) puback.why = read_properties(reader).reason;
      return puback;
    }
    case kSuback: {
      Suback suback{.id = reader.u16()};
      suback.why = read_properties(reader).reason;
      suback.reason = reader.u8();
      return suback;
    }
    case kUnsuback: {
      const Unsuback unsuback{reader.u16()};
      reader.rest();
      return unsuback;
    }
    case kPong: return Pong{};
    case kDisconnect: {
      Disconnect disconnect;
      if (!reader.empty()) disconnect.reason = reader.u8();
      if (!reader.empty()) disconnect.why = read_properties(reader).reason;
      return disconnect;
    }
    default: return std::nullopt;
  }
}

}  // namespace

Result<std::optional<Packet>> Decoder::next() {
  const ByteView all = ByteView(buffer_).subspan(taken_);
  std::size_t head = 1, length = 0;
  for (;; ++head) {
    if (head > 4) return fail(ErrorCode::ProtocolError, "a length that does not end");
    if (head >= all.size()) return std::nullopt;
    length |= (all[head] & 0x7fuz) << 7 * (head - 1);
    if (all[head] < 0x80) break;
  }
  ++head;
  if (head + length > largest_) {
    return fail(ErrorCode::ProtocolError, "a packet of {} bytes, where at most {} are taken",
                head + length, largest_);
  }
  // Garbage is refused before the bytes that it promises have come.
  const unsigned type = all[0] >> 4;
  const bool known = type == kConnack || type == kPublish || type == kPuback || type == kSuback ||
                     type == kUnsuback || type == kPong || type == kDisconnect;
  if (!known || (type != kPublish && (all[0] & 0x0f) != 0))
    return fail(ErrorCode::ProtocolError, "0x{:02x} begins no packet that we know", all[0]);
  if (all.size() < head + length) return std::nullopt;
  Reader reader(all.subspan(head, length));
  auto packet = read_packet(all[0], reader);
  if (!packet || !reader.good() || !reader.empty())
    return fail(ErrorCode::ProtocolError, "a packet of type {} that cannot be read", type);
  taken_ += head + length;
  if (taken_ == buffer_.size()) {
    buffer_.clear();
    taken_ = 0;
    if (buffer_.capacity() > 1 << 20) buffer_.shrink_to_fit();
  } else if (taken_ > 1 << 16 && taken_ > buffer_.size() / 2) {
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(taken_));
    taken_ = 0;
  }
  return packet;
}

std::string reason_text(std::uint8_t reason) {
  const auto text = [&]() -> std::string_view {
    switch (reason) {
      case 0x81: return "malformed packet";
      case 0x82: return "protocol error";
      case 0x84: return "it does not speak MQTT 5";
      case 0x85: return "the name of the client is not allowed";
      case 0x86: return "bad user name or password";
      case 0x87: return "not authorized";
      case 0x88: return "server unavailable";
      case 0x89: return "server busy";
      case 0x8a: return "banned";
      case 0x8b: return "server shutting down";
      case 0x8d: return "keep alive timeout";
      case 0x8e: return "another client took the session over";
      case 0x8f: return "topic filter invalid";
      case 0x90: return "topic name invalid";
      case 0x93: return "receive maximum exceeded";
      case 0x95: return "packet too large";
      case 0x97: return "quota exceeded";
      case 0x9e: return "shared subscriptions are not supported";
      case 0xa2: return "wildcards are not supported";
      default: return "refused";
    }
  }();
  return fmt::format("{} (0x{:02x})", text, reason);
}

ErrorCode reason_code(std::uint8_t reason) {
  switch (reason) {
    case 0x82:
    case 0x81: return ErrorCode::ProtocolError;
    case 0x84:
    case 0x9e:
    case 0xa2: return ErrorCode::Unsupported;
    case 0x85:
    case 0x8f:
    case 0x90: return ErrorCode::InvalidArgument;
    case 0x86:
    case 0x87:
    case 0x8a: return ErrorCode::Denied;
    case 0x95:
    case 0x97: return ErrorCode::LimitExceeded;
    default: return ErrorCode::Unavailable;
  }
}

}  // namespace unbolt::mqtt
