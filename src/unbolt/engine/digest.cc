// OpenSSL's newer interface sets up the whole library for its first digest: a millisecond of every
// start.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "unbolt/engine/digest.h"

#include <openssl/sha.h>

#include <algorithm>
#include <cassert>

namespace unbolt::engine {
namespace {

class Sha256 {
 public:
  Sha256() { SHA256_Init(&state_); }
  Sha256& add(ByteView bytes) {
    SHA256_Update(&state_, bytes.data(), bytes.size());
    return *this;
  }
  Digest finish() {
    Digest digest;
    SHA256_Final(digest.data(), &state_);
    return digest;
  }

 private:
  SHA256_CTX state_;
};

}  // namespace

Digest sha256(ByteView bytes) { return Sha256().add(bytes).finish(); }

Digest hmac_sha256(ByteView key, ByteView text) {
  assert(key.size() <= SHA256_CBLOCK);
  std::array<std::uint8_t, SHA256_CBLOCK> inner_pad, outer_pad;
  inner_pad.fill(0x36);
  outer_pad.fill(0x5c);
  for (std::size_t i = 0; i < key.size(); ++i) {
    inner_pad[i] ^= key[i];
    outer_pad[i] ^= key[i];
  }
  const Digest inner = Sha256().add(inner_pad).add(text).finish();
  return Sha256().add(outer_pad).add(inner).finish();
}

}  // namespace unbolt::engine
