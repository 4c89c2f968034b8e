#include "unbolt/identity/public_key.h"

#include <openssl/evp.h>

#include <algorithm>
#include <memory>

#include "unbolt/identity/base32.h"

namespace unbolt::identity {
namespace {

constexpr std::size_t kRaw = 1 + 32 + 2;
constexpr std::size_t kText = base32_size(kRaw);

}  // namespace

Result<PublicKey> PublicKey::parse(std::string_view text) {
  if (text.size() != kText) {
    return fail(ErrorCode::InvalidArgument, "a public key has {} characters, and this {}", kText,
                text.size());
  }
  std::array<std::uint8_t, kRaw> raw{};
  if (!base32_decode(text, raw)) {
    return fail(ErrorCode::InvalidArgument,
                "a public key is written with A-Z and 2-7 only, and this one is not");
  }
  const auto kind = kind_of_prefix(raw[0]);
  if (!kind) return fail(ErrorCode::InvalidArgument, "no kind of key begins as this one does");
  if (crc16(ByteView(raw).first(kRaw - 2)) != (raw[kRaw - 2] | raw[kRaw - 1] << 8)) {
    return fail(ErrorCode::InvalidArgument, "the checksum of the key is wrong: a mistyped letter?");
  }
  std::array<std::uint8_t, 32> point{};
  std::copy_n(raw.begin() + 1, point.size(), point.begin());
  return PublicKey(*kind, point);
}

std::string PublicKey::text() const {
  std::array<std::uint8_t, kRaw> raw{};
  raw[0] = prefix_of(kind_);
  std::copy(point_.begin(), point_.end(), raw.begin() + 1);
  const auto crc = crc16(ByteView(raw).first(kRaw - 2));
  raw[kRaw - 2] = static_cast<std::uint8_t>(crc);
  raw[kRaw - 1] = static_cast<std::uint8_t>(crc >> 8);
  std::string text(kText, '\0');
  base32_encode(raw, text);
  return text;
}

bool PublicKey::verifies(ByteView message, const Signature& signature) const {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, point_.data(), point_.size()),
      &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  return key && context &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key.get()) == 1 &&
         EVP_DigestVerify(context.get(), signature.data(), signature.size(), message.data(),
                          message.size()) == 1;
}

}  // namespace unbolt::identity
