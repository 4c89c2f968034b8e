#include "unbolt/claims/claims.h"

#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "unbolt/claims/file_digest.h"
#include "unbolt/claims/strict_json.h"

namespace unbolt::claims {
namespace {

using identity::KeyKind;
using identity::PublicKey;
using nlohmann::json;
using nlohmann::ordered_json;

// The format's own number; from this one on, tools check `hash`.
constexpr int kWascapRevision = 3;

Result<PublicKey> key_member(const json& body, const char* name, KeyKind kind) {
  std::string wrong;
  const auto text = text_member(body, name, wrong);
  if (!text) return fail(ErrorCode::InvalidFile, "the member '{}' is missing or no text", name);
  auto key = PublicKey::parse(*text);
  if (!key) {
    return fail(ErrorCode::InvalidFile, "the member '{}' is no public key: {}", name,
                key.error().message);
  }
  if (key->kind() != kind) {
    return fail(ErrorCode::InvalidFile, "the member '{}' is a key of kind {}, and {} is expected",
                name, to_string(key->kind()), to_string(kind));
  }
  return *key;
}

void put_common(ordered_json& out, const TokenClaims& claims, const PublicKey& issuer,
                const PublicKey& subject) {
  if (claims.expires) out["exp"] = *claims.expires;
  out["jti"] = claims.id;
  out["iat"] = claims.issued_at;
  out["iss"] = issuer.text();
  out["sub"] = subject.text();
  if (claims.not_before) out["nbf"] = *claims.not_before;
}

TokenClaims common(const json& body, std::string& wrong) {
  return {.id = text_member(body, "jti", wrong).value_or(""),
          .issued_at = time_member(body, "iat", wrong).value_or(0),
          .not_before = time_member(body, "nbf", wrong),
          .expires = time_member(body, "exp", wrong)};
}

Result<json> metadata(const json& body) {
  const auto found = body.find("wascap");
  if (found == body.end() || !found->is_object())
    return fail(ErrorCode::InvalidFile, "the member 'wascap' is missing or no object");
  return *found;
}

std::unexpected<Error> bad_member(const std::string& name) {
  return fail(ErrorCode::InvalidFile, "the member '{}' is not what it should be", name);
}

}  // namespace

bool AccountClaims::vouches_for(const PublicKey& signer) const {
  return subject == signer || std::find(signers.begin(), signers.end(), signer) != signers.end();
}

TokenClaims fresh_claims(Seconds now) {
  Sha256 random{};
  RAND_bytes(random.data(), 12);
  return {.id = hex(random).substr(0, 24), .issued_at = now};
}

ordered_json to_json(const ComponentClaims& claims) {
  ordered_json out;
  put_common(out, claims, claims.issuer, claims.subject);
  ordered_json& data = out["wascap"] = ordered_json::object();
  if (claims.name) data["name"] = *claims.name;
  data["hash"] = claims.hash;
  data["tags"] = claims.tags;
  if (claims.revision) data["rev"] = *claims.revision;
  if (claims.version) data["ver"] = *claims.version;
  data["prov"] = false;
  out["wascap_revision"] = kWascapRevision;
  return out;
}

ordered_json to_json(const AccountClaims& claims) {
  ordered_json out;
  put_common(out, claims, claims.issuer, claims.subject);
  ordered_json& data = out["wascap"] = ordered_json::object();
  data["name"] = claims.name ? ordered_json(*claims.name) : ordered_json(nullptr);
  auto& signers = data["valid_signers"] = ordered_json::array();
  for (const auto& signer : claims.signers) signers.push_back(signer.text());
  out["wascap_revision"] = kWascapRevision;
  return out;
}

Result<ComponentClaims> component_claims(const json& body) {
  UNBOLT_ASSIGN(const PublicKey issuer, key_member(body, "iss", KeyKind::Account));
  UNBOLT_ASSIGN(const PublicKey subject, key_member(body, "sub", KeyKind::Component));
  UNBOLT_ASSIGN(const json data, metadata(body));
  std::string wrong;
  ComponentClaims claims{common(body, wrong), issuer, subject};
  claims.name = text_member(data, "name", wrong);
  claims.version = text_member(data, "ver", wrong);
  claims.tags = list_member(data, "tags", wrong).value_or(std::vector<std::string>());
  claims.hash = text_member(data, "hash", wrong).value_or("");
  if (const auto rev = data.find("rev"); rev != data.end() && !rev->is_null()) {
    if (!rev->is_number_integer() || rev->get<std::int64_t>() < INT32_MIN ||
        rev->get<std::int64_t>() > INT32_MAX)
      return bad_member("rev");
    claims.revision = rev->get<std::int32_t>();
  }
  if (!wrong.empty()) return bad_member(wrong);
  return claims;
}

Result<AccountClaims> account_claims(const json& body) {
  UNBOLT_ASSIGN(const PublicKey issuer, key_member(body, "iss", KeyKind::Operator));
  UNBOLT_ASSIGN(const PublicKey subject, key_member(body, "sub", KeyKind::Account));
  UNBOLT_ASSIGN(const json data, metadata(body));
  std::string wrong;
  AccountClaims claims{common(body, wrong), issuer, subject};
  claims.name = text_member(data, "name", wrong);
  const auto signers = list_member(data, "valid_signers", wrong);
  if (!wrong.empty()) return bad_member(wrong);
  for (const auto& text : signers.value_or(std::vector<std::string>())) {
    const auto key = PublicKey::parse(text);
    if (!key || key->kind() != KeyKind::Account) return bad_member("valid_signers");
    claims.signers.push_back(*key);
  }
  return claims;
}

}  // namespace unbolt::claims
