// Whether a file may be run at all, by its seal.
#pragma once

#include <vector>

#include "unbolt/base/error.h"
#include "unbolt/claims/verify.h"
#include "unbolt/identity/public_key.h"

namespace unbolt::claims {

// What an operator asks of every file. A value; by itself it asks nothing but that a seal, where
// there is one, holds.
struct Admission {
  bool require_signed = false;
  // Accounts that may have signed, and operators that may vouch for them; none: whoever signed.
  // Where there are any, files have to be signed.
  std::vector<identity::PublicKey> trusted;
};

// Denied says why not, and what to do. A seal that is broken, expired or not valid yet is never
// admitted.
Result<> admit(const Verification& seen, const Admission& admission);

}  // namespace unbolt::claims
