#include "unbolt/claims/seal.h"

#include <nlohmann/json.hpp>

#include "unbolt/claims/file_digest.h"
#include "unbolt/claims/strict_json.h"
#include "unbolt/claims/token.h"

namespace unbolt::claims {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

Result<> check_chain(const Seal& seal, const identity::PublicKey& issuer) {
  for (const auto& text : seal.chain) {
    const auto token = open_token(text);
    if (!token) return std::unexpected(Error(token.error()).in("the account's token"));
    const auto account = account_claims(token->body);
    if (!account) return std::unexpected(Error(account.error()).in("the account's token"));
    if (!account->vouches_for(issuer)) {
      return fail(ErrorCode::InvalidArgument, "the account's token is for {}, and not for {}",
                  account->subject.text(), issuer.text());
    }
  }
  return {};
}

}  // namespace

std::string seal_text(const Seal& seal) {
  return ordered_json{
      {"version", 1}, {"digest", seal.digest}, {"grants", seal.grants}, {"chain", seal.chain}}
      .dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

Result<Seal> parse_seal(std::string_view text) {
  if (text.size() > kLargestSeal) {
    return fail(ErrorCode::LimitExceeded, "the seal has {} bytes, and {} may be", text.size(),
                kLargestSeal);
  }
  auto object = strict_object(text);
  if (!object) return std::unexpected(std::move(object).error().in("the seal"));
  if (const auto version = object->find("version");
      version == object->end() || *version != 1 || object->size() != 4) {
    return fail(ErrorCode::Unsupported, "the seal is of a version that this program does not know");
  }
  Seal seal;
  std::string wrong;
  const auto digest = text_member(*object, "digest", wrong);
  const auto grants = list_member(*object, "grants", wrong);
  if (!digest || !grants || grants->size() > kMostGrants)
    return fail(ErrorCode::InvalidFile, "the seal's digest or grants are not what they should be");
  const auto chain = object->find("chain");
  if (chain == object->end() || !chain->is_array() || chain->size() > 1 ||
      (!chain->empty() && !chain->front().is_string()))
    return fail(ErrorCode::InvalidFile, "the seal's chain is not what it should be");
  seal.digest = *digest;
  seal.grants = *grants;
  for (const auto& token : *chain) seal.chain.push_back(token.get<std::string>());
  if (seal_text(seal) != text)
    return fail(ErrorCode::InvalidFile, "the seal is written otherwise than this program does");
  return seal;
}

Result<Bytes> sign_file(ByteView file, ComponentClaims claims, Seal seal,
                        const identity::KeyPair& issuer) {
  UNBOLT_TRY(check_chain(seal, issuer.public_key()));
  UNBOLT_ASSIGN(Bytes out, without_claims(file));
  seal.digest = "sha256:" + hex(sha256_of(out));
  const std::string text = seal_text(seal);
  if (const auto read = parse_seal(text); !read) {
    return std::unexpected(Error{ErrorCode::InvalidArgument, read.error().message, {}});
  }
  append_custom_section(out, kSealSection, as_bytes(text));
  UNBOLT_ASSIGN(const FileDigests digests, file_digests(out, ClaimSections{}));
  claims.issuer = issuer.public_key();
  claims.hash = upper_hex(digests.wascap);
  const auto body = to_json(claims);
  if (const auto read = component_claims(json(body)); !read) {
    return std::unexpected(Error{ErrorCode::InvalidArgument, read.error().message, {}});
  }
  UNBOLT_ASSIGN(const std::string token, sign_token(body, issuer));
  append_custom_section(out, kTokenSection, as_bytes(token));
  return out;
}

Result<std::string> sign_account(AccountClaims claims, const identity::KeyPair& issuer) {
  claims.issuer = issuer.public_key();
  const auto body = to_json(claims);
  if (const auto read = account_claims(json(body)); !read) {
    return std::unexpected(Error{ErrorCode::InvalidArgument, read.error().message, {}});
  }
  return sign_token(body, issuer);
}

}  // namespace unbolt::claims
