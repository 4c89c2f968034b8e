#include "unbolt/claims/seal.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "unbolt/claims/base64url.h"
#include "unbolt/claims/file_digest.h"
#include "unbolt/claims/token.h"
#include "unbolt/claims/verify.h"

namespace unbolt::claims {
namespace {

using identity::KeyKind;
using identity::KeyPair;

constexpr Seconds kNow = 1'790'000'000;

Bytes module_bytes(bool padded = false) {
  Bytes bytes{0, 'a', 's', 'm', 1, 0, 0, 0};
  // A type section with one type, () -> ().
  if (padded)
    bytes.insert(bytes.end(), {1, 0x84, 0x80, 0x80, 0x80, 0, 1, 0x60, 0, 0});
  else
    bytes.insert(bytes.end(), {1, 4, 1, 0x60, 0, 0});
  return bytes;
}

Bytes component_bytes(ByteView inside = {}, std::uint8_t id = 1) {
  Bytes bytes{0, 'a', 's', 'm', 0x0d, 0, 1, 0};
  const Bytes module = inside.empty() ? module_bytes() : to_bytes(inside);
  bytes.push_back(id);
  append_size(bytes, module.size());
  bytes.insert(bytes.end(), module.begin(), module.end());
  append_custom_section(bytes, "note", as_bytes("hello"));
  return bytes;
}

class Seals : public testing::Test {
 protected:
  ComponentClaims claims() const {
    ComponentClaims claims{fresh_claims(kNow), account.public_key(), component.public_key()};
    claims.name = "orders";
    claims.version = "1.2.0";
    claims.revision = 7;
    claims.tags = {"edge", "beta"};
    return claims;
  }
  Bytes sign(ByteView file) const {
    auto out =
        sign_file(file, claims(), {.grants = {"wasi:keyvalue/store"}, .chain = {vouched}}, account);
    EXPECT_TRUE(out) << (out ? "" : out.error().message);
    return out ? *out : Bytes();
  }
  // As wasmCloud's tools sign: without a seal.
  Bytes sign_plainly(ByteView file, ComponentClaims claims) const {
    Bytes out = *without_claims(file);
    claims.hash = upper_hex(sha256_of(out));
    append_custom_section(out, kTokenSection, as_bytes(*sign_token(to_json(claims), account)));
    return out;
  }
  static Bytes with_token(ByteView file, std::string_view token) {
    Bytes out = to_bytes(file);
    append_custom_section(out, kTokenSection, as_bytes(token));
    return out;
  }
  std::string token_with_header(std::string_view header) const {
    std::string text =
        base64url(as_bytes(header)) + "." + base64url(as_bytes(to_json(claims()).dump()));
    return text + "." + base64url(*account.sign(as_bytes(text)));
  }

  KeyPair operator_ = *KeyPair::generate(KeyKind::Operator);
  KeyPair account = *KeyPair::generate(KeyKind::Account);
  KeyPair component = *KeyPair::generate(KeyKind::Component);
  std::string vouched = *sign_account(
      {fresh_claims(kNow), operator_.public_key(), account.public_key(), "team", {}}, operator_);
};

TEST_F(Seals, WhatWasSignedIsValid) {
  const Bytes plain = component_bytes();
  const Bytes sealed = sign(plain);
  EXPECT_TRUE(std::equal(plain.begin(), plain.end(), sealed.begin()));
  EXPECT_EQ(*without_claims(sealed), plain);
  const auto seen = verify(sealed, kNow);
  ASSERT_EQ(seen.state, SealState::Valid) << seen.problem;
  EXPECT_EQ(seen.claims->issuer, account.public_key());
  EXPECT_EQ(seen.claims->subject, component.public_key());
  EXPECT_EQ(seen.claims->name, "orders");
  EXPECT_EQ(seen.claims->version, "1.2.0");
  EXPECT_EQ(seen.claims->revision, 7);
  EXPECT_EQ(seen.claims->tags, (std::vector<std::string>{"edge", "beta"}));
  EXPECT_EQ(seen.grants, std::vector<std::string>{"wasi:keyvalue/store"});
  EXPECT_EQ(seen.account->issuer, operator_.public_key());
  EXPECT_EQ(verify(plain, kNow).state, SealState::Unsigned);
}

TEST_F(Seals, SigningAgainReplaces) {
  const Bytes once = sign(component_bytes()), twice = sign(once);
  EXPECT_EQ(verify(twice, kNow).state, SealState::Valid);
  EXPECT_EQ(*without_claims(twice), component_bytes());
  EXPECT_FALSE(find_claims(twice)->twice);
}

TEST_F(Seals, EveryFlippedByteIsSeen) {
  const Bytes sealed = sign(component_bytes());
  Bytes changed = sealed;
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    for (const std::uint8_t bits : {0x01, 0x02, 0x10, 0x20, 0x80, 0xff}) {
      changed[i] = sealed[i] ^ bits;
      const auto seen = verify(changed, kNow);
      ASSERT_NE(seen.state, SealState::Valid) << "byte " << i << " xor " << int{bits};
      ASSERT_NE(seen.state, SealState::Unsigned) << "byte " << i << " xor " << int{bits};
      ASSERT_FALSE(seen.problem.empty());
    }
    changed[i] = sealed[i];
  }
}

TEST_F(Seals, EveryLostByteIsSeen) {
  const Bytes sealed = sign(component_bytes());
  for (std::size_t size = 0; size < sealed.size(); ++size) {
    ASSERT_NE(verify(ByteView(sealed).first(size), kNow).state, SealState::Valid) << size;
    Bytes without = sealed;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_NE(verify(without, kNow).state, SealState::Valid) << size;
  }
  Bytes longer = sealed;
  append_custom_section(longer, "more", {});
  EXPECT_EQ(verify(longer, kNow).state, SealState::Broken);
}

TEST_F(Seals, OtherAlgorithmsAreRefused) {
  for (const char* header :
       {R"({"typ":"jwt","alg":"none"})", R"({"typ":"jwt","alg":"HS256"})",
        R"({"typ":"jwt","alg":"EdDSA"})", R"({"typ":"jwt","alg":"ed25519"})", R"({"typ":"jwt"})",
        R"({"alg":"Ed25519"})", R"({"typ":"jwt","alg":"Ed25519","crit":["x"]})",
        R"({"typ":"jwt","alg":"none","alg":"Ed25519"})", "[]", "", "{"}) {
    const auto token = token_with_header(header);
    EXPECT_FALSE(open_token(token)) << header;
    EXPECT_EQ(verify(with_token(component_bytes(), token), kNow).state, SealState::Broken);
    const auto unsigned_token = token.substr(0, token.rfind('.') + 1);
    EXPECT_EQ(verify(with_token(component_bytes(), unsigned_token), kNow).state, SealState::Broken);
  }
  EXPECT_TRUE(open_token(token_with_header(R"({"alg":"Ed25519","typ":"jwt"})")));
}

TEST_F(Seals, ForgedTokensAreRefused) {
  const auto other = *KeyPair::generate(KeyKind::Account);
  auto mine = claims();
  // Signed by another key than the issuer that it names.
  const auto forged = sign_token(to_json(mine), other);
  const auto seen = verify(with_token(component_bytes(), *forged), kNow);
  EXPECT_EQ(seen.state, SealState::Broken);
  EXPECT_TRUE(seen.problem.contains("not that of its issuer")) << seen.problem;
  // A key of another kind may not sign.
  const auto by_component = sign_token(
      [&] {
        auto body = to_json(mine);
        body["iss"] = component.public_key().text();
        return body;
      }(),
      component);
  EXPECT_EQ(verify(with_token(component_bytes(), *by_component), kNow).state, SealState::Broken);
}

TEST_F(Seals, ClaimsOfAnotherComponentAreRefused) {
  const Bytes sealed = sign(component_bytes());
  Bytes other = component_bytes(), stripped = other;
  append_custom_section(other, "note", as_bytes("other"));
  const auto found = find_claims(sealed);
  append_custom_section(other, kSealSection, found->seal->contents);
  append_custom_section(other, kTokenSection, found->token->contents);
  EXPECT_EQ(verify(other, kNow).state, SealState::Broken);
  // The token alone, for a file without its grants.
  append_custom_section(stripped, kTokenSection, found->token->contents);
  EXPECT_EQ(verify(stripped, kNow).state, SealState::Broken);
  // Wider grants beside the same token.
  Bytes wider = component_bytes();
  Seal seal = *parse_seal(as_text(found->seal->contents));
  seal.grants = {"wasi:sockets"};
  append_custom_section(wider, kSealSection, as_bytes(seal_text(seal)));
  append_custom_section(wider, kTokenSection, found->token->contents);
  EXPECT_EQ(verify(wider, kNow).state, SealState::Broken);
  // A seal and no token.
  Bytes tokenless = component_bytes();
  append_custom_section(tokenless, kSealSection, found->seal->contents);
  EXPECT_EQ(verify(tokenless, kNow).state, SealState::Broken);
}

TEST_F(Seals, TwoSectionsOfClaimsAreRefused) {
  const Bytes sealed = sign(component_bytes());
  const auto token = as_text(find_claims(sealed)->token->contents);
  const auto seen = verify(with_token(sealed, token), kNow);
  EXPECT_EQ(seen.state, SealState::Broken);
  EXPECT_TRUE(seen.problem.contains("more than one")) << seen.problem;
  Bytes old = component_bytes();
  append_custom_section(old, kOldTokenSection, as_bytes(token));
  EXPECT_EQ(verify(with_token(old, token), kNow).state, SealState::Broken);
}

TEST_F(Seals, ClaimsInsideOfTheFileCountForNothing) {
  const Bytes inner = sign(component_bytes());
  const Bytes outer = component_bytes(inner, 4);
  EXPECT_EQ(verify(outer, kNow).state, SealState::Unsigned);
  const Bytes sealed = sign(outer);
  EXPECT_EQ(verify(sealed, kNow).state, SealState::Valid);
  EXPECT_EQ(*without_claims(sealed), outer);
  // What wasmCloud's digest leaves out, the seal's covers.
  for (std::size_t i = 20; i < outer.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= 1;
    ASSERT_NE(verify(changed, kNow).state, SealState::Valid) << i;
  }
}

TEST_F(Seals, LongSizesStayAndAreCovered) {
  const Bytes padded = component_bytes(module_bytes(true));
  const Bytes sealed = sign(padded);
  EXPECT_EQ(*without_claims(sealed), padded);
  EXPECT_EQ(verify(sealed, kNow).state, SealState::Valid);
  const auto digests = file_digests(sealed, *find_claims(sealed));
  EXPECT_FALSE(digests->same_spelling);
  // The same file with short sizes has the same digest of wasmCloud's, and is another file.
  Bytes respelt = component_bytes();
  const auto found = find_claims(sealed);
  append_custom_section(respelt, kSealSection, found->seal->contents);
  append_custom_section(respelt, kTokenSection, found->token->contents);
  EXPECT_EQ(file_digests(respelt, *find_claims(respelt))->wascap, digests->wascap);
  EXPECT_EQ(verify(respelt, kNow).state, SealState::Broken);
}

TEST_F(Seals, ATokenWithoutASealIsValidAndGrantsAreUnknown) {
  const Bytes file = sign_plainly(component_bytes(), claims());
  const auto seen = verify(file, kNow);
  EXPECT_EQ(seen.state, SealState::Valid) << seen.problem;
  EXPECT_FALSE(seen.grants);
  EXPECT_EQ(verify(sign_plainly(module_bytes(), claims()), kNow).state, SealState::Valid);
}

TEST_F(Seals, TimesAreKept) {
  auto brief = claims();
  brief.not_before = kNow + 1000;
  brief.expires = kNow + 2000;
  const Bytes file = *sign_file(component_bytes(), brief, {}, account);
  EXPECT_EQ(verify(file, kNow).state, SealState::NotYetValid);
  EXPECT_EQ(verify(file, kNow + 999).state, SealState::Valid) << "within the skew";
  EXPECT_EQ(verify(file, kNow + 1500).state, SealState::Valid);
  EXPECT_EQ(verify(file, kNow + 2061).state, SealState::Expired);
  // A component lives no longer than the word for its account.
  AccountClaims until{fresh_claims(kNow), operator_.public_key(), account.public_key(), {}, {}};
  until.expires = kNow + 10;
  const Bytes chained = *sign_file(component_bytes(), claims(),
                                   {.chain = {*sign_account(until, operator_)}}, account);
  EXPECT_EQ(verify(chained, kNow).state, SealState::Valid);
  EXPECT_EQ(verify(chained, kNow + 1000).state, SealState::Expired);
}

TEST_F(Seals, AChainIsOfThisAccountAndByAnOperator) {
  const auto other = *KeyPair::generate(KeyKind::Account);
  EXPECT_FALSE(sign_file(component_bytes(), claims(), {.chain = {vouched}}, other));
  AccountClaims more{
      fresh_claims(kNow), operator_.public_key(), account.public_key(), {}, {other.public_key()}};
  const auto both = *sign_account(more, operator_);
  const auto file = sign_file(component_bytes(), claims(), {.chain = {both}}, other);
  ASSERT_TRUE(file);
  EXPECT_EQ(verify(*file, kNow).state, SealState::Valid);
  EXPECT_FALSE(sign_account(more, account)) << "an account cannot vouch for itself";
}

TEST_F(Seals, OneSpellingOnly) {
  const std::string token = *sign_token(to_json(claims()), account);
  ASSERT_TRUE(open_token(token));
  for (const char* tail : {"=", "==", " ", "\n", "A", "."}) EXPECT_FALSE(open_token(token + tail));
  std::string last = token;
  last.back() = last.back() == 'A' ? 'B' : static_cast<char>(last.back() + 1);
  EXPECT_FALSE(open_token(last)) << "bits that mean nothing";
  EXPECT_FALSE(from_base64url("+/"));
  EXPECT_FALSE(from_base64url("AB"));
  EXPECT_TRUE(from_base64url("AA"));
}

TEST_F(Seals, HugeAndOddClaimsAreRefused) {
  std::string huge;
  huge.resize(10'000'000, 'A');
  EXPECT_EQ(verify(with_token(component_bytes(), huge), kNow).state, SealState::Broken);
  std::string deep(40'000, '[');
  const std::string text = base64url(as_bytes(R"({"typ":"jwt","alg":"Ed25519"})")) + "." +
                           base64url(as_bytes("{\"a\":" + deep)) + ".";
  EXPECT_FALSE(open_token(text + base64url(*account.sign(as_bytes(deep)))));
  auto many = claims();
  many.tags.assign(2000, "x");
  EXPECT_FALSE(sign_file(component_bytes(), many, {}, account));
  many.tags.assign(1000, std::string(1000, 'x'));
  EXPECT_FALSE(sign_file(component_bytes(), many, {}, account));
  Bytes nested = component_bytes();
  for (int i = 0; i < 40; ++i) nested = component_bytes(nested, 4);
  EXPECT_FALSE(sign_file(nested, claims(), {}, account));
}

}  // namespace
}  // namespace unbolt::claims
