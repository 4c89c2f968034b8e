#include "unbolt/identity/key_pair.h"

#include <gtest/gtest.h>

#include "unbolt/identity/base32.h"

namespace unbolt::identity {
namespace {

std::string text_of(const SeedText& seed) { return {seed.get().data(), seed.get().size()}; }

TEST(Base32, KnownAnswers) {
  EXPECT_EQ(crc16(as_bytes("123456789")), 0x31c3);
  std::string out(base32_size(6), ' ');
  base32_encode(as_bytes("foobar"), out);
  EXPECT_EQ(out, "MZXW6YTBOI");
  std::array<std::uint8_t, 6> bytes{};
  ASSERT_TRUE(base32_decode("MZXW6YTBOI", bytes));
  EXPECT_EQ(as_text(bytes), "foobar");
  EXPECT_FALSE(base32_decode("MZXW6YTBOJ", bytes)) << "bits that mean nothing";
  EXPECT_FALSE(base32_decode("mzxw6ytboi", bytes));
  EXPECT_FALSE(base32_decode("MZXW6YTBO=", bytes));
  EXPECT_FALSE(base32_decode("MZXW6YTBOI=", bytes));
}

// RFC 8032, section 7.1, tests 1 and 3, through the spelling of seeds.
TEST(KeyPair, SignsAsTheStandardSays) {
  std::array<std::uint8_t, 32> secret{0xc5, 0xaa, 0x8d, 0xf4, 0x3f, 0x9f, 0x83, 0x7b,
                                      0xed, 0xb7, 0x44, 0x2f, 0x31, 0xdc, 0xb7, 0xb1,
                                      0x66, 0xd3, 0x85, 0x35, 0x07, 0x6f, 0x09, 0x4b,
                                      0x85, 0xce, 0x3a, 0x2e, 0x0b, 0x44, 0x58, 0xf7};
  std::array<std::uint8_t, 36> raw{18 << 3, 0};  // an account's
  std::copy(secret.begin(), secret.end(), raw.begin() + 2);
  const auto crc = crc16(ByteView(raw).first(34));
  raw[34] = static_cast<std::uint8_t>(crc);
  raw[35] = static_cast<std::uint8_t>(crc >> 8);
  std::string seed(58, ' ');
  base32_encode(raw, seed);
  EXPECT_TRUE(seed.starts_with("SA"));
  const auto key = KeyPair::from_seed(seed);
  ASSERT_TRUE(key) << key.error().message;
  EXPECT_EQ(text_of(key->seed()), seed);
  const std::array<std::uint8_t, 2> message{0xaf, 0x82};
  const auto signature = key->sign(message);
  ASSERT_TRUE(signature);
  EXPECT_EQ((*signature)[0], 0x62);
  EXPECT_EQ((*signature)[1], 0x91);
  EXPECT_EQ((*signature)[63], 0x0a);
  EXPECT_TRUE(key->public_key().verifies(message, *signature));
}

TEST(KeyPair, EachKindHasItsLetters) {
  for (const auto& [name, letter] :
       {std::pair{"account", 'A'}, {"component", 'M'}, {"host", 'N'}, {"operator", 'O'}}) {
    const auto key = KeyPair::generate(*key_kind_named(name));
    ASSERT_TRUE(key);
    EXPECT_EQ(to_string(key->public_key().kind()), name);
    const std::string text = key->public_key().text(), seed = text_of(key->seed());
    EXPECT_EQ(text.size(), 56u);
    EXPECT_EQ(text[0], letter);
    EXPECT_EQ(seed.substr(0, 2), std::string("S") + letter);
    EXPECT_EQ(*PublicKey::parse(text), key->public_key());
    EXPECT_EQ(KeyPair::from_seed(seed)->public_key(), key->public_key());
  }
  EXPECT_FALSE(key_kind_named("user"));
}

TEST(KeyPair, EveryMistypedLetterIsSeen) {
  const auto key = KeyPair::generate(KeyKind::Operator);
  const std::string text = key->public_key().text(), seed = text_of(key->seed());
  for (const char other : {'A', 'Z', '2', '7', '0', 'a', '=', '\0'}) {
    for (std::size_t i = 0; i < seed.size(); ++i) {
      std::string wrong = seed;
      wrong[i] = other;
      if (wrong == seed) continue;
      const auto parsed = KeyPair::from_seed(wrong);
      ASSERT_FALSE(parsed) << i << other;
      EXPECT_FALSE(parsed.error().message.contains(wrong.substr(2, 8)));
    }
    for (std::size_t i = 0; i < text.size(); ++i) {
      std::string wrong = text;
      wrong[i] = other;
      if (wrong != text) EXPECT_FALSE(PublicKey::parse(wrong)) << i << other;
    }
  }
  EXPECT_FALSE(PublicKey::parse(seed));
  EXPECT_FALSE(KeyPair::from_seed(text));
}

TEST(KeyPair, ASignatureIsOfOneMessageByOneKey) {
  const auto one = KeyPair::generate(KeyKind::Account), two = KeyPair::generate(KeyKind::Account);
  auto signature = *one->sign(as_bytes("hello"));
  EXPECT_TRUE(one->public_key().verifies(as_bytes("hello"), signature));
  EXPECT_FALSE(one->public_key().verifies(as_bytes("hellp"), signature));
  EXPECT_FALSE(two->public_key().verifies(as_bytes("hello"), signature));
  for (auto& byte : signature) {
    byte ^= 1;
    EXPECT_FALSE(one->public_key().verifies(as_bytes("hello"), signature));
    byte ^= 1;
  }
}

TEST(KeyPair, WhatIsHandedOnIsWiped) {
  const auto key = KeyPair::generate(KeyKind::Account);
  SeedText seed = key->seed();
  const SeedText taken = std::move(seed);
  EXPECT_EQ(taken.get()[0], 'S');
  for (const char c : seed.get()) EXPECT_EQ(c, '\0');  // NOLINT(bugprone-use-after-move)
}

}  // namespace
}  // namespace unbolt::identity
