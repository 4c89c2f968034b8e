#include "unbolt/claims/verify.h"

#include "unbolt/claims/file_digest.h"
#include "unbolt/claims/token.h"

namespace unbolt::claims {
namespace {

Verification& broken(Verification& out, std::string problem) {
  out.state = SealState::Broken;
  out.problem = std::move(problem);
  return out;
}

// What holds of all but the time; false leaves the reason in `out`.
bool holds(ByteView file, const ClaimSections& found, Verification& out) {
  const auto wrong = [&](std::string problem) {
    broken(out, std::move(problem));
    return false;
  };
  if (found.twice)
    return wrong("the file has more than one section of claims: it cannot be said which counts");
  if (!found.token) return wrong("the file has a seal without the token that would sign it");
  const auto token = open_token(as_text(found.token->contents));
  if (!token) return wrong("the token: " + token.error().message);
  const auto claims = component_claims(token->body);
  if (!claims) return wrong("the token: " + claims.error().message);
  out.claims = *claims;
  if (found.seal && (found.seal->section.end != found.token->section.begin ||
                     found.token->section.end != file.size() || !found.seal->section.shortest ||
                     !found.token->section.shortest))
    return wrong("the seal and the token do not stand at the end of the file, as they were signed");
  const auto digests = file_digests(file, found);
  if (!digests) return wrong(digests.error().message);
  const std::string changed =
      "the file is not what was signed: it was changed since, or the claims are another file's";
  // A seal that is missing or another's is seen here too: the token's digest covers it.
  if (claims->hash != upper_hex(digests->wascap)) return wrong(changed);
  if (!found.seal) {
    // wasmCloud's digest says nothing of how sizes are spelt, but its tool leaves them short.
    if (!digests->same_spelling) return wrong(changed);
    return true;
  }
  const auto seal = parse_seal(as_text(found.seal->contents));
  if (!seal) return wrong(seal.error().message);
  if (seal->digest != "sha256:" + hex(digests->contents)) return wrong(changed);
  for (const auto& text : seal->chain) {
    const auto account_token = open_token(text);
    if (!account_token) return wrong("the account's token: " + account_token.error().message);
    const auto account = account_claims(account_token->body);
    if (!account) return wrong("the account's token: " + account.error().message);
    if (!account->vouches_for(claims->issuer))
      return wrong("the account's token is another account's");
    out.account = *account;
  }
  out.grants = seal->grants;
  return true;
}

// The later of two starts, the earlier of two ends: a component lives within its account.
void decide_time(Verification& out, Seconds now, Seconds skew) {
  const auto look = [&](const TokenClaims& claims, std::string_view whose) {
    if (claims.expires && now > *claims.expires + skew) {
      out.state = SealState::Expired;
      out.problem = std::string(whose) + " has expired";
    } else if (claims.not_before && now + skew < *claims.not_before) {
      out.state = SealState::NotYetValid;
      out.problem = std::string(whose) + " is not valid yet";
    }
  };
  out.state = SealState::Valid;
  if (out.account) look(*out.account, "the operator's word for the account");
  if (out.state == SealState::Valid) look(*out.claims, "the signature");
}

}  // namespace

std::string_view to_string(SealState state) {
  switch (state) {
    case SealState::Unsigned: return "unsigned";
    case SealState::Broken: return "broken";
    case SealState::NotYetValid: return "not-yet-valid";
    case SealState::Expired: return "expired";
    case SealState::Valid: return "valid";
  }
  return "";
}

Verification verify(ByteView file, Seconds now, Seconds skew) {
  Verification out;
  const auto found = find_claims(file);
  if (!found) return std::move(broken(out, found.error().message));
  if (!found->any()) {
    out.problem = "it is not signed";
    return out;
  }
  if (holds(file, *found, out)) decide_time(out, now, skew);
  return out;
}

}  // namespace unbolt::claims
