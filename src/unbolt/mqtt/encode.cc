#include <algorithm>

#include "unbolt/mqtt/packets.h"
#include "unbolt/mqtt/wire.h"

namespace unbolt::mqtt {
namespace {

// Grows to the right; `packet` puts the fixed header in front.
class Writer {
 public:
  Writer& u8(unsigned value) {
    out_.push_back(static_cast<char>(value));
    return *this;
  }
  Writer& u16(unsigned value) { return u8(value >> 8).u8(value & 0xff); }
  Writer& u32(std::uint32_t value) { return u16(value >> 16).u16(value & 0xffff); }
  Writer& length(std::size_t value) {
    do {
      const unsigned digit = value % 128;
      value /= 128;
      u8(value > 0 ? digit | 0x80 : digit);
    } while (value > 0);
    return *this;
  }
  Writer& raw(std::string_view bytes) {
    out_.append(bytes);
    return *this;
  }
  // Of at most 65,535 bytes, which callers have checked.
  Writer& text(std::string_view bytes) { return u16(bytes.size()).raw(bytes); }
  // With their length in front.
  Writer& properties(const Writer& of) { return length(of.out_.size()).raw(of.out_); }

  std::string packet(unsigned first) const {
    Writer whole;
    whole.out_.reserve(out_.size() + 5);
    whole.u8(first).length(out_.size()).raw(out_);
    return std::move(whole.out_);
  }

 private:
  std::string out_;
};

}  // namespace

std::string encode(const Connect& packet) {
  Writer properties;
  properties.u8(property::kSessionExpiry).u32(packet.session_expiry);
  properties.u8(property::kReceiveMaximum).u16(packet.receive_maximum);
  if (packet.maximum_packet > 0) properties.u8(property::kMaximumPacket).u32(packet.maximum_packet);
  unsigned flags = packet.clean_start ? 0x02 : 0;
  if (!packet.user.empty()) flags |= 0x80;
  if (!packet.password.empty()) flags |= 0x40;
  Writer body;
  body.text("MQTT").u8(5).u8(flags).u16(packet.keep_alive).properties(properties);
  body.text(packet.client);
  if (!packet.user.empty()) body.text(packet.user);
  if (!packet.password.empty()) body.text(packet.password);
  return body.packet(kConnect << 4);
}

std::string encode(const Publish& packet) {
  Writer properties;
  if (packet.expiry > 0) properties.u8(property::kMessageExpiry).u32(packet.expiry);
  if (!packet.response_topic.empty())
    properties.u8(property::kResponseTopic).text(packet.response_topic);
  if (!packet.correlation.empty())
    properties.u8(property::kCorrelation).text(as_text(packet.correlation));
  Writer body;
  body.text(packet.topic);
  if (packet.qos > 0) body.u16(packet.id);
  body.properties(properties).raw(as_text(packet.payload));
  return body.packet(kPublish << 4 | (packet.duplicate ? 8 : 0) | packet.qos << 1);
}

std::size_t size_of(const Publish& packet) {
  constexpr std::size_t kHeads = 32;  // lengths, the identifier and properties of a fixed size
  return kHeads + packet.topic.size() + packet.payload.size() + packet.response_topic.size() +
         packet.correlation.size();
}

std::string encode_puback(std::uint16_t id) { return Writer().u16(id).packet(kPuback << 4); }

std::string encode_subscribe(std::uint16_t id, std::string_view filter, std::uint8_t qos) {
  constexpr unsigned kRetainedWhenNew = 1 << 4;
  // A shared subscription is given no retained messages whatever it asks for.
  return Writer()
      .u16(id)
      .length(0)
      .text(filter)
      .u8(qos | kRetainedWhenNew)
      .packet(kSubscribe << 4 | 2);
}

std::string encode_unsubscribe(std::uint16_t id, std::string_view filter) {
  return Writer().u16(id).length(0).text(filter).packet(kUnsubscribe << 4 | 2);
}

std::string encode_ping() { return Writer().packet(kPing << 4); }

std::string encode_disconnect(bool forget) {
  if (!forget) return Writer().packet(kDisconnect << 4);
  Writer properties;
  properties.u8(property::kSessionExpiry).u32(0);
  return Writer().u8(0).properties(properties).packet(kDisconnect << 4);
}

}  // namespace unbolt::mqtt
