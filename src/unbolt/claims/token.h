// A JSON Web Token as wasmCloud makes them: three parts in base64url, signed with Ed25519 by the
// key that it names as its issuer.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "unbolt/base/error.h"
#include "unbolt/identity/key_pair.h"

namespace unbolt::claims {

inline constexpr std::size_t kLongestToken = 64 * 1024;

// `body` has `iss`, the public key of `issuer`.
Result<std::string> sign_token(const nlohmann::ordered_json& body, const identity::KeyPair& issuer);

struct Token {
  nlohmann::json body;
  identity::PublicKey issuer;
};
// Reads the parts, and checks that the header is exactly wasmCloud's (any other algorithm is
// refused, and so is none) and that the issuer signed. InvalidFile where it is no such token,
// Denied where the signature is another's. Times are not looked at.
Result<Token> open_token(std::string_view text);

}  // namespace unbolt::claims
