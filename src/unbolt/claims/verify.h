// Whether what a file claims of itself holds.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "unbolt/base/bytes.h"
#include "unbolt/claims/claims.h"
#include "unbolt/claims/seal.h"

namespace unbolt::claims {

enum class SealState : std::uint8_t {
  Unsigned,     // no claims at all
  Broken,       // claims that do not hold: they are to be believed in nothing
  NotYetValid,  // all holds but the time
  Expired,
  Valid,
};
std::string_view to_string(SealState state);

// A value. Who may be trusted is not decided here: a valid seal says who signed, and that nothing
// was changed since.
struct Verification {
  SealState state = SealState::Unsigned;
  std::string problem;                    // why it is not valid
  std::optional<ComponentClaims> claims;  // of a broken seal too, as far as they could be read
  // Those that the issuer signed; nothing where a tool signed that knows of no grants.
  std::optional<std::vector<std::string>> grants;
  std::optional<AccountClaims> account;  // with an operator's word for it
};

// `now` decides about validity, give or take `skew`. Costs two passes over the file at most.
Verification verify(ByteView file, Seconds now, Seconds skew = 60);

}  // namespace unbolt::claims
