// What a key stands for: the first letter of its public key.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace unbolt::identity {

enum class KeyKind : std::uint8_t {
  Account,    // A: signs components
  Component,  // M: is one
  Host,       // N: is a host
  Operator,   // O: signs accounts
  Cluster,    // C
  Service,    // V: a provider of wasmCloud
  User,       // U
};

std::string_view to_string(KeyKind kind);
// The kinds that a user makes, by their names: account, component, host, operator.
std::optional<KeyKind> key_kind_named(std::string_view name);

// The prefix byte of an nkey; its upper five bits are the first letter.
std::uint8_t prefix_of(KeyKind kind);
std::optional<KeyKind> kind_of_prefix(std::uint8_t prefix);

}  // namespace unbolt::identity
