// What is claimed of a component and of an account, as wasmCloud writes it into tokens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "unbolt/base/error.h"
#include "unbolt/identity/public_key.h"

namespace unbolt::claims {

// Seconds since 1970, UTC.
using Seconds = std::uint64_t;

// Members that every token has.
struct TokenClaims {
  std::string id;  // `jti`
  Seconds issued_at = 0;
  std::optional<Seconds> not_before, expires;
};

struct ComponentClaims : TokenClaims {
  identity::PublicKey issuer;   // an account's
  identity::PublicKey subject;  // the component's, the same in all of its revisions
  std::optional<std::string> name, version;
  std::optional<std::int32_t> revision;
  std::vector<std::string> tags;
  std::string hash;  // FileDigests::wascap, in upper case
};

struct AccountClaims : TokenClaims {
  identity::PublicKey issuer;   // an operator's
  identity::PublicKey subject;  // the account's
  std::optional<std::string> name;
  std::vector<identity::PublicKey> signers;  // more keys that may sign for the account
  bool vouches_for(const identity::PublicKey& signer) const;
};

// A new token's: an id that no other has, made now.
TokenClaims fresh_claims(Seconds now);

nlohmann::ordered_json to_json(const ComponentClaims& claims);
nlohmann::ordered_json to_json(const AccountClaims& claims);
// InvalidFile says which member is missing or not what it should be. Members that are not known are
// passed over, as wasmCloud's own tools do.
Result<ComponentClaims> component_claims(const nlohmann::json& body);
Result<AccountClaims> account_claims(const nlohmann::json& body);

}  // namespace unbolt::claims
