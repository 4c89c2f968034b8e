#include "unbolt/identity/key_pair.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <memory>

#include "unbolt/identity/base32.h"

namespace unbolt::identity {
namespace {

constexpr std::uint8_t kSeedPrefix = ('S' - 'A') << 3;
constexpr std::size_t kRaw = 2 + 32 + 2;
static_assert(base32_size(kRaw) == 58);

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Key private_key(std::span<const std::uint8_t, 32> raw) {
  return {EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, raw.data(), raw.size()),
          &EVP_PKEY_free};
}

}  // namespace

template <class T, std::size_t N>
void Secret<T, N>::wipe() noexcept {
  OPENSSL_cleanse(places_.data(), sizeof places_);
}
template class Secret<char, 58>;
template class Secret<std::uint8_t, 32>;
template class Secret<std::uint8_t, kRaw>;
template class Secret<char, 256>;

Result<KeyPair> KeyPair::of(KeyKind kind, Raw raw) {
  const Key key = private_key(raw.get());
  std::array<std::uint8_t, 32> point{};
  std::size_t size = point.size();
  if (!key || EVP_PKEY_get_raw_public_key(key.get(), point.data(), &size) != 1 ||
      size != point.size())
    return fail(ErrorCode::Internal, "OpenSSL cannot make an Ed25519 key");
  return KeyPair(PublicKey(kind, point), std::move(raw));
}

Result<KeyPair> KeyPair::generate(KeyKind kind) {
  Raw raw;
  if (RAND_priv_bytes(raw.get().data(), static_cast<int>(raw.get().size())) != 1)
    return fail(ErrorCode::Io, "the system gives no random bytes for a key");
  return of(kind, std::move(raw));
}

Result<KeyPair> KeyPair::from_seed(std::string_view seed) {
  Secret<std::uint8_t, kRaw> bytes;
  const auto raw = bytes.get();
  if (!base32_decode(seed, raw) || (raw[0] & 0xf8) != kSeedPrefix || (raw[1] & 7) != 0) {
    return fail(ErrorCode::InvalidArgument,
                "it is no seed: one has 58 characters of A-Z and 2-7, and begins with S");
  }
  const auto kind = kind_of_prefix(static_cast<std::uint8_t>((raw[0] & 7) << 5 | raw[1] >> 3));
  if (!kind) return fail(ErrorCode::InvalidArgument, "no kind of key has a seed that begins so");
  if (crc16(ByteView(raw).first(kRaw - 2)) != (raw[kRaw - 2] | raw[kRaw - 1] << 8))
    return fail(ErrorCode::InvalidArgument, "the checksum of the seed is wrong");
  Raw secret;
  std::copy_n(raw.begin() + 2, secret.get().size(), secret.get().begin());
  return of(*kind, std::move(secret));
}

Result<Signature> KeyPair::sign(ByteView message) const {
  const Key key = private_key(raw_.get());
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  Signature signature{};
  std::size_t size = signature.size();
  if (!key || !context ||
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) != 1 ||
      size != signature.size())
    return fail(ErrorCode::Internal, "OpenSSL cannot sign with an Ed25519 key");
  return signature;
}

SeedText KeyPair::seed() const {
  Secret<std::uint8_t, kRaw> bytes;
  const auto raw = bytes.get();
  const std::uint8_t prefix = prefix_of(public_key_.kind());
  raw[0] = static_cast<std::uint8_t>(kSeedPrefix | prefix >> 5);
  raw[1] = static_cast<std::uint8_t>((prefix & 31) << 3);
  std::copy(raw_.get().begin(), raw_.get().end(), raw.begin() + 2);
  const auto crc = crc16(ByteView(raw).first(kRaw - 2));
  raw[kRaw - 2] = static_cast<std::uint8_t>(crc);
  raw[kRaw - 1] = static_cast<std::uint8_t>(crc >> 8);
  SeedText text;
  base32_encode(raw, text.get());
  return text;
}

}  // namespace unbolt::identity
