// The numbers of the protocol, for those who write and read its bytes.
#pragma once

#include <cstdint>

namespace unbolt::mqtt {

// Section 2.1.2: the upper half of a packet's first byte.
inline constexpr std::uint8_t kConnect = 1;
inline constexpr std::uint8_t kConnack = 2;
inline constexpr std::uint8_t kPublish = 3;
inline constexpr std::uint8_t kPuback = 4;
inline constexpr std::uint8_t kSubscribe = 8;
inline constexpr std::uint8_t kSuback = 9;
inline constexpr std::uint8_t kUnsubscribe = 10;
inline constexpr std::uint8_t kUnsuback = 11;
inline constexpr std::uint8_t kPing = 12;
inline constexpr std::uint8_t kPong = 13;
inline constexpr std::uint8_t kDisconnect = 14;

// Section 2.2.2.2.
namespace property {
inline constexpr std::uint8_t kPayloadFormat = 0x01;
inline constexpr std::uint8_t kMessageExpiry = 0x02;
inline constexpr std::uint8_t kContentType = 0x03;
inline constexpr std::uint8_t kResponseTopic = 0x08;
inline constexpr std::uint8_t kCorrelation = 0x09;
inline constexpr std::uint8_t kSubscription = 0x0b;
inline constexpr std::uint8_t kSessionExpiry = 0x11;
inline constexpr std::uint8_t kAssignedClient = 0x12;
inline constexpr std::uint8_t kServerKeepAlive = 0x13;
inline constexpr std::uint8_t kAuthMethod = 0x15;
inline constexpr std::uint8_t kAuthData = 0x16;
inline constexpr std::uint8_t kResponseInformation = 0x1a;
inline constexpr std::uint8_t kServerReference = 0x1c;
inline constexpr std::uint8_t kReason = 0x1f;
inline constexpr std::uint8_t kReceiveMaximum = 0x21;
inline constexpr std::uint8_t kTopicAliasMaximum = 0x22;
inline constexpr std::uint8_t kTopicAlias = 0x23;
inline constexpr std::uint8_t kMaximumQos = 0x24;
inline constexpr std::uint8_t kRetainAvailable = 0x25;
inline constexpr std::uint8_t kUserProperty = 0x26;
inline constexpr std::uint8_t kMaximumPacket = 0x27;
inline constexpr std::uint8_t kWildcards = 0x28;
inline constexpr std::uint8_t kSubscriptionIds = 0x29;
inline constexpr std::uint8_t kShared = 0x2a;
}  // namespace property

}  // namespace unbolt::mqtt
