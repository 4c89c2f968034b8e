#include "unbolt/claims/admission.h"

#include <algorithm>

namespace unbolt::claims {
namespace {

std::unexpected<Error> denied(std::string why, std::string_view hint) {
  return std::unexpected(Error{ErrorCode::Denied, std::move(why), std::string(hint)});
}

bool trusts(const Admission& admission, const Verification& seen) {
  const auto is_trusted = [&](const identity::PublicKey& key) {
    return std::ranges::find(admission.trusted, key) != admission.trusted.end();
  };
  return (seen.claims && is_trusted(seen.claims->issuer)) ||
         (seen.account && is_trusted(seen.account->issuer));
}

}  // namespace

Result<> admit(const Verification& seen, const Admission& admission) {
  switch (seen.state) {
    case SealState::Unsigned:
      if (!admission.require_signed && admission.trusted.empty()) return {};
      return denied("it is not signed", "unbolt sign FILE --issuer KEY signs it");
    case SealState::Broken:
      return denied(seen.problem, "get the file again from who made it; do not run it");
    case SealState::Expired: return denied(seen.problem, "its maker can sign it again");
    case SealState::NotYetValid: return denied(seen.problem, {});
    case SealState::Valid: break;
  }
  if (admission.trusted.empty() || trusts(admission, seen)) return {};
  return denied("neither its issuer nor an operator of it is trusted",
                "unbolt inspect FILE shows who signed it; --trust KEY trusts that key");
}

}  // namespace unbolt::claims
