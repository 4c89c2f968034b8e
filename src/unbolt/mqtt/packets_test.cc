#include "unbolt/mqtt/packets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace unbolt::mqtt {
namespace {

Bytes bytes(std::initializer_list<int> values) {
  Bytes all;
  for (const int value : values) all.push_back(static_cast<std::uint8_t>(value));
  return all;
}

Result<std::optional<Packet>> decode(ByteView from, std::uint32_t largest = 1 << 20) {
  Decoder decoder(largest);
  decoder.feed(from);
  return decoder.next();
}

TEST(MqttPackets, WhatIsWrittenIsRead) {
  Publish publish{.topic = "a/b",
                  .payload = to_bytes(as_bytes(std::string(70'000, 'x'))),
                  .qos = 1,
                  .duplicate = true,
                  .id = 513,
                  .response_topic = "answers",
                  .correlation = bytes({0, 1, 255}),
                  .expiry = 70'000};
  const auto text = encode(publish);
  EXPECT_LE(text.size(), size_of(publish));
  // Byte by byte, twice.
  Decoder decoder(1 << 20);
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      decoder.feed(as_bytes(text).subspan(i, 1));
      auto packet = decoder.next();
      ASSERT_TRUE(packet) << packet.error().message;
      ASSERT_EQ(packet->has_value(), i + 1 == text.size());
      if (!*packet) continue;
      const auto& read = std::get<Publish>(**packet);
      EXPECT_EQ(read.topic, publish.topic);
      EXPECT_EQ(read.payload, publish.payload);
      EXPECT_EQ(read.qos, 1);
      EXPECT_TRUE(read.duplicate);
      EXPECT_EQ(read.id, 513);
      EXPECT_EQ(read.response_topic, "answers");
      EXPECT_EQ(read.correlation, publish.correlation);
      EXPECT_EQ(read.expiry, 70'000u);
    }
  }
}

TEST(MqttPackets, Connacks) {
  const auto good = decode(bytes({0x20, 9, 1, 0, 6, 0x22, 0, 10, 0x21, 0, 20}));
  ASSERT_TRUE(good && *good);
  EXPECT_TRUE(std::get<Connack>(**good).session_present);
  EXPECT_EQ(std::get<Connack>(**good).receive_maximum, 20);
  const auto old = decode(bytes({0x20, 2, 0, 1}));
  ASSERT_TRUE(old && *old);
  EXPECT_EQ(reason_code(std::get<Connack>(**old).reason), ErrorCode::Unsupported);
}

TEST(MqttPackets, ManyInOneRead) {
  std::string all;
  for (std::uint16_t id = 1; id <= 3000; ++id)
    all += encode(Publish{.topic = "t", .payload = Bytes(100), .qos = 1, .id = id});
  Decoder decoder(1 << 20);
  decoder.feed(as_bytes(all));
  for (std::uint16_t id = 1; id <= 3000; ++id) {
    const auto packet = decoder.next();
    ASSERT_TRUE(packet && *packet);
    ASSERT_EQ(std::get<Publish>(**packet).id, id);
  }
  EXPECT_FALSE(decoder.next()->has_value());
}

TEST(MqttPackets, WhatBreaksTheProtocolIsRefused) {
  const Bytes cases[] = {
      bytes({0x00, 0}),                            // no such type
      bytes({'H', 'T', 'T', 'P', '/', '1'}),       // another protocol
      bytes({0x30, 0xff, 0xff, 0xff, 0xff, 1}),    // a length that does not end
      bytes({0x30, 0xff, 0xff, 0xff, 0x7f}),       // larger than what is taken
      bytes({0x34, 6, 0, 1, 'a', 0, 1, 0}),        // quality of service 2
      bytes({0x36, 6, 0, 1, 'a', 0, 1, 0}),        // and 3
      bytes({0x32, 6, 0, 1, 'a', 0, 0, 0}),        // the number 0
      bytes({0x30, 3, 0, 0, 0}),                   // no topic
      bytes({0x30, 4, 0, 1, '#', 0}),              // a wildcard
      bytes({0x30, 4, 0, 9, 'a', 0}),              // a topic beyond the end
      bytes({0x30, 7, 0, 1, 'a', 3, 0x23, 0, 1}),  // an alias, which we do not allow
      bytes({0x30, 5, 0, 1, 'a', 1, 0x7e}),        // no such property
      bytes({0x30, 6, 0, 1, 'a', 9, 0x02, 0}),     // properties beyond the end
      bytes({0x20, 6, 0, 0, 3, 0x21, 0, 0}),       // a receive maximum of 0
      bytes({0x20, 2, 0, 0}),                      // MQTT 3 lets us in
      bytes({0x40, 1, 0}),                         // half a number
      bytes({0x41, 2, 0, 1}),                      // flags
      bytes({0xd0, 1, 0}),                         // more than there is
      bytes({0x90, 3, 0, 1, 0}),                   // a suback without a reason
  };
  for (const auto& each : cases) {
    const auto packet = decode(each);
    ASSERT_FALSE(packet) << ::testing::PrintToString(each);
    EXPECT_EQ(packet.error().code, ErrorCode::ProtocolError);
  }
}

// No input reads beyond its end (the sanitizers see it), or is held longer than it must.
TEST(MqttPackets, AnyBytes) {
  std::minstd_rand random(7);
  const auto good = encode(Publish{.topic = "a/b",
                                   .payload = Bytes(20),
                                   .qos = 1,
                                   .id = 7,
                                   .response_topic = "r",
                                   .correlation = Bytes(3),
                                   .expiry = 1});
  for (int round = 0; round < 100'000; ++round) {
    Bytes input = to_bytes(as_bytes(good));
    for (int i = 0; i < 3; ++i)
      input[random() % input.size()] = static_cast<std::uint8_t>(random() % 256);
    if (round % 2 == 0) input.resize(random() % input.size());
    Decoder decoder(200);
    decoder.feed(input);
    for (int i = 0; i < 20; ++i) {
      const auto packet = decoder.next();
      if (!packet || !*packet) break;
    }
  }
}

}  // namespace
}  // namespace unbolt::mqtt
