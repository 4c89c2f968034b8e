// The public half of a key: what names somebody, and checks what they signed.
#pragma once

#include <array>
#include <compare>
#include <string>
#include <string_view>

#include "unbolt/base/bytes.h"
#include "unbolt/base/error.h"
#include "unbolt/identity/key_kind.h"

namespace unbolt::identity {

using Signature = std::array<std::uint8_t, 64>;

// A value. Its text is 56 characters: A…, M…, N…, O….
class PublicKey {
 public:
  PublicKey(KeyKind kind, const std::array<std::uint8_t, 32>& point) : kind_(kind), point_(point) {}
  // InvalidArgument says what is wrong with it. The text itself is not repeated: it may be a seed
  // that somebody took for a public key.
  static Result<PublicKey> parse(std::string_view text);

  KeyKind kind() const { return kind_; }
  std::string text() const;
  // Ed25519 (RFC 8032).
  bool verifies(ByteView message, const Signature& signature) const;

  auto operator<=>(const PublicKey&) const = default;

 private:
  KeyKind kind_;
  std::array<std::uint8_t, 32> point_;
};

}  // namespace unbolt::identity
