// Both halves of a key: what signs.
#pragma once

#include <array>
#include <string_view>

#include "unbolt/base/error.h"
#include "unbolt/identity/public_key.h"

namespace unbolt::identity {

// `N` places for something secret, wiped when their holder ends or hands them on.
template <class T, std::size_t N>
class Secret {
 public:
  Secret() = default;
  Secret(Secret&& other) noexcept : places_(other.places_) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      places_ = other.places_;
      other.wipe();
    }
    return *this;
  }
  ~Secret() { wipe(); }

  std::span<T, N> get() { return places_; }
  std::span<const T, N> get() const { return places_; }

 private:
  void wipe() noexcept;
  std::array<T, N> places_{};
};

// A seed as text: S, the letter of its kind, and 56 more characters.
using SeedText = Secret<char, 58>;

// Has no text of its own, so that none can get into a log by accident.
class KeyPair {
 public:
  static Result<KeyPair> generate(KeyKind kind);
  // InvalidArgument says what is wrong, without any of the text.
  static Result<KeyPair> from_seed(std::string_view seed);

  const PublicKey& public_key() const { return public_key_; }
  Result<Signature> sign(ByteView message) const;
  // For who keeps it, or asks to see it.
  SeedText seed() const;

 private:
  using Raw = Secret<std::uint8_t, 32>;
  KeyPair(PublicKey key, Raw raw) : public_key_(key), raw_(std::move(raw)) {}
  static Result<KeyPair> of(KeyKind kind, Raw raw);

  PublicKey public_key_;
  Raw raw_;
};

}  // namespace unbolt::identity
