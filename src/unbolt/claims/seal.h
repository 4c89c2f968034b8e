// To sign a file. The seal is a custom section of our own: a JSON object with the digest of the
// file, the grants, and the operator's word for the account. It stands directly before wasmCloud's
// section, whose token covers it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/claims/claims.h"
#include "unbolt/identity/key_pair.h"

namespace unbolt::claims {

inline constexpr std::size_t kLargestSeal = 256 * 1024;
inline constexpr std::size_t kMostGrants = 256;

// What the seal says, in its own spelling: any other one is refused when it is read.
struct Seal {
  std::string digest;               // `sha256:HEX`, FileDigests::contents
  std::vector<std::string> grants;  // each in the grammar of docs/grants.md
  std::vector<std::string> chain;   // none, or the account's token
};
std::string seal_text(const Seal& seal);
Result<Seal> parse_seal(std::string_view text);

// `file` with these claims, in place of any that it had; every other byte stays. The claims' issuer
// and hash are set here. InvalidArgument where the chain does not vouch for `issuer`.
Result<Bytes> sign_file(ByteView file, ComponentClaims claims, Seal seal,
                        const identity::KeyPair& issuer);

// An operator's word for an account: a token.
Result<std::string> sign_account(AccountClaims claims, const identity::KeyPair& issuer);

}  // namespace unbolt::claims
