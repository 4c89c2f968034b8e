#include "unbolt/claims/token.h"

#include <algorithm>

#include "unbolt/claims/base64url.h"
#include "unbolt/claims/strict_json.h"

namespace unbolt::claims {
namespace {

constexpr std::string_view kHeader = R"({"typ":"jwt","alg":"Ed25519"})";

Result<> check_header(std::string_view part) {
  const auto bytes = from_base64url(part);
  if (!bytes) return fail(ErrorCode::InvalidFile, "its header is not written in strict base64url");
  auto header = strict_object(as_text(*bytes));
  if (!header) return std::unexpected(std::move(header).error().in("its header"));
  std::string wrong;
  const auto algorithm = text_member(*header, "alg", wrong);
  if (!algorithm || *algorithm != "Ed25519") {
    return fail(ErrorCode::Denied, "its algorithm is '{}', and only Ed25519 is accepted",
                algorithm ? algorithm->substr(0, 40) : "");
  }
  if (text_member(*header, "typ", wrong) != "jwt" || header->size() != 2)
    return fail(ErrorCode::InvalidFile, "its header is not that of a wasmCloud token");
  return {};
}

}  // namespace

Result<std::string> sign_token(const nlohmann::ordered_json& body,
                               const identity::KeyPair& issuer) {
  std::string text = base64url(as_bytes(kHeader)) + "." +
                     base64url(as_bytes(body.dump(
                         -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)));
  UNBOLT_ASSIGN(const auto signature, issuer.sign(as_bytes(text)));
  text += "." + base64url(signature);
  if (text.size() > kLongestToken) {
    return fail(ErrorCode::LimitExceeded, "the claims are too large: {} bytes, and {} may be",
                text.size(), kLongestToken);
  }
  return text;
}

Result<Token> open_token(std::string_view text) {
  if (text.size() > kLongestToken) {
    return fail(ErrorCode::LimitExceeded, "it has {} bytes, and {} may be", text.size(),
                kLongestToken);
  }
  if (std::count(text.begin(), text.end(), '.') != 2)
    return fail(ErrorCode::InvalidFile, "it is no token of three parts");
  const auto first = text.find('.'), second = text.rfind('.');
  UNBOLT_TRY(check_header(text.substr(0, first)));
  const auto bytes = from_base64url(text.substr(first + 1, second - first - 1));
  if (!bytes) return fail(ErrorCode::InvalidFile, "its body is not written in strict base64url");
  UNBOLT_ASSIGN(auto body, strict_object(as_text(*bytes)));
  std::string wrong;
  const auto issuer = text_member(body, "iss", wrong);
  if (!issuer) return fail(ErrorCode::InvalidFile, "it names no issuer");
  const auto key = identity::PublicKey::parse(*issuer);
  if (!key) return std::unexpected(Error(key.error()).in("its issuer"));
  const auto signature = from_base64url(text.substr(second + 1));
  identity::Signature fixed{};
  if (!signature || signature->size() != fixed.size())
    return fail(ErrorCode::InvalidFile, "its signature is not 64 bytes in strict base64url");
  std::copy(signature->begin(), signature->end(), fixed.begin());
  if (!key->verifies(as_bytes(text.substr(0, second)), fixed)) {
    return fail(ErrorCode::Denied, "the signature is not that of its issuer {}", key->text());
  }
  return Token{std::move(body), *key};
}

}  // namespace unbolt::claims
